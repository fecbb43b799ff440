"""Random worlds in CI: always the same ones, so that an old defect fails nobody's change. See `make worlds`."""

from __future__ import annotations

from tests.worlds.machine import Worlds
from tests.worlds.playing import play


def test_the_laws_hold_in_random_worlds() -> None:
    play(Worlds, worlds=300, steps=20)
