"""An HTTP server before an API server that passes requests on, and breaks the one that a case names."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from lab.controlplane import ControlPlane, wait_until
from lab.controlplane.kubeconfig import kubeconfig

FORWARDED = ("Authorization", "Content-Type", "Accept", "User-Agent")
GENERATED = re.compile("/endpointslices/(.+)-[bcdfghjklmnpqrstvwxz2456789]{5}")  # generateName: no vowels
RESET = struct.pack("ii", 1, 0)  # SO_LINGER, 0 seconds: closing sends RST in place of FIN


@dataclass(frozen=True, order=True)
class Position:
    """A request of a run: the n-th one with this method, path and selector at this side."""

    side: str
    method: str
    path: str
    selector: str = ""
    occurrence: int = 1

    @property
    def reads(self) -> bool:
        return self.method == "GET"

    @property
    def waits(self) -> bool:
        """Whether the request looks for what Kubernetes' controllers do, until the run goes on without it.

        How many of these a run sends depends on the controllers.
        """
        return self.reads and re.fullmatch(".*/namespaces/[^/]+/endpointslices", self.path) is not None

    def __str__(self) -> str:
        """Return a short name: the path without its version, and the number of a repeated request."""
        path = self.path.partition("/v1/")[2].removeprefix("namespaces/")
        selector = re.sub(r"[\w.]*k8s.io|[\w.]*kubernetes.io/", "", self.selector)
        again = str(self.occurrence) if self.occurrence > 1 else ""
        return re.sub(r"\W+", "-", f"{self.side} {self.method} {path} {selector} {again}").strip("-")


@dataclass
class Answer:
    """What the server said."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass
class Exchange:
    """One request at a relay, and what a fault may do with it."""

    handler: BaseHTTPRequestHandler
    relay: Relay
    body: bytes | None

    def forward(self) -> Answer:
        """Let the server do what is asked."""
        headers = {name: self.handler.headers[name] for name in FORWARDED if name in self.handler.headers}
        headers["Accept-Encoding"] = "identity"
        said = self.relay.upstream.request(self.handler.command, self.handler.path, content=self.body, headers=headers)
        return Answer(said.status_code, said.content, {"Content-Type": said.headers["Content-Type"]})

    def say(self, answer: Answer, *, part: float = 1) -> None:
        """Answer; with only a part of the body, the connection ends in its middle."""
        self.handler.send_response(answer.status)
        for name, value in answer.headers.items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(answer.body)))
        self.handler.end_headers()
        self.handler.wfile.write(answer.body[: int(len(answer.body) * part)])
        self.handler.close_connection = self.handler.close_connection or part < 1

    def reset(self) -> None:
        """Reset the connection without an answer."""
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.handler.close_connection = True

    def hang(self) -> None:
        """Answer nothing until the run has ended."""
        self.relay.switch.ended.wait()
        self.reset()

    def signal(self, number: signal.Signals) -> None:
        """Send the run a signal."""
        os.kill(self.relay.switch.pid, number)

    def close_for(self, seconds: float) -> None:
        """Refuse new connections for a while."""
        self.relay.server.pause(seconds)


Fault = Callable[[Exchange], None]


@dataclass
class Switch:
    """What both relays know of the run that goes on: its requests so far, and the request to break."""

    recorded: list[Position] = field(default_factory=list)
    broken: bool = False
    """Whether the request to break has come."""
    errors: list[Exception] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    _seen: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    _at: Position | None = None
    _fault: Fault | None = None
    _always: bool = False
    _pid: int = 0
    _started: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _in_flight: int = 0

    @property
    def pid(self) -> int:
        """The process of the run."""
        assert self._started.wait(60)
        return self._pid

    def begin(self, at: Position | None = None, fault: Fault | None = None, *, always: bool = False) -> None:
        """Forget the last run, and break this request of the next one; `always` each request for its object."""
        self.recorded, self.broken, self.errors = [], False, []
        self._seen.clear()
        self.ended.clear()
        self._started.clear()
        self._at, self._fault, self._always = at, fault, always

    def started(self, pid: int) -> None:
        """Say which process runs."""
        self._pid = pid
        self._started.set()

    def end(self) -> None:
        """Say that the run has ended, and wait until the relays have handled all that it asked."""
        self.ended.set()
        wait_until(lambda: not self._in_flight, "the relays to be idle")
        if self.errors:
            raise self.errors[0]

    def arrived(self, side: str, method: str, url: str) -> Fault | None:
        """Note a request, and return its fault if it is the one to break."""
        parts = urlsplit(url)
        selector = parse_qs(parts.query).get("labelSelector", [""])[0]
        asked = side, method, GENERATED.sub(r"/endpointslices/\1-generated", parts.path), selector
        with self._lock:
            self._in_flight += 1
            self._seen[asked] += 1
            position = Position(*asked, self._seen[asked])
            self.recorded.append(position)
            if not self._is_broken(position):
                return None
            self.broken = True
            return self._fault

    def left(self) -> None:
        """Note that a request is handled."""
        with self._lock:
            self._in_flight -= 1

    def _is_broken(self, position: Position) -> bool:
        if self._always and self.broken and self._at:
            return (position.side, position.path) == (self._at.side, self._at.path)
        return position == self._at


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a run that ends resets its connections."""

    def shutdown_request(self, request: Any) -> None:
        """Close without a FIN before, so that a reset is a reset."""
        self.close_request(request)

    def pause(self, seconds: float) -> None:
        """Refuse connections for a while. On Linux, a socket that no longer listens keeps its port."""
        self.socket.shutdown(socket.SHUT_RDWR)
        threading.Timer(seconds, self.socket.listen, (self.request_queue_size,)).start()


@dataclass
class Relay:
    """A relay before the API server of one side; `options` send a run this way."""

    side: str
    switch: Switch
    upstream: httpx2.Client
    server: Any
    options: tuple[str, str]


@contextmanager
def relay_before(plane: ControlPlane, switch: Switch, token: str, file: Path) -> Iterator[Relay]:
    """Run a relay."""
    with httpx2.Client(base_url=plane.url, verify=plane.trust, timeout=60, trust_env=False) as upstream:
        relay = Relay(plane.name, switch, upstream, None, (f"--{plane.name}-kubeconfig", str(file)))
        relay.server = server = _Server(("127.0.0.1", _free_port()), _handler(relay))
        file.write_text(kubeconfig(plane.name, f"http://127.0.0.1:{server.server_port}", plane.ca_pem, "user", token))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _free_port() -> int:
    """Return a port to ask for by number: only such a port stays with a socket that pauses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _handler(relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def handle_request(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            exchange = Exchange(self, relay, self.rfile.read(length) if length else None)
            fault = relay.switch.arrived(relay.side, self.command, self.path)
            try:
                if fault:
                    fault(exchange)
                else:
                    exchange.say(exchange.forward())
                self.wfile.flush()
            except ConnectionError:  # the run has ended
                self.close_connection = True
            except Exception as error:
                relay.switch.errors.append(error)
                raise
            finally:
                relay.switch.left()

        do_GET = do_PATCH = do_DELETE = handle_request  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            pass

    return Handler
