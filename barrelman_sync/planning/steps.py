"""The plan as data: what a run would write, object by object, and what it leaves. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum

from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import Origin, Ref
from barrelman_sync.model.wanted import AddressSet, Mirror, Wanted, WantedEndpoints, WantedSlice
from barrelman_sync.planning.changes import Change, changes_between, mark_changes
from barrelman_sync.planning.reasons import FAILING, GUARDED, Reason, Why

Live = LocalService | LocalEndpoints | LocalSlice


class Action(StrEnum):
    """What a step does to an object. The words are public: documents and metrics have them."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RELEASE = "release"
    MARK = "mark"
    LEAVE = "leave"
    UNCHANGED = "unchanged"
    HOLD_BACK = "hold back"


@dataclass(frozen=True, slots=True)
class Create:
    """Create an object that the lists did not show. The server refuses if the object exists by now."""

    wanted: Wanted
    final: Mirror | None = None
    """What the second write makes of the Service, if this is the first of two writes, see `planning.order`."""

    action = Action.CREATE
    why = Why(Reason.MISSING)

    @property
    def ref(self) -> Ref:
        return self.wanted.ref


@dataclass(frozen=True, slots=True)
class Update:
    """Change an object to the wanted state, if it is still in the state that was read."""

    wanted: Wanted
    live: Live
    changes: tuple[Change, ...]
    claims: bool = False
    """Whether fields must be claimed before the update, because others hold them or nobody does. Mirrors only."""
    before: "tuple[Create | Update, ...]" = ()
    """Endpoint writes to do before this step, also if the step is held back. See `planning.renames`."""
    copied: AddressSet | None = None
    """What Kubernetes should have copied from the Service's Endpoints before this step. See `planning.renames`."""
    pause_before: bool = False
    """Whether kube-proxy has to see the writes before this step first. See `planning.renames`."""
    pause_after: bool = False
    """Whether kube-proxy has to see this step before the writes after it. See `planning.renames`."""
    fallback: "tuple[Create | Update, ...]" = ()
    """Endpoint writes to do if this step is held back or fails, see `planning.fallbacks`."""
    final: Mirror | None = None
    """What the second write makes of the Service, if this is the first of two writes, see `planning.order`."""

    action = Action.UPDATE
    why = Why(Reason.DIFFERS)

    @property
    def ref(self) -> Ref:
        return self.wanted.ref

    @property
    def claimed_from(self) -> tuple[str, ...]:
        """The other field managers that hold fields of the mirror before the update claims the fields."""
        return self.live.holders.others if self.claims and isinstance(self.live, LocalService) else ()

    @property
    def only_replaces(self) -> bool:
        """Whether nothing changes but the annotation that says what the run deletes next, see `step_replacing`."""
        return isinstance(self.wanted, WantedEndpoints | WantedSlice) and bool(self.wanted.replaces)


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object, if it is still in the state that was read."""

    live: Live
    why: Why
    fallback: tuple[Create | Update, ...] = ()
    """Endpoint writes to do if this step is held back or fails, see `planning.fallbacks`."""

    action = Action.DELETE

    @property
    def ref(self) -> Ref:
        return self.live.ref

    @property
    def guarded(self) -> bool:
        """Whether the delete takes something from callers, so that guards count it and may hold it back."""
        return self.why.reason in GUARDED


@dataclass(frozen=True, slots=True)
class Release:
    """Remove our labels and annotations from a mirror that a user made a Service of their own, and stop managing it."""

    live: LocalService
    labels: tuple[str, ...]
    annotations: tuple[str, ...]
    why: Why

    action = Action.RELEASE

    @property
    def ref(self) -> Ref:
        return self.live.ref


@dataclass(frozen=True, slots=True)
class Mark:
    """Mark a mirror as orphaned, because it is no longer wanted. A run deletes the mirror after the grace.

    The mark is the annotation `tfw.io/barrelman-orphaned-since`. With it, a mirror of the original or of an adopted
    source gets our source.
    """

    live: LocalService
    origin: Origin
    since: str
    """The mark, a time in RFC 3339."""
    until: str
    """When the grace is over, a time in RFC 3339."""
    why: Why

    action = Action.MARK

    @property
    def ref(self) -> Ref:
        return self.live.ref

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes of the label and the annotations."""
        return mark_changes(self.live, self.origin, self.since)


@dataclass(frozen=True, slots=True)
class Leave:
    """Do not write an object. For endpoints and slices, `ref` has the key of their Service."""

    ref: Ref
    why: Why

    action = Action.LEAVE

    @property
    def fails(self) -> bool:
        """Whether the run fails, because the object should have been written."""
        return self.why.reason in FAILING


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An object that is as wanted, so that nothing is to be done."""

    live: Live

    action = Action.UNCHANGED
    why = Why(Reason.SAME)

    @property
    def ref(self) -> Ref:
        return self.live.ref


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A write that a guard holds back in this run."""

    step: Create | Update | Delete
    why: Why

    action = Action.HOLD_BACK

    @property
    def ref(self) -> Ref:
        return self.step.ref


Write = Create | Update | Delete | Release | Mark
Step = Write | Leave | Unchanged | HeldBack


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a run: namespaces first, then Service by Service, in the order in which they are to be done.

    Writes that come before a step (`Update.before`) or in place of a step (`fallback`) are with that step.
    """

    steps: tuple[Step, ...]
    managed_services: int = 0
    """How many mirrors of this source, and manual services with endpoints of this source, there are before the run.

    Guards compare the number of deletes with this number.
    """

    @property
    def writes(self) -> tuple[Write, ...]:
        """The steps that change an object."""
        return tuple(step for step in self.steps if isinstance(step, Write))


def step_towards(wanted: Mirror | WantedEndpoints | WantedSlice, live: Live | None) -> Create | Update | Unchanged:
    """The step that leads to the wanted object: create it if it is missing, update it if it differs."""
    if live is None:
        return Create(wanted)
    if changes := changes_between(live, wanted):
        # A mirror without changes claims nothing: other holders do no harm until we must change a field.
        claims = isinstance(live, LocalService) and not live.holders.complete
        return Update(wanted, live, changes, claims=claims)
    return Unchanged(live)


def step_replacing(
    wanted: WantedEndpoints | WantedSlice, live: Live | None, replaces: str
) -> Create | Update | Unchanged:
    """The step for endpoints that stay while those of the other endpoint mode are deleted: never without a change.

    `replaces` has the resourceVersion of what is deleted; if it is empty, nothing is. See
    docs/adr/012-make-before-break.md.
    """
    step = step_towards(wanted, live)
    return step_towards(replace(wanted, replaces=replaces), live) if isinstance(step, Unchanged) else step
