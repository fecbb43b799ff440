"""The story of one Service, for `--explain`: what both clusters have, what each rule says, what a run would do. Pure.

Nothing is decided here: the rules are asked again one by one, and the steps are those of the plan.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from barrelman_sync.model.local import LocalEndpoints, LocalNamespace, LocalService, LocalSlice
from barrelman_sync.model.names import Key, Kind, Origin
from barrelman_sync.model.remote import Remote, RemoteService
from barrelman_sync.model.settings import Whose
from barrelman_sync.planning.eligibility import Answer, NotEligible, answers
from barrelman_sync.planning.modes import chosen_mode
from barrelman_sync.planning.reasons import Reason, Skip, Why
from barrelman_sync.planning.serving import NodeAnswer, node_answers
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Create, HeldBack, Plan, Step
from barrelman_sync.planning.warnings import warnings

_MOST_NEAR_NAMES = 5
_OF_ONE_SERVICE = (Reason.PORT_SKIPPED, Reason.ELECTS_LEADER)
"""Warnings about a single Service, which they name. All other warnings concern every Service."""


class Verdict(StrEnum):
    """What the remote asks for. The words are public: documents have them."""

    WANTED = "wanted"
    """The remote asks for a mirror."""
    SKIPPED = "skipped"
    NOT_ELIGIBLE = "not_eligible"
    NOT_IN_REMOTE = "not_in_remote"
    """Only the local cluster has the Service."""
    NOWHERE = "nowhere"
    """Neither cluster has the Service."""


class Role(StrEnum):
    """What a local Service is to us. The words are public: documents have them."""

    MIRROR = "mirror"
    MANUAL = "manual"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Here:
    """What the local cluster has of the Service now."""

    namespace: LocalNamespace | None
    service: LocalService | None
    origin: Origin = Origin()
    """The remote that the mirror is from, or that serves the manual service."""
    whose: Whose | None = None
    """Whose the mirror is, or who serves the manual service; None for other Services."""
    endpoints: tuple[LocalEndpoints | LocalSlice, ...] = ()
    """Of a Service without our label, only the endpoints that are managed by us are known."""

    @property
    def role(self) -> Role:
        """What the local Service, which must be there, is to us."""
        if self.service and self.service.is_mirror:
            return Role.MIRROR
        return Role.MANUAL if self.service and self.service.is_manual else Role.OTHER


@dataclass(frozen=True, slots=True)
class Story:
    """All that there is to say about one Service."""

    key: Key
    source: str
    remote: RemoteService | None
    answers: tuple[Answer, ...]
    """What each rule says, in their order; empty if the remote does not have the Service."""
    here: Here
    nodes: tuple[NodeAnswer, ...]
    """Every remote node, sorted by name; empty if the plan gives the Service no endpoints."""
    listed: int
    """How many nodes the remote lists."""
    limit: int
    """At most this many nodes of each IP family serve the Service; 0 means no limit."""
    steps: tuple[Step, ...]
    """What a run would do about the Service: the steps of the plan, after the guards."""
    warnings: tuple[Why, ...] = ()
    near: tuple[Key, ...] = ()
    """If neither cluster has the Service: Services of nearly this name."""

    @property
    def why_not(self) -> NotEligible | Skip | None:
        """The first answer that stands against a mirror; it decides."""
        return next((answer.why_not for answer in self.answers if answer.why_not), None)

    @property
    def verdict(self) -> Verdict:
        """What the remote asks for."""
        if self.remote is None:
            return Verdict.NOT_IN_REMOTE if self.here.service else Verdict.NOWHERE
        match self.why_not:
            case None:
                return Verdict.WANTED
            case Skip():
                return Verdict.SKIPPED
            case NotEligible():
                return Verdict.NOT_ELIGIBLE


def story_of(key: Key, situation: Situation, remote: Remote, plan: Plan) -> Story:
    """The story of a Service. `plan` is the whole plan of the run, after the guards, which judge all of it."""
    found = next((service for service in remote.services if service.key == key), None)
    here = _here(key, situation)
    steps = tuple(_steps_of(key, plan))
    is_nowhere = found is None and here.service is None
    return Story(
        key=key,
        source=situation.scope.source,
        remote=found,
        answers=tuple(answers(found, situation.scope)) if found else (),
        here=here,
        nodes=node_answers(key, situation, remote.nodes, steps),
        listed=situation.nodes.listed,
        limit=chosen_mode(situation.rules).limit(situation.rules.max_endpoints),
        steps=steps,
        warnings=tuple(_warnings_of(key, situation)) if steps else (),
        near=_near(key, situation, remote.services) if is_nowhere else (),
    )


def _here(key: Key, situation: Situation) -> Here:
    local = situation.local
    live, namespace = local.services.get(key), local.namespaces.get(key.namespace)
    endpoints = (local.endpoints.get(key), *situation.slices(key))
    found = tuple(each for each in endpoints if each is not None)
    if live is None or not (live.is_mirror or live.is_manual):
        return Here(namespace, live, endpoints=found)
    origin = live.origin if live.is_mirror else situation.serving_origin(live)
    return Here(namespace, live, origin, situation.scope.whose(origin), found)


def _steps_of(key: Key, plan: Plan) -> Iterator[Step]:
    """The steps for the Service and its endpoints; before them the create of the namespace, if they need it."""
    steps = [step for step in plan.steps if step.ref.service == key]
    if any(isinstance(_planned(step), Create) and step.ref.kind == Kind.SERVICE for step in steps):
        yield from (
            step for step in plan.steps if step.ref.kind == Kind.NAMESPACE and step.ref.key.name == key.namespace
        )
    yield from steps


def _planned(step: Step) -> Step:
    return step.step if isinstance(step, HeldBack) else step


def _warnings_of(key: Key, situation: Situation) -> Iterator[Why]:
    """The warnings of the run, without those about other Services."""
    for why in warnings(situation):
        if why.reason not in _OF_ONE_SERVICE or why.facts["service"] == str(key):
            yield why


def _near(key: Key, situation: Situation, services: Iterable[RemoteService]) -> tuple[Key, ...]:
    """Services of this name in other namespaces, and of nearly this name in this one."""
    known = {*(service.key for service in services), *situation.local.services}
    neighbors = sorted(found.name for found in known if found.namespace == key.namespace)
    close = get_close_matches(key.name, neighbors, _MOST_NEAR_NAMES - 2)
    elsewhere = sorted(found for found in known if found.name == key.name)
    return (*(Key(key.namespace, name) for name in close), *elsewhere)[:_MOST_NEAR_NAMES]
