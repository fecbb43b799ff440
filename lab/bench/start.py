"""How long the command takes to start."""

from __future__ import annotations

import subprocess
import sys
import time

from lab.bench.figures import figure, middle, title
from lab.bench.tool import COMMAND

TIMES = 20


def measure() -> None:
    """Time `--version`, and for comparison a Python that does nothing."""
    title("Start")
    figure("barrelman-sync --version", middle([_seconds(COMMAND, "--version") for _ in range(TIMES)], " s"))
    figure("python -c pass", middle([_seconds(sys.executable, "-c", "pass") for _ in range(TIMES)], " s"))


def _seconds(*command: object) -> float:
    started = time.monotonic()
    subprocess.run([str(part) for part in command], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - started
