"""What the local cluster holds against what it should hold: the steps between the two. Pure.

The table of README, "What it does with a service", row by row. A plan without a write means: nothing that we may write
differs.
"""

from collections.abc import Iterator
from dataclasses import replace

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import FIELD_MANAGER, MANAGED_BY, MARKER, SOURCE, Key, Kind
from barrelman_sync.model.wanted import Mirror, WantedNamespace
from barrelman_sync.planning.checks import LEAVE_MIRROR, RELEASE_MIRROR, UNCREATABLE_MIRROR, first_reason
from barrelman_sync.planning.endpoints import delete, serve
from barrelman_sync.planning.fallbacks import fallback, usable_without
from barrelman_sync.planning.manual import manual_steps, unasked_steps
from barrelman_sync.planning.reasons import Reason, Why, because
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Create, Delete, Leave, Plan, Release, Step, Update, step_towards
from barrelman_sync.planning.targets import Served


def make_plan(situation: Situation) -> Plan:
    """The steps that bring the local cluster to what the remote asks for."""
    steps = tuple(step for key in _keys(situation) for step in _steps(situation, key) if not _is_going(step))
    return Plan((*_missing_namespaces(situation, steps), *steps), _managed(situation))


def _keys(situation: Situation) -> list[Key]:
    """Every place where something is wanted, is managed by us, or may be."""
    labelled = (key for key, live in situation.local.services.items() if MARKER in live.labels)
    served = (key for key, live in situation.local.endpoints.items() if live.managed_by_us)
    sliced = (key for key, slices in situation.local.slices.items() if any(found.managed_by_us for found in slices))
    return sorted({*situation.desired.mirrors, *labelled, *served, *sliced})


def _steps(situation: Situation, key: Key) -> Iterator[Step]:
    """What happens at one place."""
    live = situation.local.services.get(key)
    wanted = situation.desired.mirrors.get(key)
    if live is None:
        # Endpoints of ours that are left without a Service have an owner that is gone: Kubernetes collects them.
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
    elif why := first_reason(RELEASE_MIRROR, situation, live):
        yield from _released_mirror(situation, live, wanted, why)
    elif wanted is None:
        yield from _unwanted_mirror(situation, live)
    else:
        yield _wanted_mirror(situation, live, wanted)
        yield from serve(situation, _served(situation, wanted, live))


def _released_mirror(situation: Situation, live: LocalService, wanted: Mirror | None, why: Why) -> Iterator[Step]:
    """Whoever made the mirror a Service of their own serves its callers now: our endpoints go."""
    ours = {MARKER: live.labels[MARKER], SOURCE: live.source, MANAGED_BY: FIELD_MANAGER}
    labels = (label for label, value in ours.items() if label in live.labels and live.labels[label] == value)
    yield Release(live, tuple(sorted(labels)), _stale_target_port(live, wanted) or why)
    yield from delete(situation.managed(live.key), because(Reason.RELEASED, why=why.reason))


def _stale_target_port(live: LocalService, wanted: Mirror | None) -> Why | None:
    """A target port that the new owner's manifest does not say, and that stays the remote's node port.

    The pods of the Service would be called on that port.
    """
    if wanted is None or not live.has_selector:
        return None
    stale = {port.target_port for port in live.ports} & {port.target_port for port in wanted.ports}
    return because(Reason.STALE_TARGET_PORT, port=min(map(int, stale))) if stale else None


def _unwanted_mirror(situation: Situation, live: LocalService) -> Iterator[Step]:
    """The Service first: callers are refused at once, and its endpoints serve nobody any more."""
    skip = situation.desired.skipped.get(live.key)
    why = because(Reason.SKIPPED, skip=skip) if skip else Why(Reason.NOT_IN_REMOTE)
    yield Delete(live, why, fallback=fallback(situation, live))
    if endpoints := situation.local.endpoints.get(live.key):
        yield Delete(endpoints, why)
    yield from delete(situation.slices(live.key), why)


def _wanted_mirror(situation: Situation, live: LocalService, wanted: Mirror) -> Step:
    step = step_towards(wanted, live)
    if isinstance(step, Update) and not usable_without(step):
        return replace(step, fallback=fallback(situation, live))
    return step


def _served(situation: Situation, wanted: Mirror, live: LocalService | None) -> Served:
    uid = live.revision.uid if live else None
    return Served(wanted.key, wanted.ports, situation.families(live), uid, wanted.local_traffic)


def _is_going(step: Step) -> bool:
    """Deleted by an earlier run, and waiting for somebody's finalizers: to delete it again is a write for nothing."""
    return isinstance(step, Delete) and step.live.deleting


def _missing_namespaces(situation: Situation, steps: tuple[Step, ...]) -> Iterator[Create]:
    needed = {step.ref.key.namespace for step in steps if isinstance(step, Create) and step.ref.kind == Kind.SERVICE}
    for name in sorted(needed):
        if not situation.has_namespace(name):
            yield Create(WantedNamespace(name, situation.scope.source))


def _managed(situation: Situation) -> int:
    """How many Services depend on this source: what guards count deletes against."""
    return sum(
        situation.scope.is_this_source(live.source) if live.is_mirror else bool(situation.of_this_source(live.key))
        for live in situation.local.services.values()
    )
