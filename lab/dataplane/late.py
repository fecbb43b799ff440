"""A proxy on a node, before the API server: what a client watches comes late if it is of one resource.

kube-proxy watches Services and slices apart, so one of the two may be late on a busy cluster. Here it always is.
"""

from __future__ import annotations

import base64
import http.client
import queue
import ssl
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import yaml

OF_A_CONNECTION = {"connection", "content-length", "host", "transfer-encoding"}  # headers
LARGEST = 1 << 16
PORT = 8001
URL = f"http://127.0.0.1:{PORT}"  # on the node; without TLS, and so clients send no token


class Late(BaseHTTPRequestHandler):
    """Passes a request on, and the answer back, each part of it as soon as it comes or later."""

    protocol_version = "HTTP/1.1"
    upstream: str
    trust: ssl.SSLContext
    token: str
    resource: str
    seconds: float

    def pass_on(self) -> None:
        """Send the request to the API server, and its answer to the client."""
        with closing(http.client.HTTPSConnection(self.upstream, context=self.trust)) as api:
            self._pass_on(api)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815 - the names are BaseHTTPRequestHandler's

    def _pass_on(self, api: http.client.HTTPSConnection) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {**_without(self.headers.items()), "Authorization": f"Bearer {self.token}"}
        api.request(self.command, self.path, body, headers)
        answer = api.getresponse()
        self.send_response_only(answer.status)
        for name, value in _without(answer.getheaders()).items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in _late(answer, self.seconds) if self._is_late() else _parts(answer):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def _is_late(self) -> bool:
        url = urlsplit(self.path)
        return url.path.endswith(f"/{self.resource}") and "watch=" in url.query


def _without(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in OF_A_CONNECTION}


def _parts(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while part := answer.read1(LARGEST):
        yield part


def _late(answer: http.client.HTTPResponse, seconds: float) -> Iterator[bytes]:
    """Yield the parts, each so much later than it came: a burst of events is not later than one event."""
    came: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def read() -> None:
        try:
            for part in _parts(answer):
                came.put((time.monotonic(), part))
        finally:
            came.put((time.monotonic(), b""))

    threading.Thread(target=read, daemon=True).start()
    while True:
        at, part = came.get()
        time.sleep(max(0.0, at + seconds - time.monotonic()))
        if not part:
            return
        yield part


def command(kubeconfig: Path, resource: str, seconds: float) -> list[str | Path]:
    """Return the command that says at URL what the API server says to this kubeconfig, watches of the resource late."""
    return [sys.executable, __file__, kubeconfig, resource, str(seconds)]


def main(kubeconfig: str, resource: str, seconds: str) -> None:
    """Serve until the process ends."""
    config = yaml.safe_load(Path(kubeconfig).read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    Late.upstream = urlsplit(cluster["server"]).netloc
    Late.trust = ssl.create_default_context(cadata=authority)
    Late.token = user["token"]
    Late.resource, Late.seconds = resource, float(seconds)
    ThreadingHTTPServer(("127.0.0.1", PORT), Late).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
