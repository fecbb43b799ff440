"""A machine that does not allow the data plane: what is said, and what becomes of a test of traffic."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.dataplane import NoDataPlane, machine

ROOT = Path(__file__).parents[2]
REFUSAL = "unshare failed: Operation not permitted"
REFUSED = f"this machine does not allow network namespaces in a user namespace: {REFUSAL}"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a folder with stubs of all programs that the data plane needs; `unshare` is refused."""
    for name in machine.PACKAGES:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o700)
    (tmp_path / "unshare").write_text(f"#!/bin/sh\necho '{REFUSAL}' >&2\nexit 1\n")
    return tmp_path


@pytest.fixture
def only_these(programs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the machine have no programs but the stubs and a shell."""
    (programs / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(machine, "SYSTEM", str(programs))
    return programs


@pytest.mark.parametrize(
    ("missing", "advice"),
    [
        (["nft"], "missing: nft; install nftables"),
        (["ip"], "missing: ip; install iproute2"),
        (
            ["ip", "nft", "unshare", "nsenter"],
            "missing: nft, ip, unshare, nsenter; install iproute2 nftables util-linux",
        ),
    ],
)
def test_a_missing_program_is_told_with_its_package(only_these: Path, missing: list[str], advice: str) -> None:
    for program in missing:
        (only_these / program).unlink()
    with pytest.raises(NoDataPlane) as told:
        machine.check()
    assert str(told.value) == advice


@pytest.mark.usefixtures("only_these")
def test_a_machine_that_refuses_says_why() -> None:
    with pytest.raises(NoDataPlane) as told:
        machine.check()
    assert str(told.value).startswith(REFUSED)


def test_a_test_of_traffic_is_skipped_with_the_reason(programs: Path) -> None:
    done = run_a_test_of_traffic(programs, ci="")
    assert done.returncode == 0
    assert f"no traffic: {REFUSED}" in done.stdout
    assert "1 skipped" in done.stdout


def test_a_test_of_traffic_fails_in_ci(programs: Path) -> None:
    done = run_a_test_of_traffic(programs, ci="true")
    assert done.returncode == 1
    assert f"no traffic: {REFUSED}" in done.stdout
    assert "1 error" in done.stdout


def run_a_test_of_traffic(programs: Path, ci: str) -> subprocess.CompletedProcess[str]:
    """Run one test of tests/traffic where the stubs come first."""
    test = ROOT / "tests" / "traffic" / "test_by_name.py::test_pods_call_as_nodes_do"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", "--color=no", str(test)]
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "CI": ci, "COLUMNS": "500"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
