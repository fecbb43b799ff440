"""The values that the whole program speaks in: what was read, and what is wanted.

Pure: no client, no log, no clock, no environment. The words are those of docs/design.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

FIELD_MANAGER = "barrelman-sync"

MARKER = "tfw.io/barrelman"
"""Label and annotation of the original; on Services MIRROR_MARKER or MANUAL_MARKER, as annotation IGNORE."""
MIRROR_MARKER = "managed-resource"
MANUAL_MARKER = "true"
IGNORE = "ignore"
SOURCE = "tfw.io/barrelman-source"
MANAGED_BY = "app.kubernetes.io/managed-by"
ENDPOINTS_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
"""Where Kubernetes' own endpoints controller writes `endpoint-controller`, see docs/design.md."""
SLICE_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
SLICE_CONTROLLER = "endpointslice-controller.k8s.io"
SLICE_MIRRORING = "endpointslicemirroring-controller.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"

Protocol = str
Family = Literal["IPv4", "IPv6"]


class Kind(StrEnum):
    """The kinds of object that a run may write, in the order in which their lines are printed."""

    NAMESPACE = "Namespace"
    SERVICE = "Service"
    ENDPOINTS = "Endpoints"
    SLICE = "EndpointSlice"


class Key(NamedTuple):
    """Where an object is. A Namespace has the empty namespace."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Revision(NamedTuple):
    """Which object, and which state of it, a decision was made on."""

    uid: str
    resource_version: str


# --- the remote cluster -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RemotePort:
    """A port of a remote Service; `node_port` is 0 where none was allocated."""

    name: str
    protocol: Protocol
    port: int
    node_port: int
    app_protocol: str | None = None


class Affinity(NamedTuple):
    """Session affinity; `timeout` in seconds, None without affinity."""

    mode: str = "None"
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteService:
    """A Service of the remote cluster, as far as it decides about a mirror."""

    key: Key
    type: str
    ports: tuple[RemotePort, ...] = ()
    affinity: Affinity = Affinity()
    marker: str | None = None
    local_traffic: bool = False
    """externalTrafficPolicy Local: a node without an endpoint of this Service drops its traffic."""
    has_selector: bool = True
    ignored: bool = False
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the remote cluster. `labels` holds only those that some rule asks for."""

    name: str
    addresses: tuple[str, ...] = ()
    """Its InternalIPs in the order of its status."""
    ready: str | None = None
    """Status of the condition Ready: True, False, Unknown, or None where it has none."""
    network_unavailable: bool = False
    deleting: bool = False
    taints: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)


class Serving(NamedTuple):
    """The nodes that have endpoints of a Service with local traffic policy."""

    ready: frozenset[str] = frozenset()
    draining: frozenset[str] = frozenset()
    """Serving though terminating: kube-proxy's choice when none is ready, and so ours."""


@dataclass(frozen=True, slots=True)
class Remote:
    """All that was read from the remote cluster. It exists only if every list was read to its end."""

    cluster_id: str
    nodes: tuple[Node, ...]
    services: tuple[RemoteService, ...]


# --- the local cluster ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class ServicePort:
    """A port of a local Service, live or wanted; `node_port` is 0 where there is none."""

    name: str
    protocol: Protocol
    port: int
    target_port: int | str
    node_port: int = 0
    app_protocol: str = ""


def allocated(ports: Iterable[ServicePort]) -> frozenset[int]:
    """Their node ports: an allocation is by number, not by protocol (pkg/registry/core/service/storage/alloc.go)."""
    return frozenset(port.node_port for port in ports if port.node_port)


@dataclass(frozen=True, slots=True)
class LocalService:
    """A Service of the local cluster as it is now."""

    key: Key
    revision: Revision
    type: str = "ClusterIP"
    ports: tuple[ServicePort, ...] = ()
    """Sorted."""
    affinity: Affinity = Affinity()
    labels: Mapping[str, str] = field(default_factory=dict)
    """Only those that we may write."""
    has_selector: bool = False
    headless: bool = False
    ignored: bool = False
    deleting: bool = False
    families: tuple[Family, ...] = ()
    managed_fields: bytes = b"null"
    """`metadata.managedFields` as the server sent it; only of a mirror."""

    @property
    def is_mirror(self) -> bool:
        """Whether it says that it was made by us, or by the original."""
        return self.labels.get(MARKER) == MIRROR_MARKER

    @property
    def is_manual(self) -> bool:
        """Whether it is a user's own Service that asks us for endpoints."""
        return self.labels.get(MARKER) == MANUAL_MARKER

    @property
    def source(self) -> str | None:
        """The remote that it names, None where it names none."""
        return self.labels.get(SOURCE)


