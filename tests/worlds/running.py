"""A run of the product, from the lists to the last write, between two simulated clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import SimpleNamespace
from typing import NamedTuple, TypeVar
from unittest.mock import patch

from barrelman_sync import reconcile as product
from barrelman_sync.cluster import reading
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.planning.result import Report
from tests.worlds.client import Client
from tests.worlds.cluster import Cluster, Objects
from tests.worlds.options import Options, settings

T = TypeVar("T")
NOON = 1_795_780_800
"""A moment, 2026-11-27 at noon: no law depends on which one it is."""


class Sides(NamedTuple):
    """The cluster that a run writes to, the cluster that it reads, and the moment of the run."""

    home: Cluster
    away: Cluster
    now: int = NOON


class Ran(NamedTuple):
    """The report of a run, and the objects of the cluster after each of its writes."""

    report: Report | None
    moments: list[Objects]


class Fault(NamedTuple):
    """What goes wrong: nothing is sent after so many writes; each write is sent twice, as if its answer was lost."""

    writes: int | None = None
    twice: bool = False


NO_FAULT = Fault()


def run(sides: Sides, options: Options, *more: str) -> Report | None:
    """Run, and return the report; None if the product refused the configuration before it wrote anything."""
    return watched_run(sides, options, *more).report


def watched_run(sides: Sides, options: Options, *more: str, fault: Fault = NO_FAULT) -> Ran:
    """Run, and return the report as `run` does, and what the run made of the cluster write by write."""
    local = Client(sides.home, "local", writes=fault.writes, twice=fault.twice)
    clients = (local, Client(sides.away, "remote", writes=0))
    with (
        patch.object(product, "connect_both", lambda *_: clients),
        patch.object(product, "time", SimpleNamespace(time=lambda: sides.now)),
        patch.object(reading, "in_background", _at_once),
    ):
        try:
            report = product.reconcile(
                settings(options, "--concurrency", "1", *more),
                Deadline(3600),
                product.Shown(lambda _: None, _no_progress),
            )
        except ConfigurationError:
            return Ran(None, local.moments)
    return Ran(report, local.moments)


def _at_once(work: Callable[[], T]) -> Future[T]:
    """Return the result of work: there is nothing to wait for, and a thread takes longer than the work."""
    future: Future[T] = Future()
    future.set_result(work())
    return future


@contextmanager
def _no_progress(_: int) -> Iterator[Callable[[int], None]]:
    yield lambda _: None
