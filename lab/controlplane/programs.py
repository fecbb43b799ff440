"""Build Go programs, each once for each version of its sources. All runs of a user share what is built."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.controlplane.golang import Go, NoControlPlane, cache_folder, find_go
from lab.controlplane.processes import end_with_parent

_NO_DWARF = "-gcflags=all=-dwarf=false"
"""Makes no debugging information. The linker leaves it out anyway (`-w`), and it is a tenth of the compiler's time."""


@dataclass(frozen=True)
class Program:
    """A program that Go builds from the module in a folder. `usually` says how long that takes."""

    name: str
    module: Path
    package: str
    usually: str
    ldflags: str = ""
    sources: Sequence[str] = ("go.mod", "go.sum")

    def path(self) -> Path:
        """Return the path of the program, and build it first if it is missing. Raise NoControlPlane if that fails."""
        built = self._target()
        if not built.exists():
            built.parent.mkdir(parents=True, exist_ok=True)
            with (built.parent / "lock").open("w") as lock:
                self._wait_for(lock.fileno())
                if not built.exists():  # another run may have built it while we waited
                    self._build(find_go(self.module), built)
        return built

    def built(self) -> Path | None:
        """Return the path of the program if an earlier run has built it."""
        target = self._target()
        return target if target.exists() else None

    def _target(self) -> Path:
        return cache_folder() / f"{self.name}-{self._key()}" / self.name

    @property
    def _flags(self) -> str:
        return f"-s -w {self.ldflags}".strip()

    def _key(self) -> str:
        digest = hashlib.sha256(self._flags.encode())
        for source in self.sources:
            digest.update((self.module / source).read_bytes())
        return digest.hexdigest()[:16]

    def _wait_for(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._say(f"another run is building {self.name}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)

    def _build(self, go: Go, target: Path) -> None:
        self._say(f"building {self.name} with {go.version} ({self.usually})")
        started = time.monotonic()
        unfinished = target.with_name(f"unfinished-{os.getpid()}")
        arguments: list[str | Path] = ["-v", _NO_DWARF, "-ldflags", self._flags, "-o", unfinished, self.package]
        try:
            with tempfile.TemporaryFile("w+") as log:
                code = self._run([go.path, "build", *arguments], go.environment, log.fileno(), started)
                if code != 0:
                    log.seek(0)
                    self._fail(log.read())
            unfinished.rename(target)
        finally:
            unfinished.unlink(missing_ok=True)
        self._say(f"built in {time.monotonic() - started:.0f} s: {target}")

    def _run(self, command: Sequence[str | Path], environment: dict[str, str], log: int, started: float) -> int:
        """Run the command to its end and return its exit code. Print from time to time how far it is."""
        interval, end = (1, "") if sys.stderr.isatty() else (20, "\n")
        with subprocess.Popen(
            list(command),
            cwd=self.module,
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
                        self._say(f"{time.monotonic() - started:.0f} s, {_lines(log)} packages compiled", end)
            except BaseException:
                build.terminate()
                raise

    def _fail(self, output: str) -> None:
        tail = "\n".join(output.splitlines()[-15:])
        raise NoControlPlane(
            f"{self.name} does not build; Go needs its module proxy for the first build. It says:\n{tail}"
        )

    def _say(self, text: str, end: str = "\n") -> None:
        over_the_last = "\r\033[K" if sys.stderr.isatty() else ""
        print(f"{over_the_last}{self.name}: {text}", end=end, file=sys.stderr, flush=True)


def _lines(log: int) -> int:
    return os.pread(log, os.fstat(log).st_size, 0).count(b"\n")
