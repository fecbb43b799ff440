"""A real Pushgateway: built once as the Go module that it is, then a process on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from lab.controlplane import wait_until
from lab.controlplane.processes import Process
from lab.controlplane.programs import Program
from tests.metrics.reading import Samples, samples

MODULE = Path(__file__).parent / "pushgateway"
PACKAGE = "github.com/prometheus/pushgateway"
PROGRAM = Program("pushgateway", MODULE, PACKAGE, "usually one to two minutes, once")


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
    with _reserved_port() as port:
        address = f"127.0.0.1:{port}"
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


@contextmanager
def _reserved_port() -> Iterator[int]:
    """Reserve a free port. A server may listen there that binds it with SO_REUSEADDR, as all servers in Go do."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]
