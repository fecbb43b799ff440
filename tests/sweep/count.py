"""How much of a world was swept, for the lines at the end."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.sweep.faults import Case
from tests.sweep.relay import Position

IN_CI = "1"  # always the same cases, so that an old defect does not fail a new change


def _seed() -> str:
    """Return a seed that is the same in all workers of a run."""
    if os.environ.get("CI") == "true":
        return IN_CI
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")  # None in one process: then the seed is any
    return str(random.Random(run).randrange(10**6))  # noqa: S311 - this is no secret


SEED = os.environ.get("SEED") or _seed()


@dataclass
class Count:
    """What was played of one world."""

    cases: int = 0
    failed: int = 0
    positions: set[Position] = field(default_factory=set)
    ways: set[str] = field(default_factory=set)

    @contextmanager
    def counting(self, case: Case) -> Iterator[None]:
        """Count the case."""
        self.cases += 1
        self.positions.add(case.at)
        self.ways.add(case.how)
        try:
            yield
        except (AssertionError, pytest.fail.Exception):
            self.failed += 1
            raise

    def __str__(self) -> str:
        """Return the line, with the seed that repeats the sample."""
        counts = f"{self.cases} requests broken ({len(self.positions)} positions, {len(self.ways)} faults)"
        return f"{counts}: {self.failed} failed. SEED={SEED}"
