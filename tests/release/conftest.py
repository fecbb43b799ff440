"""Fixtures: a copy of the project to make releases in, and the command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.release.changelog import UNRELEASED
from lab.release.checkout import Checkout
from tests.scenarios.command import ROOT

LEFT_OUT = (".git", ".venv", "build", "dist", "*.egg-info", ".*_cache", ".hypothesis", "__pycache__")
GIT = {"GIT_CONFIG_GLOBAL": "/dev/null"} | {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "A Maintainer", "EMAIL": "maintainer@example.com"}.items()
}
VERSION = "99.0.0"  # newer than the project's, whatever that is
OF_THE_TESTS = ("PYTHONPATH", "MAKEFLAGS", "MFLAGS", "ARGS")


@dataclass(frozen=True)
class Project:
    """A checkout of the project, with the environment of a maintainer."""

    root: Path

    @property
    def dist(self) -> Path:
        return self.root / "dist"

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS} | GIT

    def release(self, *settings: str, umask: int = 0o022, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `make release` with the environment that is there already."""
        make = [
            shutil.which("make") or "make",
            "--assume-old=.venv/.ready",
            f"BIN={Path(sys.executable).parent}",
            "release",
        ]
        return self.run(*make, *settings, umask=umask, **variables)

    def run(self, *command: str, umask: int = 0o022, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment | variables
        return subprocess.run(
            command, cwd=self.root, env=environment, umask=umask, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of the working tree, as the only commit of a repository."""
    root = tmp_path_factory.mktemp("release") / "project"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT))
    text = (root / "CHANGELOG.md").read_text()
    (root / "CHANGELOG.md").write_text(text.replace(UNRELEASED, f"{UNRELEASED}\n\n- A change.", 1))
    made = Project(root)
    for command in ("init --quiet", "add .", "commit --quiet --message Begin"):
        done = made.run("git", *command.split())
        assert done.returncode == 0, done.stderr
    Checkout(root).demand_clean()
    return made
