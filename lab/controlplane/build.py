"""Build the binary of the control plane, once for each version of its sources. All runs of a user share the binary."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from lab.controlplane.golang import SOURCES, Go, NoControlPlane, cache_folder, find_go
from lab.controlplane.processes import end_with_parent

__all__ = ["NoControlPlane", "binary"]

INPUTS = ("main.go", "go.mod", "go.sum")
# The version that the components report. It must be set, because the minor version decides which features are on.
VERSION = {"gitVersion": "v1.36.3", "gitMajor": "1", "gitMinor": "36"}
LDFLAGS = " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{key}={value}" for key, value in VERSION.items())])
USUALLY = "usually 4 to 10 minutes, once; up to 1 GB of Go modules and 3 GB of build cache"


@cache
def binary() -> Path:
    """Return the path of the binary, and build it first if it is missing. Raise NoControlPlane if that fails."""
    built = cache_folder() / f"controlplane-{_key()}" / "controlplane"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        with (built.parent / "lock").open("w") as lock:
            _wait_for(lock.fileno())
            if not built.exists():  # another run may have built it while we waited
                _build(find_go(), built)
    return built


def _key() -> str:
    digest = hashlib.sha256(LDFLAGS.encode())
    for name in INPUTS:
        digest.update((SOURCES / name).read_bytes())
    return digest.hexdigest()[:16]


def _wait_for(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say("another run is building the control plane: waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _build(go: Go, target: Path) -> None:
    _say(f"building the control plane with {go.version} ({USUALLY})")
    started = time.monotonic()
    unfinished = target.with_name(f"unfinished-{os.getpid()}")
    command: list[str | Path] = [go.path, "build", "-v", "-ldflags", LDFLAGS, "-o", unfinished, "."]
    try:
        with tempfile.TemporaryFile("w+") as log:
            code = _run(command, go.environment, log.fileno(), started)
            if code != 0:
                log.seek(0)
                _fail(log.read())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
    _say(f"built in {time.monotonic() - started:.0f} s: {target}")


def _run(command: list[str | Path], environment: dict[str, str], log: int, started: float) -> int:
    """Run the command to its end and return its exit code. Print from time to time how far it is."""
    interval, end = (1, "") if sys.stderr.isatty() else (20, "\n")
    with subprocess.Popen(
        command,
        cwd=SOURCES,
        env=environment,
        stdout=log,
        stderr=log,
        preexec_fn=end_with_parent(),  # noqa: PLW1509 - see processes.py
    ) as build:
        try:
            while True:
                try:
                    return build.wait(interval)
                except subprocess.TimeoutExpired:
                    _say(f"{time.monotonic() - started:.0f} s, {_lines(log)} packages compiled", end)
        except BaseException:
            build.terminate()
            raise


def _lines(log: int) -> int:
    return os.pread(log, os.fstat(log).st_size, 0).count(b"\n")


def _fail(output: str) -> None:
    tail = "\n".join(output.splitlines()[-15:])
    message = f"the control plane does not build; Go needs its module proxy for the first build. It says:\n{tail}"
    raise NoControlPlane(message)


def _say(text: str, end: str = "\n") -> None:
    over_the_last = "\r\033[K" if sys.stderr.isatty() else ""
    print(f"{over_the_last}controlplane: {text}", end=end, file=sys.stderr, flush=True)