@dataclass(frozen=True, slots=True, order=True)
class EndpointPort:
    """A port of an Endpoints object; `name` is empty for the only, unnamed port."""

    name: str
    protocol: Protocol
    port: int
    app_protocol: str = ""


@dataclass(frozen=True, slots=True)
class LocalEndpoints:
    """An Endpoints object of the local cluster as it is now; addresses and ports sorted."""

    key: Key
    revision: Revision
    addresses: tuple[str, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
    regular: bool = True
    """One subset of plain, ready addresses, as we write them. Anything else is to be replaced."""
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: frozenset[str] = frozenset()
    """uids of its owner references."""

    @property
    def is_ours(self) -> bool:
        """Whether it still says that we manage it; no other label may be asked, see docs/design.md."""
        return self.labels.get(ENDPOINTS_MANAGED_BY) == FIELD_MANAGER

    @property
    def source(self) -> str | None:
        """The remote that we took the addresses from, None where we did not write it."""
        return self.labels.get(SOURCE) if self.is_ours else None


@dataclass(frozen=True, slots=True)
class LocalSlice:
    """An EndpointSlice of the local cluster as it is now; addresses and ports sorted."""

    key: Key
    service: Key
    revision: Revision
    manager: str
    """Who says that it manages it: we, or one of Kubernetes' controllers."""
    family: str
    addresses: tuple[str, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
    regular: bool = True
    """Endpoints of one ready address each and nothing else, as we write them."""
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: frozenset[str] = frozenset()

    @property
    def is_ours(self) -> bool:
        """Whether it still says that we manage it."""
        return self.manager == FIELD_MANAGER

    @property
    def source(self) -> str | None:
        """The remote that we took the addresses from, None where we did not write it."""
        return self.labels.get(SOURCE) if self.is_ours else None


@dataclass(frozen=True, slots=True)
class LocalNamespace:
    """A namespace of the local cluster."""

    name: str
    uid: str = ""
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class Local:
    """All that was read from the local cluster. It exists only if every list was read to its end."""

    cluster_id: str
    namespaces: Mapping[str, LocalNamespace]
    services: Mapping[Key, LocalService]
    endpoints: Mapping[Key, LocalEndpoints]
    slices: Mapping[Key, tuple[LocalSlice, ...]] = field(default_factory=dict)
    """By Service: ours, and those that Kubernetes' controller left at Services that may be ours to serve."""
    mirrored: Mapping[Key, tuple[LocalSlice, ...]] = field(default_factory=dict)
    """By Service: Kubernetes' copies of our Endpoints, read only where they are about to replace slices of ours."""
    versions: Mapping[Kind, str] = field(default_factory=dict)
    """The resourceVersion of each list: a create is refused if the object appeared after it."""


# --- what the local cluster should hold -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WantedNamespace:
    """A namespace that is made because a mirror needs it. Never changed, never deleted."""

    name: str
    source: str

    kind = Kind.NAMESPACE

    @property
    def key(self) -> Key:
        """Namespaces are cluster-wide."""
        return Key("", self.name)

    @property
    def service(self) -> Key:
        """It serves many, so it stands for itself."""
        return self.key


@dataclass(frozen=True, slots=True)
class Mirror:
    """The local Service that stands for a remote one; ports sorted."""

    key: Key
    source: str
    ports: tuple[ServicePort, ...]
    affinity: Affinity = Affinity()
    type: str = "ClusterIP"
    local_traffic: bool = False
    """The remote's traffic policy: it decides about the endpoints, and is never copied."""

    kind = Kind.SERVICE

    @property
    def service(self) -> Key:
        """Itself."""
        return self.key

    @property
    def node_ports(self) -> frozenset[int]:
        """The node ports that it allocates; one number may serve several protocols."""
        return allocated(self.ports)


@dataclass(frozen=True, slots=True)
class WantedEndpoints:
    """The Endpoints of a mirror or manual service; addresses canonical, unique and sorted, ports sorted."""

    key: Key
    source: str
    addresses: tuple[str, ...]
    ports: tuple[EndpointPort, ...]
    owner_uid: str | None = None
    """uid of its Service, None as long as the plan has yet to create that."""

    kind = Kind.ENDPOINTS

    @property
    def service(self) -> Key:
        """The Service of the same name."""
        return self.key


@dataclass(frozen=True, slots=True)
class WantedSlice:
    """One of the EndpointSlices of a mirror or manual service, for one family; addresses and ports sorted."""

    key: Key
    service: Key
    source: str
    family: Family
    addresses: tuple[str, ...]
    ports: tuple[EndpointPort, ...]
    owner_uid: str | None = None

    kind = Kind.SLICE


Wanted = WantedNamespace | Mirror | WantedEndpoints | WantedSlice


class Skipped(NamedTuple):
    """A Service that is left out or left alone, and why."""

    key: Key
    reason: str
