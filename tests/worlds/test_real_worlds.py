"""Some random worlds on real servers in CI, always the same ones. See `make worlds`."""

from __future__ import annotations

from pathlib import Path

from lab.controlplane import ControlPlane
from tests.worlds.playing import play
from tests.worlds.real import real_worlds


def test_the_laws_hold_on_real_servers(remote: ControlPlane, local: ControlPlane, tmp_path: Path) -> None:
    play(real_worlds(remote, local, tmp_path), worlds=10, steps=10, smaller=False)
