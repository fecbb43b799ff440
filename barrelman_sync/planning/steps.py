"""The plan as data: what a run would write, object by object, and what it leaves. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import Ref
from barrelman_sync.model.wanted import Mirror, Wanted, WantedEndpoints, WantedSlice
from barrelman_sync.planning.changes import Change, changes_between
from barrelman_sync.planning.reasons import FAILING, GUARDED, Reason, Why

Live = LocalService | LocalEndpoints | LocalSlice


class Action(StrEnum):
    """What is done to an object: part of what documents and metrics promise."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RELEASE = "release"
    LEAVE = "leave"
    UNCHANGED = "unchanged"
    HOLD_BACK = "hold back"


@dataclass(frozen=True, slots=True)
class Create:
    """Write an object that is not there. Refused by the server if it appeared since the list."""

    wanted: Wanted

    action = Action.CREATE
    why = Why(Reason.MISSING)

    @property
    def ref(self) -> Ref:
        return self.wanted.ref


@dataclass(frozen=True, slots=True)
class Update:
    """Bring an object of ours to the wanted state, provided that it is still the one that was read."""

    wanted: Wanted
    live: Live
    changes: tuple[Change, ...]
    claims: bool = False
    """Whether the update first has to claim fields that others hold, or nobody; of a mirror only."""
    fallback: "tuple[Create | Update, ...]" = ()
    """See `fallbacks`."""

    action = Action.UPDATE
    why = Why(Reason.DIFFERS)

    @property
    def ref(self) -> Ref:
        return self.wanted.ref

    @property
    def claimed_from(self) -> tuple[str, ...]:
        """The field managers that hold fields which the update claims."""
        return self.live.holders.others if self.claims and isinstance(self.live, LocalService) else ()


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object, provided that it is still the one that was read."""

    live: Live
    why: Why
    fallback: tuple[Create | Update, ...] = ()
    """See `fallbacks`."""

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
    """Take our labels off a mirror that a user made a Service of their own, and stop managing it."""

    live: LocalService
    labels: tuple[str, ...]
    why: Why

    action = Action.RELEASE

    @property
    def ref(self) -> Ref:
        return self.live.ref


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave an object as it is; slices and endpoints are named by their Service."""

    ref: Ref
    why: Why

    action = Action.LEAVE

    @property
    def fails(self) -> bool:
        """Whether the object should have been written, so that the run fails."""
        return self.why.reason in FAILING


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An object that is as it should be."""

    live: Live

    action = Action.UNCHANGED
    why = Why(Reason.SAME)

    @property
    def ref(self) -> Ref:
        return self.live.ref


@dataclass(frozen=True, slots=True)
class Held:
    """A write that a guard holds back in this run."""

    step: Create | Update | Delete
    why: Why

    action = Action.HOLD_BACK

    @property
    def ref(self) -> Ref:
        return self.step.ref


Write = Create | Update | Delete | Release
Step = Write | Leave | Unchanged | Held


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps: namespaces first, then in the order of the Services, each Service's as they are to be done."""

    steps: tuple[Step, ...]
    managed: int = 0
    """Mirrors of this source, and manual services with endpoints of this source: guards count deletes against these."""

    @property
    def writes(self) -> tuple[Write, ...]:
        """The steps that send something."""
        return tuple(step for step in self.steps if isinstance(step, Write))


def step_towards(wanted: Mirror | WantedEndpoints | WantedSlice, live: Live | None) -> Create | Update | Unchanged:
    """What brings about the wanted object: create it where there is none, update it where it differs."""
    if live is None:
        return Create(wanted)
    if changes := changes_between(live, wanted):
        claims = isinstance(live, LocalService) and not live.holders.complete
        return Update(wanted, live, changes, claims=claims)
    return Unchanged(live)
