"""The workflows in .github: valid, and no more trusting than they have to be."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.release.workflows import actionlint
from tests.needed import needed
from tests.scenarios.command import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
workflows = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


@pytest.fixture(scope="session")
def linter(request: pytest.FixtureRequest) -> Path:
    with needed("no actionlint", request.config):
        return actionlint()


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())["jobs"]
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(path).values():
        yield from job["steps"]


def test_there_are_two() -> None:
    assert [path.name for path in FILES] == ["ci.yml", "release.yml"]


@workflows
def test_actionlint(linter: Path, path: Path) -> None:
    done = subprocess.run([linter, "-no-color", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_actionlint_finds_something(linter: Path, tmp_path: Path) -> None:
    wrong = FILES[0].read_text().replace("runs-on:", "runs_on:")
    (tmp_path / "wrong.yml").write_text(wrong)
    command: list[str | Path] = [linter, "-no-color", tmp_path / "wrong.yml"]
    assert "runs_on" in subprocess.run(command, capture_output=True, text=True, check=False).stdout


@workflows
def test_actions_are_pinned_by_commit(path: Path) -> None:
    lines = [line.strip() for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


@workflows
def test_no_expression_gets_into_a_shell(path: Path) -> None:
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


@workflows
def test_no_checkout_leaves_a_token_behind(path: Path) -> None:
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_only_jobs_that_run_no_code_of_ours_may_write() -> None:
    release = ROOT / ".github/workflows/release.yml"
    assert yaml.safe_load(release.read_text())["permissions"] == {}
    may_write = {name for name, job in jobs(release).items() if "write" in job["permissions"].values()}
    run_ours = {
        name
        for name, job in jobs(release).items()
        if any("checkout@" in step.get("uses", "") or "make " in step.get("run", "") for step in job["steps"])
    }
    assert (may_write, run_ours) == ({"image", "python", "release"}, {"build"})
