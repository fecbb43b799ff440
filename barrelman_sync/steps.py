"""The plan as data: what a run would write, object by object, and what it leaves alone. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from barrelman_sync.changes import Change
from barrelman_sync.model import Key, Kind, LocalService, Mirror, Revision, ServicePort, Wanted, allocated


@dataclass(frozen=True, slots=True)
class Create:
    """Write an object that is not there. Refused by the server if it appeared since the list."""

    wanted: Wanted

    @property
    def kind(self) -> Kind:
        """What is written."""
        return self.wanted.kind

    @property
    def key(self) -> Key:
        """Where it is written."""
        return self.wanted.key

    @property
    def service(self) -> Key:
        """The Service that it belongs to."""
        return self.wanted.service


@dataclass(frozen=True, slots=True)
class Update:
    """Bring an object that is ours to the wanted state, provided that it is still the one that was read."""

    wanted: Wanted
    live: Revision
    changes: tuple[Change, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels of ours that it has now."""
    claim: LocalService | None = None
    """The mirror, if others hold its fields or nobody does, so that we have to claim them first."""
    taken_from: tuple[str, ...] = ()
    """Those others."""
    live_ports: tuple[ServicePort, ...] = ()
    """The ports that a Service has now."""

    @property
    def live_node_ports(self) -> frozenset[int]:
        """The node ports that it has now."""
        return allocated(self.live_ports)

    @property
    def keeps_ports(self) -> bool:
        """Whether the wanted endpoints serve the Service as it is now, too: kube-proxy joins by name and protocol."""
        wanted = self.wanted.ports if isinstance(self.wanted, Mirror) else ()
        return set(map(_joined_by, self.live_ports)) <= set(map(_joined_by, wanted))

    @property
    def kind(self) -> Kind:
        """What is written."""
        return self.wanted.kind

    @property
    def key(self) -> Key:
        """Where it is written."""
        return self.wanted.key

    @property
    def service(self) -> Key:
        """The Service that it belongs to."""
        return self.wanted.service


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object, provided that it is still the one that was read."""

    kind: Kind
    key: Key
    service: Key
    live: Revision
    reason: str
    guarded: bool = True
    """Whether it takes something from callers, so that the guards count it and may hold it back."""
    live_node_ports: frozenset[int] = frozenset()
    meanwhile: tuple[Create | Update, ...] = ()
    """What keeps its callers served if a guard holds the delete back."""


@dataclass(frozen=True, slots=True)
class Release:
    """Take our labels off a mirror that became somebody's real Service, and manage it no more."""

    key: Key
    live: Revision
    labels: tuple[str, ...]
    reason: str
    managed_fields: bytes = b"null"

    kind = Kind.SERVICE

    @property
    def service(self) -> Key:
        """Itself."""
        return self.key


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

    @property
    def service(self) -> Key:
        """What is left alone is named by its Service."""
        return self.key


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An object that is as it should be."""

    kind: Kind
    key: Key
    service: Key


@dataclass(frozen=True, slots=True)
class Held:
    """A write that a guard holds back in this run."""

    step: Create | Update | Delete
    reason: str

    @property
    def kind(self) -> Kind:
        """What would have been written."""
        return self.step.kind

    @property
    def key(self) -> Key:
        """Where it would have been written."""
        return self.step.key

    @property
    def service(self) -> Key:
        """The Service that it belongs to."""
        return self.step.service


def _joined_by(port: ServicePort) -> tuple[str, str]:
    return port.name, port.protocol


def node_ports_taken(step: Create | Update) -> frozenset[int]:
    """The node ports that the step needs and its Service does not have yet."""
    wanted = step.wanted.node_ports if isinstance(step.wanted, Mirror) else frozenset()
    return wanted - step.live_node_ports if isinstance(step, Update) else wanted


def node_ports_freed(step: Update | Delete) -> frozenset[int]:
    """The node ports that its Service has and gives up with the step."""
    if isinstance(step, Delete):
        return step.live_node_ports
    return step.live_node_ports - step.wanted.node_ports if isinstance(step.wanted, Mirror) else frozenset()


Write = Create | Update | Delete | Release
Step = Write | Leave | Unchanged | Held


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps: namespaces first, then in the order of the keys, each key's as they are to be done."""

    steps: tuple[Step, ...]
    owned: int = 0
    """Mirrors of ours, and manual services that have endpoints of ours: what the guards count against."""
    problems: tuple[str, ...] = ()
    """What fails the run although everything could be read and written."""

    @property
    def writes(self) -> tuple[Write, ...]:
        """The steps that send something."""
        return tuple(step for step in self.steps if isinstance(step, Write))
