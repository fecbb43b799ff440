"""Which addresses a Service gets. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from barrelman_sync.model.local import Local
from barrelman_sync.model.names import Family, Key, ServicePort
from barrelman_sync.model.settings import EndpointRules
from barrelman_sync.planning.desired import Desired
from barrelman_sync.planning.pool import MIRRORING_LIMIT, Pool
from barrelman_sync.planning.situation import Situation


@dataclass(frozen=True, slots=True)
class Served:
    """A Service that gets endpoints from us."""

    key: Key
    ports: tuple[ServicePort, ...]
    families: tuple[Family, ...]
    """The primary one first."""
    uid: str | None = None
    """None as long as the Service has yet to be created."""
    local_traffic: bool = False
    """Only nodes with an endpoint of the Service answer for it, see externalTrafficPolicy."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The addresses by family, unique and sorted; never empty."""

    addresses: Mapping[Family, tuple[str, ...]]
    unserved: tuple[Family, ...] = ()
    """Families of the Service that no node has an address of."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The endpoints stay as they are: they are never emptied."""

    reason: str
    fails: bool


def targets(situation: Situation, service: Served) -> Targets | Keep:
    """The addresses of a Service, or why nothing better is known than those that it has."""
    if situation.nodes.is_empty:
        return Keep("no node takes part", fails=True)
    pools = _pools(situation, service)
    if isinstance(pools, Keep):
        return pools
    # An Endpoints object serves the primary family alone (pkg/controller/endpointslicemirroring).
    served = service.families if situation.rules.slices else service.families[:1]
    limit = endpoint_limit(situation.rules)
    addresses = {family: pools[family].pick(service.key, limit) for family in served if family in pools}
    if not addresses:
        return Keep(f"no node has an {' or '.join(served)} address", fails=True)
    unserved = tuple(family for family in service.families if family not in pools)
    return Targets(addresses, unserved)


def of_local_traffic(desired: Desired, local: Local) -> list[Key]:
    """The Services that are or become mirrors, and whose traffic only some nodes answer."""
    mirrors = (mirror.key for mirror in desired.mirrors.values() if mirror.local_traffic)
    return [key for key in mirrors if key not in local.services or local.services[key].is_mirror]


def node_warnings(situation: Situation) -> Iterator[str]:
    """What the user should know about the choice of nodes."""
    if assumed := situation.nodes.assumed_ready:
        yield (
            "fewer than half of the remote's fit nodes are Ready: its control plane has probably lost them, so"
            f" {len(assumed)} of unknown readiness count as ready"
        )
    largest = max((pool.size for pool in situation.nodes.pools.values()), default=0)
    asked, limit = situation.rules.max_endpoints or largest, endpoint_limit(situation.rules)
    if limit and min(asked, largest) > limit:
        yield (
            f"a Service gets {limit} of {largest} nodes: Kubernetes mirrors no more addresses of an Endpoints"
            " object (--endpoint-slices has no such limit)"
        )


def endpoint_limit(rules: EndpointRules) -> int:
    """How many endpoints a Service gets, 0 for all: with Endpoints never more than Kubernetes mirrors."""
    if rules.slices:
        return rules.max_endpoints
    return min(rules.max_endpoints or MIRRORING_LIMIT, MIRRORING_LIMIT)


def _pools(situation: Situation, service: Served) -> Mapping[Family, Pool] | Keep:
    pools = situation.nodes.pools
    if not service.local_traffic:
        return pools
    if situation.serving is None:
        return Keep("the remote's EndpointSlices could not be read (externalTrafficPolicy Local)", fails=True)
    serving = situation.serving.get(service.key)
    for nodes in (serving.ready, serving.draining) if serving else ():
        found = {family: pool.only(nodes) for family, pool in pools.items()}
        if fit := {family: pool for family, pool in found.items() if pool.size}:
            return fit
    return Keep("no node that takes part has a serving endpoint (externalTrafficPolicy Local)", fails=False)
