"""Looks for a world that breaks a law: python -m tests.worlds, or make worlds."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from lab.controlplane import NoControlPlane, control_planes
from tests.worlds.machine import Worlds
from tests.worlds.playing import Machine, play
from tests.worlds.real import real_worlds

STEPS, REAL_STEPS = 20, 12
AT_ONCE = 500
"""Worlds that a process plays with one seed: a failure is found again by its seed within half a minute."""


def main() -> int:
    """Play simulated worlds, then real ones. Return the exit code: 1 if a law was broken."""
    parser = argparse.ArgumentParser(prog="make worlds", description=__doc__)
    parser.add_argument("--worlds", type=int, default=10_000, help="simulated worlds (default: %(default)s)")
    parser.add_argument("--real", type=int, default=30, help="worlds on two control planes (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="default: any")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: %(default)s)")
    chosen = parser.parse_args()
    return 0 if _simulated(chosen.worlds, chosen.seed, chosen.jobs) and _real(chosen.real, chosen.seed) else 1


def _simulated(worlds: int, seed: int, jobs: int) -> bool:
    start = time.monotonic()
    batches = [(min(AT_ONCE, worlds - done), seed + done // AT_ONCE) for done in range(0, worlds, AT_ONCE)]
    tally: Counter[str] = Counter()
    with multiprocessing.Pool(jobs) as pool:
        for number, found in enumerate(pool.imap(_batch, batches)):
            if found is None:
                count, failed = batches[number]
                print(f"again: make worlds ARGS='--worlds {count} --seed {failed} --real 0'")
                return False
            tally += found
    runs = ", ".join(f"{name}: {number:,}" for name, number in sorted(tally.items()))
    print(f"{worlds:,} simulated worlds in {time.monotonic() - start:.0f} s, seed {seed}: every law holds ({runs})")
    return True


def _batch(batch: tuple[int, int]) -> Counter[str] | None:
    worlds, seed = batch
    Worlds.tally.clear()
    return Counter(Worlds.tally) if _played(Worlds, worlds, STEPS, seed) else None


def _real(worlds: int, seed: int) -> bool:
    if not worlds:
        return True
    start = time.monotonic()
    try:
        with control_planes("remote", "local") as (remote, local), tempfile.TemporaryDirectory() as folder:
            if not _played(real_worlds(remote, local, Path(folder)), worlds, REAL_STEPS, seed):
                print(f"again: make worlds ARGS='--worlds 0 --real {worlds} --seed {seed}'")
                return False
    except NoControlPlane as error:
        print(f"no worlds on real servers: {error}", file=sys.stderr)
        return False
    print(f"{worlds} worlds on real servers in {time.monotonic() - start:.0f} s, seed {seed}: every law holds")
    return True


def _played(machine: Machine, worlds: int, steps: int, seed: int) -> bool:
    """Play the worlds of a seed. Print the world that breaks a law, and return whether there was none."""
    try:
        play(machine, worlds, steps, seed, smaller=machine is Worlds)
    except Exception:  # noqa: BLE001 - a defect may raise anything
        traceback.print_exc()
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
