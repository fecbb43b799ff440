"""Carries out a plan: batch by batch, independent objects side by side, one failure never stopping the others."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.model import Key, Kind, WantedEndpoints, WantedSlice
from barrelman_sync.order import Unit, batches
from barrelman_sync.outcome import Outcome, Result
from barrelman_sync.steps import Create, Delete, Plan, Update, Write

_log = logging.getLogger(__name__)


Advance = Callable[[int], None]


class Writes(Protocol):
    """What a plan is carried out by; `cluster.writing.Writer` in earnest."""

    def write(self, step: Write) -> None:
        """Does the step or raises ClusterError."""

    def uid(self, kind: Kind, key: Key) -> str | None:
        """The uid of an object that was written in this run."""


def _unseen(_: int) -> None:
    """Nobody watches."""


def apply(plan: Plan, writer: Writes, concurrency: int, advance: Advance = _unseen) -> tuple[Outcome, ...]:
    """Does every write of the plan and says what became of each; `advance` is told how many more are done."""
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(concurrency, thread_name_prefix="write") as pool:
        for batch in batches(plan):
            refused = {outcome.step.key.name for outcome in outcomes if _is_refused_namespace(outcome)}
            units = (unit for unit in batch if unit[0].key.namespace not in refused)
            for done in pool.map(lambda unit: tuple(_carry_out(unit, writer)), units):
                outcomes += done
                advance(len(done))
            outcomes += [
                Outcome(step, Result.NOT_TRIED, f"namespace {step.key.namespace} could not be created")
                for unit in batch
                if unit[0].key.namespace in refused
                for step in unit
            ]
    return tuple(sorted(outcomes, key=lambda outcome: _place(outcome.step)))


def _carry_out(unit: Unit, writer: Writes) -> Iterator[Outcome]:
    """A Service before its endpoints, which need the uid of a new one; new endpoints before old ones go."""
    failed: Write | None = None
    for step in unit:
        if failed and (isinstance(step, Delete) or _stops_the_rest(failed)):
            yield Outcome(step, Result.NOT_TRIED, f"{failed.kind} {failed.key} could not be written")
            continue
        outcome = _attempt(_with_owner(step, writer), writer)
        yield outcome
        if outcome.result != Result.DONE:
            failed = step


def _stops_the_rest(failed: Write) -> bool:
    """A Service that is there keeps endpoints that follow the nodes, whatever else could not be written."""
    return failed.kind == Kind.SERVICE and not isinstance(failed, Update)


def _attempt(step: Write, writer: Writes) -> Outcome:
    try:
        writer.write(step)
    except ClusterError as error:
        _log.error("%s", error)
        return Outcome(step, Result.FAILED, str(error))
    _log.info("%s %s %s", type(step).__name__.lower(), step.kind, step.key)
    return Outcome(step, Result.DONE)


def _with_owner(step: Write, writer: Writes) -> Write:
    """The step, with the uid of a Service that was created a moment ago."""
    if not isinstance(step, Create | Update) or not isinstance(step.wanted, WantedEndpoints | WantedSlice):
        return step
    uid = step.wanted.owner_uid or writer.uid(Kind.SERVICE, step.service)
    return replace(step, wanted=replace(step.wanted, owner_uid=uid))


def _is_refused_namespace(outcome: Outcome) -> bool:
    return outcome.step.kind == Kind.NAMESPACE and outcome.result != Result.DONE


def _place(step: Write) -> tuple[Key, int, Key]:
    return step.service, list(Kind).index(step.kind), step.key
