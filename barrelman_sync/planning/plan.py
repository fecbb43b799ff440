"""The steps from the local cluster as it is to the local cluster as it should be. Pure.

This module is the table of docs/mirroring.md, row by row. A plan without a write means that nothing
that we may write differs.
"""

from collections.abc import Iterator
from dataclasses import replace

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import FIELD_MANAGER, MANAGED_BY, MARKER, SOURCE, Key, Kind
from barrelman_sync.model.wanted import Mirror, WantedNamespace
from barrelman_sync.planning.as_it_is import steps_as_it_is
from barrelman_sync.planning.checks import (
    IGNORE_MIRROR,
    LEAVE_MIRROR,
    RELEASE_MIRROR,
    UNCREATABLE_MIRROR,
    first_reason,
)
from barrelman_sync.planning.desired import Desired
from barrelman_sync.planning.eligibility import NotEligible
from barrelman_sync.planning.endpoints import delete, serve
from barrelman_sync.planning.fallbacks import fallback, going_ports, serves_as_it_is
from barrelman_sync.planning.grace import node_port_needed, waiting_step
from barrelman_sync.planning.manual import manual_steps, unasked_steps
from barrelman_sync.planning.reasons import Reason, Rule, Why, because
from barrelman_sync.planning.renames import steps_with_both
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Create, Delete, Leave, Plan, Release, Step, Update, step_towards
from barrelman_sync.planning.targets import Served


def make_plan(situation: Situation) -> Plan:
    """The steps that bring the local cluster to what the remote asks for."""
    steps = tuple(step for key in _keys(situation) for step in _steps(situation, key) if not _deletes_again(step))
    return Plan((*_missing_namespaces(situation, steps), *steps), _managed(situation))


def _keys(situation: Situation) -> list[Key]:
    """The key of every Service that should have a mirror, has our label, or has endpoints that are managed by us."""
    labeled = (key for key, live in situation.local.services.items() if MARKER in live.labels)
    served = (key for key, live in situation.local.endpoints.items() if live.managed_by_us)
    sliced = (key for key, slices in situation.local.slices.items() if any(found.managed_by_us for found in slices))
    return sorted({*situation.desired.mirrors, *labeled, *served, *sliced})


def _steps(situation: Situation, key: Key) -> Iterator[Step]:
    """The steps for one Service and its endpoints."""
    live = situation.local.services.get(key)
    wanted = situation.desired.mirrors.get(key)
    if live is None:
        # Endpoints without a Service need no step: their owner is gone, so Kubernetes' garbage collector deletes them.
        if wanted is not None:
            yield from _new_mirror(situation, wanted)
    elif live.is_mirror:
        yield from _mirror(situation, live, wanted)
    else:
        if wanted is not None:
            yield Leave(live.ref, Why(Reason.LOCAL_SERVICE))
        yield from manual_steps(situation, live) if live.is_manual else unasked_steps(situation, live)


def _new_mirror(situation: Situation, wanted: Mirror) -> Iterator[Step]:
    if why := first_reason(UNCREATABLE_MIRROR, situation, wanted):
        yield Leave(wanted.ref, why)
    else:
        yield Create(wanted)
        yield from serve(situation, _served(situation, wanted, None))


def _mirror(situation: Situation, live: LocalService, wanted: Mirror | None) -> Iterator[Step]:
    if why := first_reason(LEAVE_MIRROR, situation, live):
        yield Leave(live.ref, why)
    elif why := first_reason(IGNORE_MIRROR, situation, live):
        yield Leave(live.ref, why)
        yield from _endpoints_follow(situation, live)
    elif why := first_reason(RELEASE_MIRROR, situation, live):
        yield from _released_mirror(situation, live, wanted, why)
    elif wanted is None:
        yield from _unwanted_mirror(situation, live)
    else:
        yield from _wanted_mirror(situation, live, wanted)


def _endpoints_follow(situation: Situation, live: LocalService) -> Iterator[Step]:
    """The endpoints of a mirror that stays as it is follow the nodes.

    If the remote Service is gone, no node answers, and nobody knows which nodes will once it is back: all used nodes.
    """
    return steps_as_it_is(situation, live, local_traffic=live.key in situation.desired.local_traffic)


