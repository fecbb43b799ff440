"""Which nodes serve one Service after a run, and why each of the others does not. Pure.

Nothing is decided here. The addresses are those of the planned steps; the reason comes from where the decision was
made: `nodes` excludes a node, `targets` knows which nodes answer, and `pool` did not pick the others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from barrelman_sync.model.local import LocalEndpoints, LocalSlice
from barrelman_sync.model.names import Key
from barrelman_sync.model.remote import Node
from barrelman_sync.model.wanted import WantedEndpoints, WantedSlice
from barrelman_sync.planning.modes import chosen_mode
from barrelman_sync.planning.nodes import ZONE_LABEL
from barrelman_sync.planning.pool import Pool
from barrelman_sync.planning.reasons import KEEPING, Exclusion, NotServing, Reason
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Create, Delete, HeldBack, Leave, Step, Unchanged, Update
from barrelman_sync.planning.targets import Keep, Served, answering_pools


class NodeAnswer(NamedTuple):
    """A remote node, and whether it serves a Service."""

    node: str
    zone: str
    addresses: tuple[str, ...]
    """The addresses that serve; of a node that does not serve, its InternalIPs."""
    why_not: Exclusion | NotServing | None
    """Why the node does not serve the Service; None if it does."""


def node_answers(
    key: Key, situation: Situation, nodes: Iterable[Node], steps: Sequence[Step]
) -> tuple[NodeAnswer, ...]:
    """The answer of every node, sorted by name. None answers if these steps give the Service no endpoints."""
    kept = any(isinstance(step, Leave) and step.why.reason in KEEPING for step in steps)
    written = frozenset(chain.from_iterable(map(_addresses_after, steps)))
    if not (kept or written):
        return ()
    serving = written | situation.present_addresses(key) if kept else written
    held = any(isinstance(step, HeldBack) for step in steps)
    not_serving = _not_serving(situation, key, held=held)
    whys: dict[str, Exclusion | NotServing] = {**dict(situation.nodes.excluded), **not_serving}
    used = _used_addresses(situation)
    return tuple(
        _answer(node, serving.intersection(used.get(node.name, ())), whys[node.name])
        for node in sorted(nodes, key=lambda node: node.name)
    )


def _answer(node: Node, serving: frozenset[str], why_not: Exclusion | NotServing) -> NodeAnswer:
    zone = node.labels.get(ZONE_LABEL, "")
    if serving:
        return NodeAnswer(node.name, zone, tuple(sorted(serving)), None)
    return NodeAnswer(node.name, zone, node.addresses, why_not)


def _not_serving(situation: Situation, key: Key, *, held: bool) -> Mapping[str, NotServing]:
    """Why each used node does not serve the Service, given that it does not.

    `held`: a step of the Service is held back. For a mirror that is to be deleted, a run does not read the remote's
    EndpointSlices.
    """
    live = situation.local.services.get(key)
    local_traffic = key in situation.desired.local_traffic and not (live and live.is_manual)
    service = Served(key, (), situation.families(live), None, local_traffic)
    pools = situation.nodes.pools
    used = _names(pools.values())
    reachable = _names(pools[family] for family in chosen_mode(situation.rules).families(service) if family in pools)
    match answering_pools(situation, service):
        case Keep(why):
            unknown = held or why.reason is Reason.REMOTE_SLICES_UNREADABLE
            found = dict.fromkeys(used, NotServing.UNKNOWN if unknown else NotServing.NO_ENDPOINT)
        case answering:
            picked_from = _names(answering.values())
            found = {node: NotServing.NOT_PICKED if node in picked_from else NotServing.NO_ENDPOINT for node in used}
    return found | dict.fromkeys(used - reachable, NotServing.NO_ADDRESS)


def _names(pools: Iterable[Pool]) -> frozenset[str]:
    return frozenset(name for pool in pools for entries in pool.zones.values() for name, _ in entries)


def _used_addresses(situation: Situation) -> Mapping[str, Sequence[str]]:
    """The addresses of each used node, at most one in each family."""
    found: dict[str, list[str]] = {}
    for pool in situation.nodes.pools.values():
        for name, address in chain.from_iterable(pool.zones.values()):
            found.setdefault(name, []).append(address)
    return found


def _addresses_after(step: Step) -> Iterator[str]:
    """The addresses that endpoints have once the step is done."""
    match step:
        case Create(WantedEndpoints(content) | WantedSlice(_, content)):
            yield from content.addresses
        case Update(WantedEndpoints(content) | WantedSlice(_, content)):
            yield from content.addresses
        case Unchanged(LocalEndpoints() | LocalSlice() as live):
            yield from live.addresses
        case Update():
            yield from chain.from_iterable(map(_addresses_after, step.before))
        case HeldBack(Delete(LocalEndpoints() | LocalSlice() as live)):
            yield from live.addresses
        case HeldBack(Update(live=LocalEndpoints() | LocalSlice() as live)):
            yield from live.addresses
        case _:  # nothing about endpoints, or they are deleted or left
            return
