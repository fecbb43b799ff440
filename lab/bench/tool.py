"""Runs barrelman-sync as a user does, as a process of its own, and measures the process from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
COMMAND = Path(sys.executable).with_name("barrelman-sync")
REQUEST = "DEBUG: "  # what -vv logs of each request: DEBUG: GET https://...: 200


class RunFailedError(Exception):
    """A run did not end with exit code 0. The text is the end of the run's output."""


@dataclass(frozen=True)
class Run:
    """What one run did and cost. `wall` and `cpu` are in seconds, `peak` is memory in bytes."""

    wall: float
    cpu: float
    peak: int
    summary: str
    requests: tuple[str, ...]
    """The method of each request; empty unless the run had -vv."""


@dataclass(frozen=True)
class Tool:
    """The command with its two kubeconfigs."""

    local: Path
    remote: Path

    def run(self, *options: str) -> Run:
        """Run the command once. The time limit is long, so that a run on a slow machine is measured and cannot fail."""
        clusters = [f"--local-kubeconfig={self.local}", f"--remote-kubeconfig={self.remote}"]
        command: list[str | Path] = [sys.executable, "-IS", LAUNCHER, COMMAND, *clusters, "--timeout=10m", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
        if done.returncode != 0:
            raise RunFailedError(f"exit code {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
        *_, summary, cost = done.stdout.splitlines()
        requests = [line.split()[1] for line in done.stderr.splitlines() if line.startswith(REQUEST)]
        return Run(**json.loads(cost), summary=summary, requests=tuple(requests))


def _environment() -> dict[str, str]:
    """The environment, in which Python keeps its bytecode: an image has it, so no run compiles its sources."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
