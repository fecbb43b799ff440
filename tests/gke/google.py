"""Google, as far as we talk to it, on loopback over HTTP: tokens, metadata, impersonation and the container API."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

Json = dict[str, Any]

PROJECT, LOCATION, CLUSTER = "shop-prod", "europe-west1", "prod-1"
ACCOUNT = "sync@shop-prod.iam.gserviceaccount.com"
TARGET = "reader@shop-prod.iam.gserviceaccount.com"
CLUSTER_PATH = f"/v1/projects/{PROJECT}/locations/{LOCATION}/clusters/{CLUSTER}"
IMPERSONATE_PATH = f"/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"
METADATA = "/computeMetadata/v1"
METADATA_ACCOUNT = f"{METADATA}/instance/service-accounts/default"
SCOPES = "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email"


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def claims(self) -> Json:
        """What a service account's signed request for a token says."""
        payload = parse_qs(self.body.decode())["assertion"][0].split(".")[1]
        claims: Json = json.loads(base64.urlsafe_b64decode(payload + "=="))
        return claims


@dataclass(frozen=True)
class Answer:
    """An answer; a text is sent as HTML."""

    status: int
    body: Json | str
    headers: Mapping[str, str] = field(default_factory=dict)


class Google:
    """`cluster` is what the container API describes; `tokens` are given out in turn, the last one again and again."""

    def __init__(self) -> None:
        self.url = ""
        self.cluster: Json = {}
        self.tokens = ["first-token"]
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        self._given: set[str] = set()
        self._instead: dict[str, list[Answer | Callable[[], None]]] = {}
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        return urlsplit(self.url).netloc

    def instead(self, path: str, *answers: Answer | Callable[[], None]) -> None:
        """Answer the next requests for this path so."""
        self._instead[path] = list(answers)

    def hang(self) -> None:
        """Give no answer, as an answer for `instead`."""
        self.ended.wait(60)

    def hang_up(self) -> None:
        """Close the connection without an answer, as an answer for `instead`."""
        raise ConnectionAbortedError

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def requests_for(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            pending = self._instead.get(asked.path)
            instead = pending.pop(0) if pending else None
        if isinstance(instead, Answer):
            return instead
        if instead:
            instead()
        return self._usual(asked)

    def _usual(self, asked: Asked) -> Answer:
        path = asked.path
        if path in ("/token", "/sts"):
            return Answer(200, {"access_token": self._token(), "expires_in": 3600, "token_type": "Bearer", **ISSUED})
        if path == CLUSTER_PATH:
            return Answer(200, self.cluster) if self._knows(asked) else refusal(401, "UNAUTHENTICATED", "Bad token.")
        if path == IMPERSONATE_PATH:
            if not self._knows(asked):
                return refusal(401, "UNAUTHENTICATED", "Bad token.")
            return Answer(200, {"accessToken": self._token(), "expireTime": "2100-01-01T00:00:00Z"})
        if asked.headers.get("metadata-flavor") == "Google":
            return self._metadata(path)
        return refusal(404, "NOT_FOUND", "Not found: nothing is there.")

    def _metadata(self, path: str) -> Answer:
        google = {"Metadata-Flavor": "Google"}
        if path in ("", "/"):
            return Answer(200, "computeMetadata/", google)
        if path == f"{METADATA}/project/project-id":
            return Answer(200, PROJECT, google)
        if path == f"{METADATA_ACCOUNT}/":
            return Answer(200, {"email": ACCOUNT, "scopes": SCOPES.split(), "aliases": ["default"]}, google)
        if path == f"{METADATA_ACCOUNT}/token":
            return Answer(200, {"access_token": self._token(), "expires_in": 3000, "token_type": "Bearer"}, google)
        return Answer(404, "not found", google)

    def _token(self) -> str:
        with self._lock:
            token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
            self._given.add(token)
        return token

    def _knows(self, asked: Asked) -> bool:
        return asked.headers.get("authorization", "").removeprefix("Bearer ") in self._given


ISSUED = {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}


def refusal(status: int, code: str, message: str, **detail: str) -> Answer:
    """An error as Google's APIs say it."""
    error: Json = {"code": status, "status": code, "message": message}
    if detail:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **detail}]
    return Answer(status, {"error": error})


@contextmanager
def google() -> Iterator[Google]:
    """Run one; over when the test is."""
    fake = Google()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fake.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with serving(fake, listening):
            yield fake


@contextmanager
def serving(fake: Google, bound: socket.socket) -> Iterator[None]:
    """Let it answer at a socket that is bound."""
    server = ThreadingHTTPServer(bound.getsockname(), handler(fake), bind_and_activate=False)
    server.socket.close()
    server.socket = bound
    server.server_activate()
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        fake.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def handler(fake: Google) -> type[BaseHTTPRequestHandler]:
    """Answers requests as the fake says."""

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, url.path, dict(parse_qsl(url.query)), headers, self.rfile.read(length))
            with contextlib.suppress(OSError):  # the client may be gone, or the fake hangs up
                self._say(fake.answer(asked))

        do_GET = do_POST = do_CONNECT = handle_request  # noqa: N815 - the names that http.server calls

        def _say(self, answer: Answer) -> None:
            is_text = isinstance(answer.body, str)
            body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            self.send_header("Content-Type", "text/html" if is_text else "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            pass

    return Handler
