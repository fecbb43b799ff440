"""Runs that ended in different ways, from the same small values as the tests of decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from barrelman_sync.metrics import Run
from barrelman_sync.planning.result import ExitCode, Outcome, Report, Result
from barrelman_sync.planning.steps import Plan
from tests.values.builders import World, local

STARTED = 1_800_000_000.0
NEW = World(local=local())
"""A Service that has yet to be mirrored."""


def report(world: World = NEW, result: Result = Result.DONE, plan: Plan | None = None) -> Report:
    """Return a report of which every write ended in the same way."""
    plan = plan or world.plan()
    outcomes = tuple(Outcome(step, result) for step in plan.writes)
    return Report("prod", plan, world.desired, world.choice, outcomes=outcomes)


def run(found: Report | None = None, exit_code: int = 0, started: float = STARTED, **fields: Any) -> Run:
    """Return a run of two seconds."""
    ordinary = Run("prod", ExitCode(exit_code), started, duration=2.0, timeout=45.0, report=found)
    return replace(ordinary, **fields)
