"""The data plane itself: it ends with its process, the machine outside sees nothing of it, and it needs no root."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.controlplane import binaries, wait_until
from lab.controlplane.folders import remove_abandoned
from lab.dataplane import machine
from lab.dataplane.build import binary as dataplane
from tests.dataplane.processes import Seen, below, processes
from tests.needed import needed

ROOT = Path(__file__).parents[2]
ONE_NODE = """
import signal
from lab.controlplane import Options, control_planes
from lab.dataplane import data_planes
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background may ignore SIGINT
with control_planes("other", options=Options(dual_stack=True)) as (other,), data_planes({other: ("z1",)}):
    print("ready", flush=True)
    input()
"""
# The first or second word of each command. `cat` holds the network.
PARTS = {"etcd", "kube-apiserver", "kube-controller-manager", "cat", "relay", "kube-proxy", "pod", "dns"}
OF_THE_LAB = re.compile(r"\b10\.7[78]\.|\bfd7[78]:|\bz1\b|\bz1-|\bbr0\b|kube-proxy")  # addresses, names, rules
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@pytest.fixture(scope="module", autouse=True)
def _possible(request: pytest.FixtureRequest) -> None:
    """Skip these tests where the lab cannot run; in CI, fail."""
    with needed("no traffic", request.config):
        machine.check()
        binaries(), dataplane()


@contextmanager
def another_run(*user: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run one cluster with one node in a process of its own."""
    command = [*user, sys.executable, "-c", ONE_NODE]
    variables = {**os.environ, **environment}
    with subprocess.Popen(
        command, cwd=ROOT, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        try:
            assert run.stdout is not None
            assert run.stdout.readline() == "ready\n"
            yield run
        finally:
            run.kill()


def end(run: subprocess.Popen[str], ending: signal.Signals) -> None:
    """End the run, and return when nothing is left of it: no process, and nobody in one of its networks."""
    parts = below(run.pid)
    assert {word for part in parts for word in part.command[:2]} >= PARTS
    run.send_signal(ending)
    run.wait()
    wait_until(lambda: not left(parts), "the parts to end")


def left(parts: Sequence[Seen]) -> list[Seen]:
    """Return the processes that are left of these, and others in the same networks, except in the machine's own."""
    pids = {part.pid for part in parts}
    networks = {part.network for part in parts} - {str(Path("/proc/self/ns/net").readlink()), ""}
    return [seen for seen in processes() if seen.pid in pids or seen.network in networks]


def outside() -> list[str]:
    """Return what the machine's own network shows of the addresses, names and rules that the lab has inside."""
    asked = ("ip address", "ip route show table all", "ip -6 route show table all", "ip netns list", "nft list ruleset")
    shown = "".join(run_outside(command.split()) for command in asked)
    return [line for line in shown.splitlines() if OF_THE_LAB.search(line)]


def run_outside(command: list[str]) -> str:
    """Return what a command prints; nothing if it fails, as `nft` does without root."""
    done = subprocess.run(command, env=machine.environment(), capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_an_ended_run_leaves_nothing_and_shows_nothing_outside(ending: signal.Signals) -> None:
    before = outside()
    with another_run() as run:
        assert outside() == before
        end(run, ending)
    remove_abandoned()  # as the next run would
    assert outside() == before


@pytest.fixture
def home_of_nobody() -> Iterator[dict[str, str]]:
    """Return the variables of a user without any right, and without /usr/sbin in the PATH. What is built is there."""
    if os.geteuid() != 0:
        pytest.skip("these tests run as an ordinary user already")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for binary in (*binaries(), dataplane()):
            shutil.copytree(binary.parent, home / "barrelman-sync" / binary.parent.name)
        (home / "tmp").mkdir()
        for mine in (home, home / "tmp"):
            os.chown(mine, NOBODY, NOBODY)
        yield {"HOME": folder, "XDG_CACHE_HOME": folder, "TMPDIR": str(home / "tmp"), "PATH": "/usr/bin:/bin"}


def test_an_ordinary_user_may_run_it(home_of_nobody: dict[str, str]) -> None:
    for command in (["unshare", "--user", "true"], [sys.executable, "-c", "import lab.dataplane"]):
        tried = subprocess.run(
            [*AS_NOBODY, *command], cwd=ROOT, env=home_of_nobody, capture_output=True, text=True, check=False
        )
        if tried.returncode != 0:
            pytest.skip(f"an ordinary user cannot run {' '.join(command)} here: {tried.stderr.strip()[-200:]}")
    before = outside()
    with another_run(*AS_NOBODY, **home_of_nobody) as run:
        assert outside() == before
        end(run, signal.SIGKILL)
    assert outside() == before
