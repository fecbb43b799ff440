"""Plays many worlds of a machine: always the same ones for CI, or those of a seed."""

from __future__ import annotations

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
    run_state_machine_as_test(machine if seed is None else seeded(seed)(machine), settings=chosen)
