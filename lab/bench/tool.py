"""Runs of barrelman-sync as a user starts it: a whole process, measured from outside."""

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
    """A run that ended otherwise than with exit code 0; the text is what it said."""


@dataclass(frozen=True)
class Run:
    """What one run did and cost."""

    wall: float
    cpu: float
    peak: int
    summary: str
    requests: tuple[str, ...]
    """Their methods, if it ran with -vv."""


@dataclass(frozen=True)
class Tool:
    """The command with its two kubeconfigs."""

    local: Path
    remote: Path

    def run(self, *options: str) -> Run:
        """Run it once, to the end. The time limit is ours: a slow machine is to be measured, not to fail."""
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
