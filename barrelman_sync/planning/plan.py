"""What the local cluster holds against what it should hold: the steps between the two. Pure.

The table of README, "What it does with a service". A plan without a write: nothing that we may write differs.
"""

from collections.abc import Iterator
from dataclasses import replace

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import FIELD_MANAGER, MANAGED_BY, MARKER, SOURCE, Key, Kind
from barrelman_sync.model.wanted import Mirror, WantedNamespace
from barrelman_sync.planning.changes import mirror_changes
from barrelman_sync.planning.endpoints import follow_nodes, lost_label_steps, manual_steps, remove, serve
from barrelman_sync.planning.ownership import holds_all
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import (
    Cause,
    Create,
    Delete,
    Leave,
    Plan,
    Release,
    Step,
    Unchanged,
    Update,
    serves_without,
)
from barrelman_sync.planning.targets import Served


def make_plan(situation: Situation) -> Plan:
    """The steps that bring the local cluster to what the remote asks for."""
    steps = tuple(step for key in _keys(situation) for step in _steps(situation, key) if not _is_going(step))
    return Plan((*_missing_namespaces(situation, steps), *steps), _owned(situation))


def _is_going(step: Step) -> bool:
    """Deleted by an earlier run, and waiting for somebody's finalizers: to delete it again is a write for nothing."""
    return isinstance(step, Delete) and step.live.deleting


def _keys(situation: Situation) -> list[Key]:
    """Every place where something is wanted, is ours, or may be."""
    labelled = (key for key, live in situation.local.services.items() if MARKER in live.labels)
    served = (key for key, live in situation.local.endpoints.items() if live.managed_by_us)
    sliced = (key for key, slices in situation.local.slices.items() if any(found.managed_by_us for found in slices))
    return sorted({*situation.desired.mirrors, *labelled, *served, *sliced})


def _steps(situation: Situation, key: Key) -> Iterator[Step]:
    live = situation.local.services.get(key)
    wanted = situation.desired.mirrors.get(key)
    if live is None:
        # Endpoints of ours that are left without a Service have an owner that is gone: Kubernetes collects them.
        if wanted is not None:
            yield from _new_mirror(situation, wanted)
    elif live.is_mirror:
        yield from _mirror_steps(situation, live, wanted)
    else:
        if wanted is not None:
            yield Leave(Kind.SERVICE, key, Cause.LOCAL_SERVICE, "a local Service of that name wins")
        if live.is_manual:
            yield from manual_steps(situation, live)
        else:
            yield from lost_label_steps(situation, live)


def _new_mirror(situation: Situation, wanted: Mirror) -> Iterator[Step]:
    namespace = wanted.key.namespace
    if reason := situation.terminating(namespace):
        yield Leave(Kind.SERVICE, wanted.key, Cause.NAMESPACE, reason)
    elif not situation.has_namespace(namespace) and not situation.scope.create_namespaces:
        reason = f"namespace {namespace} does not exist (--no-create-namespaces)"
        yield Leave(Kind.SERVICE, wanted.key, Cause.NAMESPACE, reason)
    else:
        yield Create(wanted)
        yield from serve(situation, _served(situation, wanted, None))


def _mirror_steps(situation: Situation, live: LocalService, wanted: Mirror | None) -> Iterator[Step]:
    if not situation.scope.covers(live.source):
        yield Leave(Kind.SERVICE, live.key, Cause.OTHER_SOURCE, f"mirrored from {live.source}")
    elif reason := situation.hands_off(live):
        yield Leave(Kind.SERVICE, live.key, Cause.HANDS_OFF, reason)
    elif reason := _became_real(live):
        yield _release(live, reason + _stale_targets(live, wanted))
        # Whoever made it a Service of their own serves its callers now.
        yield from remove(situation.managed(live.key), f"its Service {reason}", guarded=False)
    elif wanted is None:
        yield from _unwanted_mirror(situation, live)
    else:
        yield _kept_mirror(situation, live, wanted)
        yield from serve(situation, _served(situation, wanted, live))


def _served(situation: Situation, wanted: Mirror, live: LocalService | None) -> Served:
    uid = live.revision.uid if live else None
    return Served(wanted.key, wanted.ports, situation.families(live), uid, wanted.local_traffic)


def _became_real(live: LocalService) -> str | None:
    """What made a Service of somebody out of a mirror."""
    if live.has_selector:
        return "has a selector now"
    if live.type == "ExternalName":
        return "is of type ExternalName now"
    return "is headless now" if live.headless else None


def _stale_targets(live: LocalService, wanted: Mirror | None) -> str:
    """What a manifest does not say stays as the mirror had it: its pods would be called on the remote's node port."""
    if wanted is None or not live.has_selector:
        return ""
    stale = {port.target_port for port in live.ports} & {port.target_port for port in wanted.ports}
    return f"; its targetPort {min(stale)} is still the remote's node port: say it in your manifest" if stale else ""


def _release(live: LocalService, reason: str) -> Release:
    ours = {MARKER: live.labels[MARKER], SOURCE: live.source, MANAGED_BY: FIELD_MANAGER}
    labels = tuple(
        sorted(label for label, value in ours.items() if label in live.labels and live.labels[label] == value)
    )
    return Release(live, labels, reason)


def _unwanted_mirror(situation: Situation, live: LocalService) -> Iterator[Step]:
    """The Service first: callers are refused at once, and its endpoints serve nobody any more."""
    skipped = situation.desired.skipped.get(live.key)
    reason = f"the Service {skipped.reason}" if skipped else "the remote does not have it to mirror"
    yield Delete(live, reason, guarded=True, meanwhile=follow_nodes(situation, live))
    if endpoints := situation.local.endpoints.get(live.key):
        yield Delete(endpoints, reason, guarded=True)
    for slice_ in situation.slices(live.key):
        yield Delete(slice_, reason, guarded=True)


def _kept_mirror(situation: Situation, live: LocalService, wanted: Mirror) -> Step:
    changes = mirror_changes(live, wanted)
    if not changes:
        return Unchanged(live)
    update = Update(wanted, live, changes, claims=not holds_all(live))
    return update if serves_without(update) else replace(update, meanwhile=follow_nodes(situation, live))


def _missing_namespaces(situation: Situation, steps: tuple[Step, ...]) -> Iterator[Create]:
    needed = {step.key.namespace for step in steps if isinstance(step, Create) and step.kind == Kind.SERVICE}
    for name in sorted(needed):
        if not situation.has_namespace(name):
            yield Create(WantedNamespace(name, situation.scope.source))


def _owned(situation: Situation) -> int:
    """How many Services depend on us: what the guards count deletes against."""
    return sum(
        situation.scope.covers(live.source) if live.is_mirror else bool(situation.ours(live.key))
        for live in situation.local.services.values()
    )
