"""The words that all values share: constants, kinds, keys, ports."""

from collections.abc import Iterable
from dataclasses import dataclass
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

Family = Literal["IPv4", "IPv6"]


class Kind(StrEnum):
    """The kinds of object that a run may write, in the order in which a Service needs them."""

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


class Ref(NamedTuple):
    """Which object, and which Service it belongs to; a Service and a Namespace belong to themselves."""

    kind: Kind
    key: Key
    service: Key


class Revision(NamedTuple):
    """Which object, and which state of it, a decision was made on."""

    uid: str
    resource_version: str


class Affinity(NamedTuple):
    """Session affinity; `timeout` in seconds, None without affinity."""

    mode: str = "None"
    timeout: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class ServicePort:
    """A port of a local Service, live or wanted; `node_port` is 0 where there is none."""

    name: str
    protocol: str
    port: int
    target_port: int | str
    node_port: int = 0
    app_protocol: str = ""


def allocated(ports: Iterable[ServicePort]) -> frozenset[int]:
    """Their node ports: an allocation is by number, not by protocol (pkg/registry/core/service/storage/alloc.go)."""
    return frozenset(port.node_port for port in ports if port.node_port)


@dataclass(frozen=True, slots=True, order=True)
class EndpointPort:
    """A port of Endpoints or of a slice; `name` is empty for the only, unnamed port."""

    name: str
    protocol: str
    port: int
    app_protocol: str = ""
