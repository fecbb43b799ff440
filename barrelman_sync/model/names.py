"""What all values are made of: labels, kinds, keys, ports. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

FIELD_MANAGER = "barrelman-sync"

MARKER = "tfw.io/barrelman"
"""The original's label (value MIRROR_MARKER or MANUAL_MARKER), and its annotation (value IGNORE)."""
MIRROR_MARKER = "managed-resource"
MANUAL_MARKER = "true"
IGNORE = "ignore"
SOURCE = "tfw.io/barrelman-source"
SOURCE_UID = "tfw.io/barrelman-source-uid"
"""The annotation with the uid of the remote's namespace kube-system: a name alone does not tell two clusters apart."""
ORPHANED_SINCE = "tfw.io/barrelman-orphaned-since"
"""The annotation that marks a mirror which waits for its delete, see `--delete-grace`: since when it is orphaned."""
REPLACES = "tfw.io/barrelman-replaces"
"""The annotation that endpoints get before the endpoints of the other mode are deleted: the resourceVersion of what is
deleted, see docs/adr/012-make-before-break.md."""
OUR_ANNOTATIONS = (SOURCE_UID, ORPHANED_SINCE, REPLACES)
"""Every annotation that we write. A release takes them all off again."""
MANAGED_BY = "app.kubernetes.io/managed-by"
ENDPOINTS_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
"""Kubernetes' endpoints controller writes `endpoint-controller` into this label, see docs/design.md."""
SLICE_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
SLICE_CONTROLLER = "endpointslice-controller.k8s.io"
SLICE_MIRRORING = "endpointslicemirroring-controller.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
HEADLESS = "service.kubernetes.io/headless"
PROXY_NAME = "service.kubernetes.io/service-proxy-name"
LEADER = "control-plane.alpha.kubernetes.io/leader"
"""The annotation of a leader election, see `LocalEndpoints.elects_leader`."""

Family = Literal["IPv4", "IPv6"]


class Kind(StrEnum):
    """The kinds of object that a run may write, in the order in which a Service needs them."""

    NAMESPACE = "Namespace"
    SERVICE = "Service"
    ENDPOINTS = "Endpoints"
    SLICE = "EndpointSlice"


class Key(NamedTuple):
    """The namespace and name of an object. For a Namespace, `namespace` is empty."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


API_SERVER = Key("default", "kubernetes")
"""The API server's own Service, which every cluster has."""


class Ref(NamedTuple):
    """An object, and the key of the Service that the object belongs to. A Service or Namespace belongs to itself."""

    kind: Kind
    key: Key
    service: Key


class Origin(NamedTuple):
    """Which remote an object says that it is from: the source's name (a label) and uid (an annotation); None if unsaid.

    Objects of the original say neither.
    """

    name: str | None = None
    uid: str | None = None


class Revision(NamedTuple):
    """The object (`uid`) and the state of the object (`resource_version`) that a decision rests on."""

    uid: str
    resource_version: str


class Affinity(NamedTuple):
    """Session affinity. `timeout` is in seconds, and None if there is no affinity (`mode` "None")."""

    mode: str = "None"
    timeout: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class ServicePort:
    """A port of a local Service, live or wanted. `node_port` 0 means none."""

    name: str
    protocol: str
    port: int
    target_port: int | str
    node_port: int = 0
    app_protocol: str = ""


def allocated(ports: Iterable[ServicePort]) -> frozenset[int]:
    """The node ports of these ports. A node port is allocated by number, whatever the protocol.

    See pkg/registry/core/service/storage/alloc.go.
    """
    return frozenset(port.node_port for port in ports if port.node_port)


@dataclass(frozen=True, slots=True, order=True)
class EndpointPort:
    """A port of Endpoints or of a slice. `name` may be empty if the Service has one port only."""

    name: str
    protocol: str
    port: int
    app_protocol: str = ""
