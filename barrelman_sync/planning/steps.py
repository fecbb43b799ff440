"""The plan as data: what a run would write, object by object, and what it leaves alone. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import Key, Kind, ServicePort
from barrelman_sync.model.wanted import Mirror, Wanted
from barrelman_sync.planning.changes import Change
from barrelman_sync.planning.ownership import other_holders

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


class _OfWanted:
    """A step is about the object that it brings about."""

    __slots__ = ()
    wanted: Wanted

    @property
    def kind(self) -> Kind:
        return self.wanted.kind

    @property
    def key(self) -> Key:
        return self.wanted.key

    @property
    def service(self) -> Key:
        """The Service that it belongs to."""
        return self.wanted.service


class _OfLive:
    """A step is about an object that is there."""

    __slots__ = ()
    live: Live

    @property
    def kind(self) -> Kind:
        return self.live.kind

    @property
    def key(self) -> Key:
        return self.live.key

    @property
    def service(self) -> Key:
        """The Service that it belongs to."""
        return self.live.service


@dataclass(frozen=True, slots=True)
class Create(_OfWanted):
    """Write an object that is not there. Refused by the server if it appeared since the list."""

    wanted: Wanted

    action = Action.CREATE


@dataclass(frozen=True, slots=True)
class Update(_OfWanted):
    """Bring an object that is ours to the wanted state, provided that it is still the one that was read."""

    wanted: Wanted
    live: Live
    changes: tuple[Change, ...]
    claims: bool = False
    """Whether we first have to claim its fields, which others hold, or nobody; of a mirror only."""
    meanwhile: "tuple[Create | Update, ...]" = ()
    """What keeps its callers served as long as it is not done, where the wanted endpoints would not."""

    action = Action.UPDATE

    @property
    def taken_from(self) -> tuple[str, ...]:
        """The others that hold fields which we claim."""
        return other_holders(self.live) if self.claims and isinstance(self.live, LocalService) else ()


@dataclass(frozen=True, slots=True)
class Delete(_OfLive):
    """Delete an object, provided that it is still the one that was read."""

    live: Live
    reason: str
    guarded: bool
    """Whether it takes something from callers, so that the guards count it and may hold it back."""
    meanwhile: tuple[Create | Update, ...] = ()
    """What keeps its callers served as long as it is not done."""

    action = Action.DELETE


@dataclass(frozen=True, slots=True)
class Release:
    """Take our labels off a mirror that became somebody's real Service, and manage it no more."""

    live: LocalService
    labels: tuple[str, ...]
    reason: str

    action = Action.RELEASE
    kind = Kind.SERVICE

    @property
    def key(self) -> Key:
        return self.live.key

    @property
    def service(self) -> Key:
        """Itself."""
        return self.live.key


class Cause(StrEnum):
    """What kind of reason something is left alone for: few, and without names in them, so that they can be counted."""

    LOCAL_SERVICE = "local_service"
    """Somebody's own Service has the name."""
    OTHER_SOURCE = "other_source"
    """Another remote's."""
    HANDS_OFF = "hands_off"
    """Annotated to be ignored, in an ignored namespace, or about to go."""
    NAMESPACE = "namespace"
    """Its namespace is missing or about to go."""
    CANNOT_SERVE = "cannot_serve"
    """A manual service that endpoints of ours would not serve."""
    ENDPOINTS_KEPT = "endpoints_kept"
    """Nothing better is known than the endpoints that it has."""
    FAMILY = "family"
    """No node has an address of one of its families."""
    MIRRORING = "mirroring"
    """Kubernetes has not copied its Endpoints yet."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave an object alone, and say why."""

    kind: Kind
    key: Key
    cause: Cause
    reason: str
    fails: bool = False
    """Whether it should have been written, so that the run has to fail."""

    action = Action.LEAVE

    @property
    def service(self) -> Key:
        """What is left alone is named by its Service."""
        return self.key


@dataclass(frozen=True, slots=True)
class Unchanged(_OfLive):
    """An object that is as it should be."""

    live: Live

    action = Action.UNCHANGED


@dataclass(frozen=True, slots=True)
class Held:
    """A write that a guard holds back in this run."""

    step: Create | Update | Delete
    reason: str

    action = Action.HOLD_BACK

    @property
    def kind(self) -> Kind:
        return self.step.kind

    @property
    def key(self) -> Key:
        return self.step.key

    @property
    def service(self) -> Key:
        """The Service that it belongs to."""
        return self.step.service


Write = Create | Update | Delete | Release
Step = Write | Leave | Unchanged | Held


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps: namespaces first, then in the order of the keys, each key's as they are to be done."""

    steps: tuple[Step, ...]
    owned: int = 0
    """Mirrors of ours, and manual services that have endpoints of ours: what the guards count against."""

    @property
    def writes(self) -> tuple[Write, ...]:
        """The steps that send something."""
        return tuple(step for step in self.steps if isinstance(step, Write))


def serves_without(step: Write) -> bool:
    """Whether the endpoints that are wanted serve the Service even if this write of it is not done.

    A Service that is there has ports that they may not have: kube-proxy joins the two by name and protocol.
    """
    if not isinstance(step, Update) or not isinstance(step.live, LocalService) or not isinstance(step.wanted, Mirror):
        return False
    return set(map(_joined_by, step.live.ports)) <= set(map(_joined_by, step.wanted.ports))


def _joined_by(port: ServicePort) -> tuple[str, str]:
    return port.name, port.protocol
