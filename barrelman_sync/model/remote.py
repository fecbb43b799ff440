"""What was read from the remote cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from barrelman_sync.model.names import Affinity, Key


@dataclass(frozen=True, slots=True)
class RemotePort:
    """A port of a remote Service; `node_port` is 0 where none was allocated."""

    name: str
    protocol: str
    port: int
    node_port: int
    app_protocol: str | None = None


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


class ServingNodes(NamedTuple):
    """The nodes that have endpoints of a Service with local traffic policy."""

    ready: frozenset[str] = frozenset()
    draining: frozenset[str] = frozenset()
    """Serving though terminating: kube-proxy's choice when none is ready, and so ours."""


@dataclass(frozen=True, slots=True)
class Remote:
    """All that was read from the remote cluster. It exists only if every list was read to its end."""

    nodes: tuple[Node, ...]
    services: tuple[RemoteService, ...]
    serving: Mapping[Key, ServingNodes] | None = field(default_factory=dict)
    """By Service with local traffic policy; None if the EndpointSlices could not be read."""
