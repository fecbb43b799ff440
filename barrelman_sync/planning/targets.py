"""Which addresses answer for a Service. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from barrelman_sync.model.names import EndpointPort, Family, Key, ServicePort
from barrelman_sync.model.wanted import AddressSet
from barrelman_sync.planning.pool import Pool
from barrelman_sync.planning.reasons import Answering, Reason, Why, because
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Step


@dataclass(frozen=True, slots=True)
class Served:
    """A local Service that gets endpoints from us; its target ports must be numbers."""

    key: Key
    ports: tuple[ServicePort, ...]
    families: tuple[Family, ...]
    """The primary family first."""
    uid: str | None = None
    """None if the run has yet to create the Service."""
    local_traffic: bool = False
    """externalTrafficPolicy Local: only nodes that have an endpoint of the Service answer for the Service."""

    @property
    def answering(self) -> Answering:
        """Which nodes answer for the Service."""
        return Answering.SERVING_NODE if self.local_traffic else Answering.USED_NODE


@dataclass(frozen=True, slots=True)
class Targets:
    """The addresses of a Service, one set for each family that an endpoint mode serves; no set is empty."""

    sets: tuple[AddressSet, ...]
    unserved: tuple[Family, ...] = ()
    """The families of the Service in which no node answers."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The endpoints stay as they are, because no better ones are known. A run never empties endpoints."""

    why: Why


class EndpointMode(Protocol):
    """How the addresses of Services are written. There are two: `EndpointsMode` and `SlicesMode`."""

    def families(self, service: Served) -> tuple[Family, ...]:
        """The families of the Service that this mode serves, the primary family first."""

    def limit(self, max_endpoints: int) -> int:
        """How many endpoints a Service gets at most, given the user's limit. 0 means no limit."""

    def steps(self, situation: Situation, service: Served, targets: Targets) -> Iterator[Step]:
        """The steps that write the targets, and that delete the endpoints of the other mode once nobody needs them."""


def targets(situation: Situation, service: Served, mode: EndpointMode) -> Targets | Keep:
    """The addresses that a Service should have, or why the Service keeps its endpoints."""
    if situation.nodes.is_empty:
        return Keep(situation.nodes.why_empty)
    pools = answering_pools(situation, service)
    if isinstance(pools, Keep):
        return pools
    served = mode.families(service)
    limit = mode.limit(situation.rules.max_endpoints)
    ports = endpoint_ports(service.ports)
    sets = tuple(
        AddressSet(
            service.key, situation.scope.origin, family, pools[family].pick(service.key, limit), ports, service.uid
        )
        for family in served
        if family in pools
    )
    if not sets:
        return Keep(because(Reason.NO_ADDRESS, families=" or ".join(served), answering=service.answering))
    return Targets(sets, tuple(family for family in service.families if family not in pools))


def endpoint_ports(ports: Iterable[ServicePort]) -> tuple[EndpointPort, ...]:
    """The endpoint ports for these Service ports, whose target ports must be numbers.

    kube-proxy matches Service ports with endpoint ports by name and protocol (pkg/proxy/endpointslicecache.go), so an
    endpoint port has the name and protocol of its Service port.
    """
    return tuple(
        sorted(EndpointPort(port.name, port.protocol, int(port.target_port), port.app_protocol) for port in ports)
    )


def answering_pools(situation: Situation, service: Served) -> Mapping[Family, Pool] | Keep:
    """The nodes that answer for the Service, by family: all used nodes, or with local traffic only some of them."""
    pools = situation.nodes.pools
    if not service.local_traffic:
        return pools
    if situation.serving is None:
        return Keep(Why(Reason.REMOTE_SLICES_UNREADABLE))
    serving = situation.serving.get(service.key)
    # As kube-proxy does: endpoints that terminate count only if none is ready.
    for nodes in (serving.ready, serving.draining) if serving else ():
        found = {family: pool.only(nodes) for family, pool in pools.items()}
        if fit := {family: pool for family, pool in found.items() if pool.size}:
            return fit
    return Keep(Why(Reason.NO_SERVING_NODE))
