"""What was read from the remote cluster: of each object, the fields that decide something."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from barrelman_sync.model.names import Affinity, Key


@dataclass(frozen=True, slots=True)
class RemotePort:
    """A port of a remote Service. `node_port` 0 means that none was allocated."""

    name: str
    protocol: str
    port: int
    node_port: int
    app_protocol: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteService:
    """A Service of the remote cluster."""

    key: Key
    type: str
    ports: tuple[RemotePort, ...] = ()
    affinity: Affinity = Affinity()
    marker: str | None = None
    """The value of the label `tfw.io/barrelman`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Only the labels that `--service-selector` asks for."""
    local_traffic: bool = False
    """externalTrafficPolicy Local: a node that has no endpoint of this Service drops traffic to the Service."""
    has_selector: bool = True
    ignored: bool = False
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the remote cluster. `labels` has only the labels that some rule asks for."""

    name: str
    addresses: tuple[str, ...] = ()
    """The InternalIPs, in the order of the node's status."""
    ready: str | None = None
    """The status of the condition Ready: "True", "False" or "Unknown"; None if the node has no such condition."""
    network_unavailable: bool = False
    deleting: bool = False
    taints: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)


class ServingNodes(NamedTuple):
    """The names of the nodes that have endpoints of a Service with externalTrafficPolicy Local."""

    ready: frozenset[str] = frozenset()
    draining: frozenset[str] = frozenset()
    """Nodes whose endpoints still serve while they terminate. If none is ready, kube-proxy uses these, and so do we."""


@dataclass(frozen=True, slots=True)
class Remote:
    """All that was read from the remote cluster. It exists only if every list was read to its end."""

    uid: str
    """The uid of the namespace kube-system, which identifies the cluster."""
    nodes: tuple[Node, ...]
    services: tuple[RemoteService, ...]
    serving: Mapping[Key, ServingNodes] | None = field(default_factory=dict)
    """By Service with externalTrafficPolicy Local; None if the EndpointSlices could not be read."""
