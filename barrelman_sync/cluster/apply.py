"""Does the writes of a plan, batch by batch. The Services of a batch are written in parallel.

A failure does not stop the writes of other Services.
"""

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


class AnyWriter(Protocol):
    """What does a single write: `cluster.writing.Writer`, or a fake in tests."""

    def write(self, step: Write) -> None:
        """Does the step or raises ClusterError."""

    def uid(self, kind: Kind, key: Key) -> str | None:
        """The uid of an object that was written in this run; None if it was not written."""


def apply(plan: Plan, writer: AnyWriter, concurrency: int, advance: Advance) -> tuple[Outcome, ...]:
    """Does every write of the plan. Returns one outcome for each object, in no particular order.

    Calls `advance` with the number of writes that are done since the last call.
    """
    outcomes: dict[Ref, Outcome] = {}
    with ThreadPoolExecutor(concurrency, thread_name_prefix="write") as pool:
        for batch in batches(plan):
            # Only these can stop a write of another batch: a missing namespace, or node ports that were not given up.
            failed = {
                outcome.step.ref.key: outcome.step
                for outcome in outcomes.values()
                if outcome.result != Result.DONE and outcome.step.ref.kind in (Kind.NAMESPACE, Kind.SERVICE)
            }
            for done in pool.map(lambda unit, failed=failed: tuple(_write_unit(unit, writer, failed)), batch):
                for outcome in done:
                    # A Service that must give up its node ports first is written twice: the first failure counts.
                    if (before := outcomes.get(outcome.step.ref)) is None or before.result == Result.DONE:
                        outcomes[outcome.step.ref] = outcome
                advance(len(done))
    return tuple(outcomes.values())


def _write_unit(unit: Unit, writer: AnyWriter, failed_before: Mapping[Key, Write]) -> Iterator[Outcome]:
    """Does the writes of one Service, in order. A failed write is followed by its fallback, not by writes that need it.

    The Service comes before its endpoints, which need the uid of a new Service. Deletes of old endpoints come after new
    endpoints. `failed_before` are the namespaces and Services of earlier batches that could not be written.
    """
    service = unit[0].ref.service
    failed = failed_before.get(Key("", service.namespace)) or failed_before.get(service)
    for step in unit:
        if failed and is_stopped(step, failed):
            yield Outcome(step, Result.NOT_TRIED, f"{failed.ref.kind} {failed.ref.key} could not be written")
            continue
        outcome = _attempt(_with_owner(step, writer), writer)
        yield outcome
        if outcome.result != Result.DONE:
            failed = step
            for other in _fallback(step):
                _attempt(other, writer)  # only the log tells: the plan has other steps for these objects


def _fallback(step: Write) -> tuple[Write, ...]:
    return step.fallback if isinstance(step, Update | Delete) else ()


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
    """The step; for endpoints of a Service that this run has created, with the uid of that Service."""
    if not isinstance(step, Create | Update) or not isinstance(step.wanted, WantedEndpoints | WantedSlice):
        return step
    content = step.wanted.content
    uid = content.owner_uid or writer.uid(Kind.SERVICE, content.service)
    return replace(step, wanted=replace(step.wanted, content=replace(content, owner_uid=uid)))
