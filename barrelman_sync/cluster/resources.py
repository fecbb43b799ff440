"""Slim resource classes for lightkube: only the fields that we read, so no other field can fail a run or cost time.

A node is 15 kB of JSON or more. msgspec decodes only the few fields that a class here has, and skips the others.
The names are those of the Kubernetes API, see https://kubernetes.io/docs/reference/kubernetes-api/.
"""

import msgspec
from lightkube.core.resource import ApiInfo, GlobalResource, NamespacedResourceG, ResourceDef

from barrelman_sync.cluster.metadata import Metadata, Object, Part
from barrelman_sync.model.names import Affinity, Family

_VERBS = ["delete", "get", "list", "global_list", "patch"]


class NamespaceStatus(Part):
    """The status of a namespace. The phase is Active or Terminating."""

    phase: str = ""


class Namespace(Object, GlobalResource):
    """A namespace."""

    _api_info = ApiInfo(ResourceDef("", "v1", "Namespace"), "namespaces", _VERBS)

    metadata: Metadata
    status: NamespaceStatus = msgspec.field(default_factory=NamespaceStatus)


class Port(Part):
    """A port of a Service or of an Endpoints subset."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    target_port: int | str = 0
    node_port: int = 0
    app_protocol: str | None = None


class SlicePort(Part):
    """A port of a slice. In the API, every field may be null."""

    name: str | None = None
    protocol: str | None = None
    port: int | None = None
    app_protocol: str | None = None


class ClientIP(Part):
    """The configuration of session affinity: how long it lasts."""

    timeout_seconds: int | None = None


class AffinityConfig(Part):
    """The configuration of session affinity. Without affinity, `client_ip` is None."""

    client_ip: ClientIP | None = msgspec.field(name="clientIP", default=None)


class ServiceSpec(Part):
    """The spec of a Service."""

    type: str = "ClusterIP"
    ports: list[Port] | None = None
    selector: dict[str, str] | None = None
    cluster_ip: str = msgspec.field(name="clusterIP", default="")
    ip_families: list[Family] | None = None
    session_affinity: str = "None"
    session_affinity_config: AffinityConfig | None = None
    external_traffic_policy: str = ""

    @property
    def affinity(self) -> Affinity:
        """Session affinity and its timeout as one value."""
        config = self.session_affinity_config
        return Affinity(
            self.session_affinity, config.client_ip.timeout_seconds if config and config.client_ip else None
        )


class Service(Object, NamespacedResourceG):
    """A Service."""

    _api_info = ApiInfo(ResourceDef("", "v1", "Service"), "services", _VERBS)

    metadata: Metadata
    spec: ServiceSpec


class Presence(Part):
    """A field whose content does not matter, only whether the field is there."""


class Address(Part):
    """An address of Endpoints. We write only `ip`."""

    ip: str
    hostname: str | None = None
    node_name: str | None = None
    target_ref: Presence | None = None


class Subset(Part):
    """Addresses of Endpoints that have the same ports."""

    addresses: list[Address] | None = None
    not_ready_addresses: list[Presence] | None = None
    ports: list[Port] | None = None


class Endpoints(Object, NamespacedResourceG):
    """An Endpoints object."""

    _api_info = ApiInfo(ResourceDef("", "v1", "Endpoints"), "endpoints", _VERBS)

    metadata: Metadata
    subsets: list[Subset] | None = None


class EndpointConditions(Part):
    """The state of an endpoint. None means ready, serving and not terminating (discovery/v1 types.go)."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class ForZone(Part):
    """The hint that an endpoint is meant for callers in a zone."""

    name: str = ""


class Hints(Part):
    """For which callers an endpoint is meant. We write only `for_zones`."""

    for_zones: list[ForZone] | None = None
    for_nodes: list[Presence] | None = None


class Endpoint(Part):
    """An endpoint of a slice. We write only `addresses`, `conditions.ready`, and perhaps `zone` and `hints`."""

    addresses: list[str] | None = None
    conditions: EndpointConditions = msgspec.field(default_factory=EndpointConditions)
    node_name: str | None = None
    hostname: str | None = None
    zone: str | None = None
    target_ref: Presence | None = None
    hints: Hints | None = None


class EndpointSlice(Object, NamespacedResourceG):
    """A part of the endpoints of a Service, all of one IP family."""

    _api_info = ApiInfo(ResourceDef("discovery.k8s.io", "v1", "EndpointSlice"), "endpointslices", _VERBS)

    metadata: Metadata
    address_type: str = ""
    endpoints: list[Endpoint] | None = None
    ports: list[SlicePort] | None = None


class Condition(Part):
    """A condition of a node, such as Ready."""

    type: str = ""
    status: str = ""


class NodeAddress(Part):
    """One of a node's addresses."""

    type: str = ""
    address: str = ""


class Taint(Part):
    """A taint of a node. Only its key matters."""

    key: str = ""


class NodeSpec(Part):
    """The spec of a node."""

    taints: list[Taint] | None = None


class NodeStatus(Part):
    """The status of a node."""

    conditions: list[Condition] | None = None
    addresses: list[NodeAddress] | None = None


class Node(Object, GlobalResource):
    """A node."""

    _api_info = ApiInfo(ResourceDef("", "v1", "Node"), "nodes", _VERBS)

    metadata: Metadata
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)
