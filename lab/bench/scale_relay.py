"""Count the bytes between a client and an API server, by a relay between the two. The bytes stay encrypted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import yaml

BUFFER = 1 << 18


@dataclass
class Relay:
    """A port that passes everything on to a server, and counts the bytes."""

    kubeconfig: Path
    """The way through the relay. The server's certificate is valid, because it is for any port of its address."""
    _counts: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of bytes that passed, in both directions together."""
        return sum(self._counts)

    def serve(self, listener: socket.socket, upstream: tuple[str, int]) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(upstream)
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(BUFFER):
                self._counts.append(len(data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return  # one side closed its connection, which is for the client to notice


@contextmanager
def relay_before(kubeconfig: Path) -> Iterator[Relay]:
    """Run a relay in front of the server that the kubeconfig names."""
    config = yaml.safe_load(kubeconfig.read_text())
    where = urlsplit(config["clusters"][0]["cluster"]["server"])
    assert where.hostname
    assert where.port
    with socket.create_server((where.hostname, 0)) as listener:
        config["clusters"][0]["cluster"]["server"] = f"https://{where.hostname}:{listener.getsockname()[1]}"
        through_relay = kubeconfig.with_suffix(".relay")
        through_relay.touch(mode=0o600)
        through_relay.write_text(yaml.safe_dump(config))
        relay = Relay(through_relay)
        threading.Thread(target=relay.serve, args=(listener, (where.hostname, where.port)), daemon=True).start()
        yield relay
