"""Which nodes serve one Service after a run, and why each of the others does not. Pure.

Nothing is decided here. The addresses are those of the planned steps; the reason comes from where the decision was
made: `nodes` excludes a node, `targets` knows which nodes answer, and `pool` did not pick the others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from barrelman_sync.model.local import LocalEndpoints, LocalSlice
from barrelman_sync.model.names import Family, Key, Ref
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
    serving = frozenset(chain.from_iterable(_endpoints_after(key, situation, steps, kept=kept).values()))
    if not (kept or serving):
        return ()
    used = _used_addresses(situation)
    served = serving.intersection(chain.from_iterable(used.values()))
    is_held = any(isinstance(step, HeldBack) for step in steps)
    why_not = _held_back(situation, key, len(served)) if is_held else _not_serving(situation, key)
    whys: dict[str, Exclusion | NotServing] = {**dict(situation.nodes.excluded), **why_not}
    return tuple(
        _answer(node, serving.intersection(used.get(node.name, ())), whys[node.name])
        for node in sorted(nodes, key=lambda node: node.name)
    )


def _answer(node: Node, serving: frozenset[str], why_not: Exclusion | NotServing) -> NodeAnswer:
    zone = node.labels.get(ZONE_LABEL, "")
    if serving:
        return NodeAnswer(node.name, zone, tuple(sorted(serving)), None)
    return NodeAnswer(node.name, zone, node.addresses, why_not)


def _held_back(situation: Situation, key: Key, served: int) -> Mapping[str, NotServing]:
    """Why each used node does not serve the Service, given that it does not, and that a step is held back."""
    limit = chosen_mode(situation.rules).limit(situation.rules.max_endpoints)
    true = {NotServing.NO_ADDRESS}
    if 0 < limit <= served:
        true.add(NotServing.NOT_PICKED)
    # Nobody asked which nodes have endpoints of a Service whose mirror is to go, so the mirror gets no new nodes.
    if key in situation.desired.mirrors:
        true.add(NotServing.NO_ENDPOINT)
    return {node: why if why in true else NotServing.HELD_BACK for node, why in _not_serving(situation, key).items()}


def _not_serving(situation: Situation, key: Key) -> Mapping[str, NotServing]:
    """Why each used node does not serve the Service, given that it does not, and that no step is held back."""
    live = situation.local.services.get(key)
    local_traffic = key in situation.desired.local_traffic and not (live and live.is_manual)
    service = Served(key, (), situation.families(live), None, local_traffic)
    pools = situation.nodes.pools
    used = _names(pools.values())
    reachable = _names(pools[family] for family in chosen_mode(situation.rules).families(service) if family in pools)
    found = _not_answering(used, answering_pools(situation, service))
    return found | dict.fromkeys(used - reachable, NotServing.NO_ADDRESS)


def _not_answering(used: Iterable[str], answering: Mapping[Family, Pool] | Keep) -> dict[str, NotServing]:
    """Why each used node does not serve a Service for which these nodes answer."""
    if isinstance(answering, Keep):
        unknown = answering.why.reason is Reason.REMOTE_SLICES_UNREADABLE
        return dict.fromkeys(used, NotServing.UNKNOWN if unknown else NotServing.NO_ENDPOINT)
    picked_from = _names(answering.values())
    return {node: NotServing.NOT_PICKED if node in picked_from else NotServing.NO_ENDPOINT for node in used}


def _names(pools: Iterable[Pool]) -> frozenset[str]:
    return frozenset(name for pool in pools for entries in pool.zones.values() for name, _ in entries)


def _used_addresses(situation: Situation) -> Mapping[str, Sequence[str]]:
    """The addresses of each used node, at most one in each family."""
    found: dict[str, list[str]] = {}
    for pool in situation.nodes.pools.values():
        for name, address in chain.from_iterable(pool.zones.values()):
            found.setdefault(name, []).append(address)
    return found


def _endpoints_after(
    key: Key, situation: Situation, steps: Sequence[Step], *, kept: bool
) -> Mapping[Ref, tuple[str, ...]]:
    """The addresses that each of the Service's endpoints has once the steps are done.

    Endpoints that the run leaves are not among them, such as those of another source.
    """
    before = chain.from_iterable(step.before for step in steps if isinstance(step, Update))
    # The later entry for an object wins: what is written, also in place of a step that is held back.
    held = (pair for step in steps if isinstance(step, HeldBack) for pair in _present(step))
    present = (situation.local.endpoints.get(key), *situation.managed_endpoints(key)) if kept else ()
    stay = {found.ref: found.addresses for found in present if found}  # Endpoints are the Service's, whoever made them
    return stay | dict(held) | dict(chain.from_iterable(map(_written, (*before, *steps))))


def _present(step: HeldBack) -> Iterator[tuple[Ref, tuple[str, ...]]]:
    """The endpoints that stay as they are, because the step is held back."""
    match step.step:
        case Update(_, LocalEndpoints() | LocalSlice() as live) | Delete(LocalEndpoints() | LocalSlice() as live):
            yield step.ref, live.addresses
        case _:  # a create, or not about endpoints
            return


def _written(step: Step) -> Iterator[tuple[Ref, tuple[str, ...]]]:
    """The endpoints as they are after the step."""
    match step:
        case Create(WantedEndpoints(content) | WantedSlice(_, content)):
            yield step.ref, content.addresses
        case Update(WantedEndpoints(content) | WantedSlice(_, content)):
            yield step.ref, content.addresses
        case Unchanged(LocalEndpoints() | LocalSlice() as live):
            yield step.ref, live.addresses
        case Delete(LocalEndpoints() | LocalSlice()):
            yield step.ref, ()
        case _:  # nothing about endpoints, or they stay as they are
            return
