"""A small API server on loopback that records its requests, and answers wrongly where a test says so."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self, cast
from urllib.parse import parse_qsl, urlsplit

from tests.wire.store import PLURALS, Object, RefusedError, Store

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Object:
        parsed: Object = json.loads(self.body)
        return parsed


class Exchange(BaseHTTPRequestHandler):
    """One connection. Each request is answered by the server's next rule for it, or else as Kubernetes would."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    request_now: Request

    @property
    def api(self) -> FakeApi:
        return cast("_Server", self.server).api

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.request_now = Request(self.command, self.path, self.headers, body)
        answer = self.api.next_answer(self.request_now)
        with contextlib.suppress(OSError):  # the client may be gone
            answer(self)

    do_PATCH = do_DELETE = do_POST = do_PUT = do_GET  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""

    def outcome(self) -> tuple[HTTPStatus, Object]:
        """Do what is asked: what a server does before its answer can get lost."""
        try:
            return HTTPStatus.OK, self.api.perform(self.request_now)
        except RefusedError as refused:
            return refused.status, status_object(refused.status, refused.reason, str(refused))

    def serve(self) -> None:
        status, body = self.outcome()
        self.send(status, json.dumps(body).encode(), "application/json")

    def send(self, status: int, body: bytes, content_type: str | None, **headers: str) -> None:
        length = {"Content-Length": str(len(body))}
        self.send_head(status, content_type, **length, **{name.replace("_", "-"): headers[name] for name in headers})
        self.wfile.write(body)

    def send_head(self, status: int, content_type: str | None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if content_type is not None:
            self.send_header("Content-Type", content_type)
        self.end_headers()

    def reset(self) -> None:
        """Ends the connection as a crashed server does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()


Answer = Callable[[Exchange], None]


def normally(exchange: Exchange) -> None:
    """The answer of a server that works."""
    exchange.serve()


def status_object(status: int, reason: str, message: str) -> Object:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": int(status),
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close() waits for them
    api: FakeApi
    connections: list[socket.socket]

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        self.connections.append(cast("socket.socket", request))
        super().process_request(request, cast("tuple[str, int]", client_address))

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that give up are what the tests are about."""


class FakeApi:
    """Use as a context manager. `closing` is set when the test is over: answers that never end wait for it."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.store = Store()
        self.requests: list[Request] = []
        self.tokens: set[str] | None = None
        """The only accepted ones; None lets everybody in."""
        self.closing = threading.Event()
        self._rules: list[tuple[str, str, Iterator[Answer]]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), Exchange)
        self._server.api, self._server.connections = self, []
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.closing.set()
        self._server.shutdown()
        for connection in self._server.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    def rule(self, method: str, path: str, *answers: Answer) -> None:
        """The answers to the next requests for this, in turn; after them the server works again."""
        self._rules.append((method, path, iter(answers)))

    def rule_for_ever(self, method: str, path: str, answer: Answer) -> None:
        self._rules.append((method, path, iter(lambda: answer, None)))

    def stop_listening(self) -> None:
        """Refuse connections from now on; those that are open stay."""
        self._server.shutdown()
        self._server.socket.close()

    def sent(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.method != "GET"]

    def next_answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            for method, path, answers in self._rules:
                if (method, path) == (request.method, request.path) and (answer := next(answers, None)):
                    return answer
        return normally

    def perform(self, request: Request) -> Object:
        authorization = request.headers.get("Authorization", "")
        if self.tokens is not None and authorization.removeprefix("Bearer ") not in self.tokens:
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")
        path = request.path
        match request.method:
            case "GET" if path.rpartition("/")[2] in PLURALS.values():
                return self.store.list(path.rpartition("/")[2], request.query)
            case "GET":
                return self.store.get(path)
            case "PATCH" if request.headers["Content-Type"] == APPLY:
                return self.store.apply(path, request.json)
            case "PATCH" if request.headers["Content-Type"] == MERGE:
                return self.store.merge(path, json.loads(request.body))
            case "PATCH":
                return self.store.patch(path, json.loads(request.body))
            case "DELETE":
                return self.store.delete(path, request.json if request.body else {})
            case _:
                raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", request.method)
