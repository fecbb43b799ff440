"""Every request of rich runs, broken in every way: see docs/testing.md.

`make sweep` plays all cases. Without it, this is a sample of them, by a seed: `SEED=` repeats it. `SWEEP=` takes the
name of one case, or a pattern for names, such as `SWEEP='removals-*-504_after'`. `PART=3/12` takes the third of twelve
parts of what is asked for, each part with cases of all worlds; the parts of one seed are disjoint.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest

from lab.controlplane import ControlPlane
from tests.conftest import COUNTED
from tests.sweep.checks import play, undisturbed
from tests.sweep.count import SEED, Count
from tests.sweep.faults import Case, cases
from tests.sweep.stage import Stage, staged
from tests.sweep.worlds import WORLDS

SAMPLE = 40
ASKED = os.environ.get("SWEEP", "")
PART = os.environ.get("PART", "")


@pytest.fixture(scope="module")
def stage(clusters: tuple[ControlPlane, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Prepare both clusters, once for all cases."""
    remote, local = clusters
    with staged(remote, local, tmp_path_factory.mktemp("sweep")) as stage:
        yield stage


@pytest.mark.parametrize("world", WORLDS)
def test_whatever_breaks(stage: Stage, world: str, subtests: pytest.Subtests, request: pytest.FixtureRequest) -> None:
    if not _may_ask_for(world):
        pytest.skip(f"SWEEP={ASKED} asks for other worlds")
    wanted = undisturbed(stage, world)
    chosen = _chosen(world, cases(world, wanted.positions))
    count = Count()
    for case in chosen:
        with subtests.test(str(case)), count.counting(case):
            play(stage, case, wanted)
    request.node.user_properties.append((COUNTED, f"{world}: {count}"))


def _may_ask_for(world: str) -> bool:
    """Say whether the name of a case of this world may match."""
    start = ASKED.partition("*")[0]
    return ASKED in ("", "all") or world.startswith(start) or start.startswith(world)


def _chosen(world: str, every: list[Case]) -> list[Case]:
    asked = [case for case in every if not ASKED or ASKED == "all" or fnmatchcase(str(case), ASKED)]
    shuffled = random.Random(f"{SEED} {world}").sample(asked, len(asked))  # noqa: S311 - this is no secret
    if PART:
        number, _, parts = PART.partition("/")
        return shuffled[int(number) - 1 :: int(parts)]
    place = list(WORLDS).index(world)
    return asked if ASKED else shuffled[: len(range(place, SAMPLE, len(WORLDS)))]