def _released_mirror(situation: Situation, live: LocalService, wanted: Mirror | None, why: Why) -> Iterator[Step]:
    """The user who made the mirror a Service of their own now serves the callers, so our endpoints are deleted."""
    # A label whose value a user changed is the user's, and stays. An annotation cannot be: with another uid, the mirror
    # would be of another cluster, and not be released.
    ours = {MARKER: live.labels[MARKER], SOURCE: live.origin.name, MANAGED_BY: FIELD_MANAGER}
    labels = sorted(label for label, value in ours.items() if label in live.labels and live.labels[label] == value)
    told = _stale_target_port(live, wanted) or why
    yield Release(live, tuple(labels), tuple(sorted(live.annotations)), told)
    yield from delete(situation.managed_endpoints(live.key), because(Reason.RELEASED, why=why.reason))


def _stale_target_port(live: LocalService, wanted: Mirror | None) -> Why | None:
    """The reason that warns of a target port that is still the remote's node port.

    That happens if the user's manifest has a selector but no targetPort: then the Service's own pods are called on the
    remote's node port.
    """
    if wanted is None or not live.has_selector:
        return None
    stale = {port.target_port for port in live.ports} & {port.target_port for port in wanted.ports}
    return because(Reason.STALE_TARGET_PORT, port=min(map(int, stale))) if stale else None


def _unwanted_mirror(situation: Situation, live: LocalService) -> Iterator[Step]:
    why = _why_unwanted(situation.desired, live.key)
    needed = node_port_needed(situation, live, why) if situation.grace else None
    waiting = None if needed else waiting_step(situation, live, why)
    if waiting:
        yield waiting
        yield from _endpoints_follow(situation, live)
    else:
        yield from _deletes(situation, live, needed or why)


def _deletes(situation: Situation, live: LocalService, why: Why) -> Iterator[Step]:
    """Deletes the Service first: callers are refused at once. After that, the endpoints serve nobody."""
    yield Delete(live, why, fallback=fallback(situation, live))
    if endpoints := situation.local.endpoints.get(live.key):
        yield Delete(endpoints, why)
    yield from delete(situation.slices(live.key), why)


def _why_unwanted(desired: Desired, key: Key) -> Why:
    if skip := desired.skipped.get(key):
        return because(Reason.SKIPPED, skip=skip)
    match desired.no_longer_eligible.get(key):
        case NotEligible(Rule.OTHER_TYPE, "LoadBalancer"):
            return Why(Reason.LOAD_BALANCER)
        case NotEligible(Rule.OTHER_TYPE, other):
            return because(Reason.OTHER_TYPE, type=other)
        case NotEligible(Rule.NOT_SELECTED):
            return Why(Reason.NOT_SELECTED)
        case _:  # in an ignored namespace, or outside --namespace, the mirror is left
            return Why(Reason.NOT_IN_REMOTE)


def _wanted_mirror(situation: Situation, live: LocalService, wanted: Mirror) -> Iterator[Step]:
    step = step_towards(wanted, live)
    service = _served(situation, wanted, live)
    if isinstance(step, Update) and (going := going_ports(live, wanted)):
        yield from steps_with_both(situation, step, service, going)
        return
    if isinstance(step, Update) and not serves_as_it_is(live, wanted):
        step = replace(step, fallback=fallback(situation, live))
    yield step
    yield from serve(situation, service)


def _served(situation: Situation, wanted: Mirror, live: LocalService | None) -> Served:
    uid = live.revision.uid if live else None
    return Served(wanted.key, wanted.ports, situation.families(live), uid, wanted.local_traffic)


def _deletes_again(step: Step) -> bool:
    """Whether the step deletes an object that is being deleted already and only waits for somebody's finalizer."""
    return isinstance(step, Delete) and step.live.deleting


def _missing_namespaces(situation: Situation, steps: tuple[Step, ...]) -> Iterator[Create]:
    needed = {step.ref.key.namespace for step in steps if isinstance(step, Create) and step.ref.kind == Kind.SERVICE}
    for name in sorted(needed):
        if not situation.has_namespace(name):
            yield Create(WantedNamespace(name, situation.scope.source))


def _managed(situation: Situation) -> int:
    """How many mirrors and manual services depend on this source, see `Plan.managed_services`."""
    return sum(
        situation.is_of_this_source(live) if live.is_mirror else bool(situation.of_this_source(live.key))
        for live in situation.local.services.values()
        if situation.scope.covers(live.key.namespace)
    )
