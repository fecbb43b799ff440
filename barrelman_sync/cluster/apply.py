"""Does the writes of a plan: units in parallel, as soon as the units that they need have ended.

A failure does not stop the writes of other Services, and a write that hangs does not hold them up.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import Protocol

from barrelman_sync.cluster.crew import Crew
from barrelman_sync.cluster.faults import ClusterError, NotTriedError
from barrelman_sync.deadline import IN_FLIGHT_SECONDS, Deadline
from barrelman_sync.model.names import Key, Kind, Ref
from barrelman_sync.model.wanted import WantedEndpoints, WantedSlice
from barrelman_sync.planning.fallbacks import is_stopped
from barrelman_sync.planning.order import Unit, Writes, units
from barrelman_sync.planning.result import Outcome, Result
from barrelman_sync.planning.steps import Create, Delete, Plan, Update, Write

_MARGIN_SECONDS = 0.5
"""How much later than the limit of a request we give the request up: its own error says more."""

_log = logging.getLogger(__name__)

Advance = Callable[[int], None]


class AnyWriter(Protocol):
    """What does a single write: `cluster.writing.Writer`, or a fake in tests."""

    def write(self, step: Write) -> None:
        """Does the step or raises ClusterError."""

    def uid(self, kind: Kind, key: Key) -> str | None:
        """The uid of an object that was written in this run; None if it was not written."""


def apply(plan: Plan, writer: AnyWriter, crew: Crew, deadline: Deadline, advance: Advance) -> tuple[Outcome, ...]:
    """Does every write of the plan. Returns one outcome for each object, in no particular order.

    Calls `advance` with the number of writes that are done since the last call. Writes that are in flight at the
    deadline get IN_FLIGHT_SECONDS more.
    """
    work = _Work(units(plan), writer)
    ended: float | None = None
    while crew.running or work.has_more:
        while crew.has_room and (place := work.next_place(crew.quick, crew.slow)) is not None:
            crew.start(place, work.job(place))
        if (place := crew.wait()) is not None:
            advance(work.end(place))
        if deadline.over():
            ended = ended or time.monotonic()
            if time.monotonic() > ended + IN_FLIGHT_SECONDS + _MARGIN_SECONDS:
                break
    crew.dismiss()
    outcomes = work.outcomes(frozenset(crew.running), why := deadline.over() or "")
    if why and (missing := sum(outcome.result != Result.DONE for outcome in outcomes)):
        _log.error("%s: %d of %d writes are left to the next run", why, missing, len(outcomes))
    return outcomes


@dataclass(slots=True)
class _Progress:
    """How far the writes of a unit are. One thread writes the unit, another one looks at this."""

    outcomes: list[Outcome] = field(default_factory=list)
    fallback: Write | None = None
    """The fallback that is being sent. It belongs to the write of the last outcome."""


class _Work:
    """The units of a plan: which may start, which have ended, and the outcomes of their writes so far."""

    def __init__(self, found: tuple[Unit, ...], writer: AnyWriter) -> None:
        self._units = found
        self._writer = writer
        self._progress = tuple(_Progress() for _ in found)
        self._failed: dict[Key, Write] = {}
        """The namespaces and Services that could not be written. Only these can stop a write of another unit."""
        self._sorter = TopologicalSorter({place: unit.needs for place, unit in enumerate(found)})
        self._sorter.prepare()
        self._ready: deque[int] = deque()
        self._later: deque[int] = deque()
        self._last: deque[int] = deque()

    @property
    def has_more(self) -> bool:
        """Whether there are units that have not ended."""
        return self._sorter.is_active()

    def next_place(self, quick: list[int], slow: list[int]) -> int | None:
        """The place of a unit that may start now; None if there is none. `quick` are the units that will soon end.

        Units of a namespace that has `slow` ones come later: they will probably be slow, too, because webhooks and
        quotas are about namespaces, and a crew takes only so many slow ones.
        """
        for place in self._sorter.get_ready():
            (self._last if self._units[place].last else self._ready).append(place)
        troubled = {self._namespace(place) for place in slow}
        while self._ready:
            place = self._ready.popleft()
            if self._namespace(place) not in troubled:
                return place
            self._later.append(place)
        if self._later:
            return self._later.popleft()
        if self._last and all(self._units[place].last for place in quick):
            return self._last.popleft()
        return None

    def _namespace(self, place: int) -> str:
        return self._units[place].writes[0].ref.service.namespace

    def job(self, place: int) -> Callable[[], None]:
        """Does the writes of the unit at this place."""

        def job() -> None:
            _write_unit(self._units[place].writes, self._writer, self._failed, self._progress[place])

        return job

    def end(self, place: int) -> int:
        """Notes that a unit has ended. Returns the number of its writes; two writes of one object count as one."""
        for outcome in self._progress[place].outcomes:
            if outcome.result != Result.DONE and outcome.step.ref.kind in (Kind.NAMESPACE, Kind.SERVICE):
                self._failed.setdefault(outcome.step.ref.key, outcome.step)
        self._sorter.done(place)
        return len({step.ref for step in self._units[place].writes if not _is_first_of_two(step)})

    def outcomes(self, given_up: Container[int], why: str) -> tuple[Outcome, ...]:
        """One outcome for each object. `why` says what ended the run while the units at `given_up` still wrote."""
        found: dict[Ref, Outcome] = {}
        for place, unit in enumerate(self._units):
            progress = self._progress[place]
            told = _given_up(progress, unit.writes, why) if place in given_up else _ended(progress, unit.writes, why)
            for outcome in told:
                found[outcome.step.ref] = _of_both(found.get(outcome.step.ref), outcome)
        return tuple(found.values())


def _of_both(first: Outcome | None, second: Outcome) -> Outcome:
    """One outcome for an object that is written twice (`planning.order`, `planning.renames`): the first failure counts.

    If the second write was not tried, the object has changed all the same.
    """
    if first is None:
        return second
    if first.result != Result.DONE:
        return first
    if second.result != Result.NOT_TRIED:
        return second
    return replace(second, result=Result.FAILED, error=f"only the first of two writes is done: {second.error}")


def _ended(progress: _Progress, writes: Writes, why: str) -> list[Outcome]:
    """The outcomes of a unit, with those of writes that the run did not come to."""
    rest = writes[len(progress.outcomes) :]
    return [*progress.outcomes, *(Outcome(step, Result.NOT_TRIED, why) for step in rest)]


def _given_up(progress: _Progress, writes: Writes, why: str) -> list[Outcome]:
    """The same for a unit that has a write in flight, planned or a fallback, for which the run waits no longer."""
    fallback = progress.fallback  # read before the outcomes: if the fallback ends meanwhile, they have it
    outcomes = _ended(progress, writes, why)
    error = f"no answer, and {why}; the server may still do the write"
    place = len(progress.outcomes)
    if fallback is None:
        outcomes[place : place + 1] = [Outcome(step, Result.FAILED, error) for step in writes[place : place + 1]]
    elif all(outcome.step is not fallback for outcome in outcomes[place - 1].fallback):
        outcomes[place - 1] = _with_fallback(outcomes[place - 1], Outcome(fallback, Result.FAILED, error))
    return outcomes


def _write_unit(writes: Writes, writer: AnyWriter, failed_before: Mapping[Key, Write], progress: _Progress) -> None:
    """Does the writes of one Service, in order. A failed write is followed by its fallback, not by writes that need it.

    The Service comes before its endpoints, which need the uid of a new Service, unless a port changes its name. Deletes
    of old endpoints come after new endpoints. `failed_before` are the namespaces and Services of earlier units that
    could not be written. Each outcome is added to `progress` as soon as it is known.
    """
    service, outcomes = writes[0].ref.service, progress.outcomes
    failed = [failed_before[key] for key in (Key("", service.namespace), service) if key in failed_before]
    written: set[Ref] = set()
    for step in writes:
        if stop := next((other for other in failed if is_stopped(step, other)), None):
            error = f"{stop.ref.kind} {stop.ref.key} could not be written"
            outcomes.append(Outcome(step, Result.NOT_TRIED, error))
            if step.ref.kind == Kind.SERVICE:
                failed.append(step)
            continue
        outcomes.append(outcome := _attempt(_with_owner(step, writer), writer))
        if outcome.result == Result.DONE:
            written.add(step.ref)
        elif not _lacks_only_node_ports(step, written):
            failed.append(step)
            _fall_back(step, writer, progress)


def _lacks_only_node_ports(step: Write, written: Container[Ref]) -> bool:
    """Whether the step is the second of two writes for a new Service: then endpoints serve what the first created."""
    return isinstance(step, Create) and step.ref.kind == Kind.SERVICE and step.ref in written


def _fall_back(step: Write, writer: AnyWriter, progress: _Progress) -> None:
    """Does the fallback of a step that was not done, and adds what became of it to the last outcome, that of the step.

    The planned writes of the same objects have outcomes of their own: they are not tried.
    """
    for other in step.fallback if isinstance(step, Update | Delete) else ():
        progress.fallback = other
        outcome = _attempt(other, writer)
        if outcome.result != Result.NOT_TRIED:
            progress.outcomes[-1] = _with_fallback(progress.outcomes[-1], outcome)
        progress.fallback = None


def _with_fallback(outcome: Outcome, fallback: Outcome) -> Outcome:
    return replace(outcome, fallback=(*outcome.fallback, fallback))


def _is_first_of_two(step: Write) -> bool:
    return isinstance(step, Create | Update) and step.final is not None


def _attempt(step: Write, writer: AnyWriter) -> Outcome:
    try:
        writer.write(step)
    except NotTriedError as error:
        return Outcome(step, Result.NOT_TRIED, error.why)
    except ClusterError as error:
        _log.error("%s", error)
        return Outcome(step, Result.FAILED, str(error))
    _log.info("%s %s %s", step.action, step.ref.kind, step.ref.key)
    return Outcome(step, Result.DONE)


def _with_owner(step: Write, writer: AnyWriter) -> Write:
    """The step; for endpoints of a Service that this run has written, with the uid of that Service.

    That is the uid of a new Service, and of one that another run has made anew since the lists were read.
    """
    if not isinstance(step, Create | Update) or not isinstance(step.wanted, WantedEndpoints | WantedSlice):
        return step
    content = step.wanted.content
    uid = writer.uid(Kind.SERVICE, content.service) or content.owner_uid
    return replace(step, wanted=replace(step.wanted, content=replace(content, owner_uid=uid)))
