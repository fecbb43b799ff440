"""Carries out a plan: batch by batch, independent objects side by side, one failure never stopping the others."""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from barrelman_sync.cluster.faults import ClusterError, NotTriedError
from barrelman_sync.model.names import Key, Kind, Ref
from barrelman_sync.model.wanted import WantedEndpoints, WantedSlice
from barrelman_sync.planning.fallbacks import is_stopped
from barrelman_sync.planning.order import Unit, batches
from barrelman_sync.planning.result import Outcome, Result
from barrelman_sync.planning.steps import Create, Delete, Plan, Update, Write

_log = logging.getLogger(__name__)

Advance = Callable[[int], None]


class Writes(Protocol):
    """What a plan is carried out by; `cluster.writing.Writer` in earnest."""

    def write(self, step: Write) -> None:
        """Does the step or raises ClusterError."""

    def uid(self, kind: Kind, key: Key) -> str | None:
        """The uid of an object that was written in this run."""


def apply(plan: Plan, writer: Writes, concurrency: int, advance: Advance) -> tuple[Outcome, ...]:
    """Does every write of the plan and says what became of each; `advance` is told how many more are done."""
    outcomes: dict[Ref, Outcome] = {}
    with ThreadPoolExecutor(concurrency, thread_name_prefix="write") as pool:
        for batch in batches(plan):
            failed = {
                outcome.step.ref.key: outcome.step
                for outcome in outcomes.values()
                if outcome.result != Result.DONE and outcome.step.ref.kind in (Kind.NAMESPACE, Kind.SERVICE)
            }
            for done in pool.map(lambda unit, failed=failed: tuple(_carry_out(unit, writer, failed)), batch):
                for outcome in done:
                    # A Service that had to give up its node ports first is written twice: a failure is kept.
                    if (before := outcomes.get(outcome.step.ref)) is None or before.result == Result.DONE:
                        outcomes[outcome.step.ref] = outcome
                advance(len(done))
    return tuple(outcomes.values())


def _carry_out(unit: Unit, writer: Writes, before: Mapping[Key, Write]) -> Iterator[Outcome]:
    """A Service before its endpoints, which need the uid of a new one; new endpoints before old ones go.

    Nothing where an earlier batch failed to make the namespace, or to free the Service's node ports.
    """
    service = unit[0].ref.service
    failed = before.get(Key("", service.namespace)) or before.get(service)
    for step in unit:
        if failed and is_stopped(step, failed):
            yield Outcome(step, Result.NOT_TRIED, f"{failed.ref.kind} {failed.ref.key} could not be written")
            continue
        outcome = _attempt(_with_owner(step, writer), writer)
        yield outcome
        if outcome.result != Result.DONE:
            failed = step
            yield from (_attempt(other, writer) for other in _fallback(step))


def _fallback(step: Write) -> tuple[Write, ...]:
    return step.fallback if isinstance(step, Update | Delete) else ()


def _attempt(step: Write, writer: Writes) -> Outcome:
    try:
        writer.write(step)
    except NotTriedError as error:
        return Outcome(step, Result.NOT_TRIED, error.why)
    except ClusterError as error:
        _log.error("%s", error)
        return Outcome(step, Result.FAILED, str(error))
    _log.info("%s %s %s", step.action, step.ref.kind, step.ref.key)
    return Outcome(step, Result.DONE)


def _with_owner(step: Write, writer: Writes) -> Write:
    """The step, with the uid of a Service that was created a moment ago."""
    if not isinstance(step, Create | Update) or not isinstance(step.wanted, WantedEndpoints | WantedSlice):
        return step
    content = step.wanted.content
    uid = content.owner_uid or writer.uid(Kind.SERVICE, content.service)
    return replace(step, wanted=replace(step.wanted, content=replace(content, owner_uid=uid)))
