"""A run of the product, from the lists to the last write, between two simulated clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import NamedTuple, TypeVar
from unittest.mock import patch

from barrelman_sync import reconcile as product
from barrelman_sync.cluster import reading
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.planning.result import Report
from tests.worlds.client import Client
from tests.worlds.cluster import Cluster
from tests.worlds.options import Options, settings

T = TypeVar("T")


class Sides(NamedTuple):
    """The cluster that a run writes to, and the cluster that it reads."""

    home: Cluster
    away: Cluster


class Fault(NamedTuple):
    """What goes wrong: nothing is sent after so many writes; each write is sent twice, as if its answer was lost."""

    writes: int | None = None
    twice: bool = False


NO_FAULT = Fault()


def run(sides: Sides, options: Options, *more: str, fault: Fault = NO_FAULT) -> Report | None:
    """Run, and return the report; None if the product refused the configuration before it wrote anything."""
    clients = (
        Client(sides.home, "local", writes=fault.writes, twice=fault.twice),
        Client(sides.away, "remote", writes=0),
    )
    connected = patch.object(product, "connect_both", lambda *_: clients)
    with connected, patch.object(reading, "in_background", _at_once):
        try:
            return product.reconcile(
                settings(options, "--concurrency", "1", *more),
                Deadline(3600),
                product.Shown(lambda _: None, _no_progress),
            )
        except ConfigurationError:
            return None


def _at_once(work: Callable[[], T]) -> Future[T]:
    """Return the result of work: there is nothing to wait for, and a thread takes longer than the work."""
    future: Future[T] = Future()
    future.set_result(work())
    return future


@contextmanager
def _no_progress(_: int) -> Iterator[Callable[[int], None]]:
    yield lambda _: None
