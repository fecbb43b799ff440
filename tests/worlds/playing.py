"""Plays many worlds of a machine: always the same ones for CI, or those of a seed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

Machine = type[RuleBasedStateMachine]


def play(machine: Machine, worlds: int, steps: int, seed: int | None = None, *, smaller: bool = True) -> None:
    """Play so many worlds of at most so many steps. Raises what a law raised, with the smallest world that breaks it.

    Without a seed, the worlds are always the same. `smaller`: look for the smallest world, which takes many more.
    """
    phases = {Phase.generate, Phase.shrink} if smaller else {Phase.generate}
    chosen = settings(
        max_examples=worlds,
        stateful_step_count=steps,
        deadline=None,
        derandomize=seed is None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=phases,
        print_blob=False,
    )
    with _silence():
        run_state_machine_as_test(machine if seed is None else seeded(seed)(machine), settings=chosen)


@contextmanager
def _silence() -> Iterator[None]:
    """Log nothing: many of the runs are to fail, and the world that breaks a law would be hard to find."""
    log = logging.getLogger("barrelman_sync")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)
