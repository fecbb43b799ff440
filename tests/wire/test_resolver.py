"""A name server that never answers: a look-up takes no limit, so the run does not wait for the look-up to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire.kubeconfigs import kubeconfig

ROOT = Path(__file__).parents[2]
NAMESPACES = ("unshare", "--map-root-user", "--mount", "--net")


def has_namespaces() -> bool:
    try:
        return subprocess.run([*NAMESPACES, "ip", "link"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(not has_namespaces(), reason="needs unshare and ip, and to be allowed to use them")


def run(signal: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*NAMESPACES, sys.executable, "-m", "tests.wire.resolver", signal, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.fixture
def nowhere(tmp_path: Path) -> list[str]:
    path = str(kubeconfig(tmp_path, "nowhere", "https://api.example", insecure_skip_tls_verify=True))
    return ["--local-kubeconfig", path, "--remote-kubeconfig", path]


@pytest.mark.parametrize("option", ["--dry-run", "--preflight"])
def test_the_run_ends_with_its_time(nowhere: list[str], option: str) -> None:
    done = run("none", *nowhere, option, "--timeout", "5s")
    assert done.returncode == 1, done
    said = done.stdout + done.stderr
    assert "no answer from https://api.example: the time for the run (--timeout 5s) is over." in said
    assert "Where each thread was" not in said  # the watchdog had nothing to do


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_run_at_once(nowhere: list[str], number: str) -> None:
    done = run(number, *nowhere, "--dry-run", "--timeout", "1h")
    assert done.returncode == 1, done
    assert f"the run was interrupted ({number})" in done.stderr
