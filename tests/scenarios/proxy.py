"""An HTTP proxy before an API server, where a test lets things happen in the middle of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from lab.controlplane import ControlPlane, wait_until
from lab.controlplane.kubeconfig import kubeconfig

PAUSE_SECONDS = 60
FORWARDED = ("Authorization", "Content-Type", "Accept", "User-Agent")


@dataclass
class Proxy:
    """What happens on the way; `options` send a run this way."""

    options: tuple[str, str]
    limit: int | None = None
    """Objects a page, instead of what was asked for."""
    _events: list[tuple[str, str, Callable[[], object]]] = field(default_factory=list)
    _lost: list[tuple[str, str, Callable[[], object]]] = field(default_factory=list)
    _faults: dict[str, Callable[[Answer], None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    errors: list[Exception] = field(default_factory=list)

    def before(self, method: str, path: str, action: Callable[[], object]) -> None:
        """Let this happen once, before the first request whose path contains `path` reaches the server."""
        self._events.append((method, path, action))

    def lose(self, method: str, path: str, then: Callable[[], object] = lambda: None) -> None:
        """Let the answer to one such request get lost once the server did what was asked; `then` happens next."""
        self._lost.append((method, path, then))

    def spoil(self, path: str, fault: Callable[[Answer], None]) -> None:
        """Let every answer to a GET of exactly this path go wrong."""
        self._faults[path] = fault

    def heal(self) -> None:
        """Let all go well again."""
        self._faults.clear()

    def meet(self, method: str, path: str) -> None:
        """Do what was to happen before this request."""
        with self._lock:
            due = [event for event in self._events if event[0] == method and event[1] in path]
            self._events = [event for event in self._events if event not in due]
        for _, _, action in due:
            action()

    def loses(self, method: str, path: str) -> bool:
        """Say whether the answer to this request gets lost, and do what was to happen then."""
        with self._lock:
            due = next((loss for loss in self._lost if loss[0] == method and loss[1] in path), None)
            if due is None:
                return False
            self._lost.remove(due)
        due[2]()
        return True

    def change(self, method: str, path: str, answer: Answer) -> None:
        """Spoil the answer if somebody asked for that."""
        if method == "GET" and path in self._faults:
            self._faults[path](answer)


@dataclass
class Answer:
    """What the server said, and what the proxy makes of it."""

    status: int
    body: bytes
    media: str
    cut: bool = False
    """Close the connection halfway."""


class Pause:
    """An event that keeps a request waiting until the test goes on."""

    def __init__(self) -> None:
        self._reached, self._over = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self._reached.set()
        self._over.wait(PAUSE_SECONDS)

    def wait(self) -> None:
        """Return when the request is there."""
        wait_until(self._reached.is_set, "a request to be stopped by the proxy", PAUSE_SECONDS)

    def end(self) -> None:
        """Let the request go on."""
        self._over.set()


def refuse(status: int) -> Callable[[Answer], None]:
    """Answer with this status, as Kubernetes says it."""

    def fault(answer: Answer) -> None:
        answer.status = status
        answer.body = b'{"kind":"Status","apiVersion":"v1","message":"no","reason":"No","code":%d}' % status

    return fault


def cut(answer: Answer) -> None:
    """Close the connection in the middle of the answer."""
    answer.cut = True


def half(answer: Answer) -> None:
    """Send the first half as if it were all."""
    answer.body = answer.body[: len(answer.body) // 2]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that the end of the server waits for them: a run may leave requests that it gave up

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a run that ends resets its connections. What went wrong in an action is in `Proxy.errors`."""


@contextmanager
def proxy_before(plane: ControlPlane, token: str, file: Path, option: str) -> Iterator[Proxy]:
    """Run a proxy; what went wrong in an action is raised at the end."""
    with httpx2.Client(base_url=plane.url, verify=plane.trust, timeout=60, trust_env=False) as upstream:
        proxy = Proxy((option, str(file)))
        server = _Server(("127.0.0.1", 0), _handler(proxy, upstream))
        file.write_text(kubeconfig(plane.name, f"http://127.0.0.1:{server.server_port}", plane.ca_pem, "user", token))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
    if proxy.errors:
        raise proxy.errors[0]


def _handler(proxy: Proxy, upstream: httpx2.Client) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            method, path = self.command, urlsplit(self.path).path
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else None
            try:
                proxy.meet(method, path)
                answer = self._ask(method, body)
                if proxy.loses(method, path):
                    self.close_connection = True
                    return
                proxy.change(method, path, answer)
            except Exception as error:
                proxy.errors.append(error)
                raise
            self._say(answer)

        do_GET = do_PATCH = do_DELETE = handle_request  # noqa: N815 - the names that http.server calls

        def _ask(self, method: str, body: bytes | None) -> Answer:
            url = httpx2.URL(self.path)
            if proxy.limit and "limit" in url.params:
                url = url.copy_set_param("limit", proxy.limit)
            headers = {name: self.headers[name] for name in FORWARDED if name in self.headers}
            headers["Accept-Encoding"] = "identity"
            said = upstream.request(method, url, content=body, headers=headers)
            return Answer(said.status_code, said.content, said.headers["Content-Type"])

        def _say(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
            self.close_connection = self.close_connection or answer.cut

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            pass

    return Handler
