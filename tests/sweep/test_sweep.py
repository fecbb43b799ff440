"""Every request of rich runs, broken in every way: see docs/testing.md.

`make sweep` plays all cases. Without it, this is a sample of them, by a seed: `SEED=` repeats it. `SWEEP=` takes the
name of one case, or a pattern for names, such as `SWEEP='removals-*-504_after'`.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest

from lab.controlplane import ControlPlane
from tests.sweep.checks import ProblemsError, Undisturbed, play, undisturbed
from tests.sweep.count import SEED, Count
from tests.sweep.faults import Case, cases
from tests.sweep.known import Defect, known_defects, of_world
from tests.sweep.stage import Stage, staged
from tests.sweep.worlds import WORLDS

SAMPLE = 40
ASKED = os.environ.get("SWEEP", "")


@pytest.fixture(scope="module")
def stage(clusters: tuple[ControlPlane, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Prepare both clusters, once for all cases."""
    remote, local = clusters
    with staged(remote, local, tmp_path_factory.mktemp("sweep")) as stage:
        yield stage


@pytest.mark.parametrize("world", WORLDS)
def test_whatever_breaks(stage: Stage, world: str, subtests: pytest.Subtests, swept: Count) -> None:
    if not _may_ask_for(world):
        pytest.skip(f"SWEEP={ASKED} asks for other worlds")
    wanted = undisturbed(stage, world)
    chosen = _chosen(world, cases(world, wanted.positions))
    met: set[Defect] = set()
    for case in chosen:
        with subtests.test(str(case)), swept.counting(case):
            met |= _play(stage, case, wanted)
    swept.runs += stage.runs
    stage.runs = 0
    assert ASKED != "all" or met >= of_world(world), "remove what is mended from tests/sweep/known.py"


def _play(stage: Stage, case: Case, wanted: Undisturbed) -> set[Defect]:
    """Play the case, and return the known defects that it shows."""
    try:
        play(stage, case, wanted)
    except ProblemsError as failure:
        if not (known := known_defects(case, failure.problems)):
            raise
        return known
    return set()


def _may_ask_for(world: str) -> bool:
    """Say whether the name of a case of this world may match."""
    start = ASKED.partition("*")[0]
    return ASKED in ("", "all") or world.startswith(start) or start.startswith(world)


def _chosen(world: str, every: list[Case]) -> list[Case]:
    if ASKED == "all":
        return every
    if ASKED:
        return [case for case in every if fnmatchcase(str(case), ASKED)]
    share = SAMPLE // len(WORLDS)
    return random.Random(f"{SEED} {world}").sample(every, share)  # noqa: S311 - this is no secret
