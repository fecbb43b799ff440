"""The rate of applies that an API server can reach, measured with clients that do nothing else.

The bodies are encoded in advance. Each thread sends them by http.client over one connection, which is about the
cheapest client that Python has. The time to start the processes does not count.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from lab.bench.bodies import OWNER, Batch, Unit

QUERY = "?fieldManager=barrelman-sync&force=true"
SUCCESS = (200, 201)
READY = "ready"


class PlainError(Exception):
    """The server refused an apply."""


@dataclass(frozen=True)
class Target:
    """The API server that gets the applies, and the token that they carry."""

    address: str
    ca_file: Path
    token: str


@dataclass
class Clients:
    """The clients of one process: threads, each of which keeps one connection."""

    target: Target
    threads: int
    failures: list[str] = field(default_factory=list)

    def run(self, batches: Sequence[Batch], pipe: Connection) -> None:
        """Wait on the pipe before each batch, send the batch, and answer with the first failure or an empty text."""
        connections = [self._connect() for _ in range(self.threads)]
        pipe.send(READY)
        for batch in batches:
            pipe.recv()
            self._send(deque(batch), connections)
            pipe.send("".join(self.failures[:1]))

    def _connect(self) -> HTTPSConnection:
        context = ssl.create_default_context(cafile=self.target.ca_file)
        return HTTPSConnection(self.target.address, context=context)

    def _send(self, units: deque[Unit], connections: Sequence[HTTPSConnection]) -> None:
        threads = [threading.Thread(target=self._send_some, args=(units, each)) for each in connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _send_some(self, units: deque[Unit], connection: HTTPSConnection) -> None:
        try:
            while not self.failures:
                self._send_unit(units.popleft(), connection)
        except IndexError:
            return  # all are sent
        except (OSError, HTTPException, PlainError) as error:
            self.failures.append(repr(error))

    def _send_unit(self, unit: Unit, connection: HTTPSConnection) -> None:
        owner = OWNER
        for path, body in unit:
            answer = self._apply(connection, path, body.replace(OWNER, owner))
            owner = str(json.loads(answer)["metadata"]["uid"]).encode()

    def _apply(self, connection: HTTPSConnection, path: str, body: bytes) -> bytes:
        headers = {"Authorization": f"Bearer {self.target.token}", "Content-Type": "application/apply-patch+yaml"}
        connection.request("PATCH", path + QUERY, body, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status not in SUCCESS:
            message = f"{path}: {response.status} {answer.decode()}"
            raise PlainError(message)
        return answer


def seconds_for(batches: Sequence[Batch], target: Target, processes: int, threads: int) -> float:
    """Return how many seconds the applies take, sent by so many processes with so many threads each."""
    with _workers(batches, target, processes, threads) as pipes:
        started = time.monotonic()
        for _ in batches:
            for pipe in pipes:
                pipe.send(READY)
            if failures := [failure for pipe in pipes if (failure := pipe.recv())]:
                raise PlainError(failures[0])
        return time.monotonic() - started


@contextmanager
def _workers(batches: Sequence[Batch], target: Target, processes: int, threads: int) -> Iterator[list[Connection]]:
    context = get_context("spawn")
    clients = Clients(target, threads)
    pipes = []
    for number in range(processes):
        ours, theirs = context.Pipe()
        share = [batch[number::processes] for batch in batches]
        context.Process(target=clients.run, args=(share, theirs), daemon=True).start()
        theirs.close()
        pipes.append(ours)
    for pipe in pipes:
        assert pipe.recv() == READY
    yield pipes
