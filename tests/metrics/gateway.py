"""A real Pushgateway: built once as the Go module that it is, then a process on loopback."""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from lab.controlplane import wait_until
from lab.controlplane.golang import Go, NoControlPlane, cache_folder, find_go
from lab.controlplane.processes import Process
from tests.metrics.reading import Samples, samples

SOURCES = Path(__file__).parent / "pushgateway"
MODULE = "github.com/prometheus/pushgateway"


def binary() -> Path:
    """Return the program, built first where it is missing; raise NoControlPlane where that is not possible."""
    key = hashlib.sha256((SOURCES / "go.mod").read_bytes() + (SOURCES / "go.sum").read_bytes()).hexdigest()[:16]
    built = cache_folder() / f"pushgateway-{key}" / "pushgateway"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        with (built.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not built.exists():  # another run may have built it meanwhile
                _build(find_go(), built)
    return built


def _build(go: Go, target: Path) -> None:
    print("building the Pushgateway (usually one to two minutes, once)", file=sys.stderr, flush=True)
    unfinished = target.with_name(f"unfinished-{os.getpid()}")
    command: list[str | Path] = [go.path, "build", "-ldflags", "-s -w", "-o", unfinished, MODULE]
    done = subprocess.run(command, cwd=SOURCES, env=go.environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoControlPlane(
            f"it does not build; Go needs its module proxy for the first build:\n{done.stderr[-1000:]}"
        )
    unfinished.rename(target)


@dataclass(frozen=True)
class Gateway:
    """A Pushgateway that runs."""

    url: str

    @property
    def samples(self) -> Samples:
        """All that Prometheus would scrape of us."""
        return {name: value for name, value in samples(self.text).items() if name.startswith(("barrelman_", "push_"))}

    @property
    def text(self) -> str:
        """The same, and the gateway's own metrics, as sent."""
        with urlopen(f"{self.url}/metrics") as answer:  # noqa: S310 - an address of our own
            text: str = answer.read().decode()
        return text


@contextmanager
def gateway_at(program: Path, folder: Path) -> Iterator[Gateway]:
    """Run one on a free port."""
    address = f"127.0.0.1:{_free_port()}"
    process = Process("pushgateway", [program, f"--web.listen-address={address}"], folder / "pushgateway.log")
    gateway = Gateway(f"http://{address}")
    try:
        wait_until(lambda: _answers(gateway), "the Pushgateway")
        yield gateway
    finally:
        process.stop()


def _answers(gateway: Gateway) -> bool:
    try:
        return bool(gateway.text)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
