"""A proxy that knows CONNECT only, and one that speaks SOCKS 5."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self


class Proxy:
    """Use as a context manager. Passes every connection on to `target`, whatever name was asked for."""

    _ANSWER = b"HTTP/1.1 200 Connection established\r\n\r\n"

    def __init__(self, target: str) -> None:
        self.asked: list[str] = []
        """Hosts and ports that clients wanted."""
        host, _, port = target.rpartition("/")[2].partition(":")
        self._target = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._threads = [threading.Thread(target=self._accept)]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_exception: object) -> None:
        for entry in self._sockets:
            with contextlib.suppress(OSError):
                entry.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for entry in self._sockets:
            entry.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        self.asked.append(self._head(client))
        server = socket.create_connection(self._target)
        self._sockets.append(server)
        client.sendall(self._ANSWER)
        self._start(self._copy, server, client)
        self._copy(client, server)

    def _head(self, client: socket.socket) -> str:
        """Read what a client asks for; return the host and port."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        return head.split()[1].decode()

    def _start(self, run: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=run, args=arguments)
        self._threads.append(thread)
        thread.start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)


class SocksProxy(Proxy):
    """The same for SOCKS 5, which asks for a name and password if `password` is set."""

    _ANSWER = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"

    def __init__(self, target: str, password: str = "") -> None:
        super().__init__(target)
        self._password = password.encode()
        self.url = self.url.replace("http:", "socks5:")
        if password:
            self.url = self.url.replace("://", f"://me:{password}@")

    def _head(self, client: socket.socket) -> str:
        client.recv(64)
        client.sendall(b"\x05\x02" if self._password else b"\x05\x00")
        if self._password:
            right = client.recv(64).endswith(self._password)
            client.sendall(b"\x01\x00" if right else b"\x01\x01")
        asked = client.recv(512)
        port = int.from_bytes(asked[-2:])
        host = socket.inet_ntoa(asked[4:8]) if asked[3] == 1 else asked[5:-2].decode()
        return f"{host}:{port}"
