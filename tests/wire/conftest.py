"""Fixtures: fake API servers, the real client connected to one, and runs of the command against two."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from lightkube import Client

from barrelman_sync.access import http as connection
from barrelman_sync.access.http import connect
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.command import watchdog
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.settings import Kubeconfig
from tests.wire.certificates import Certificates, make_certificates
from tests.wire.commands import Sides
from tests.wire.fakeapi import Answer, Exchange, FakeApi
from tests.wire.kubeconfigs import Section, kubeconfig


class Patient(Deadline):
    """A deadline whose pauses are noted, and take the run's time but nobody else's."""

    def __init__(self, seconds: float = 45) -> None:
        super().__init__(seconds)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        skip(self, seconds)


def skip(deadline: Deadline, seconds: float) -> None:
    """As if so much time had passed."""
    deadline._end -= seconds


class Ending(Deadline):
    """Leaves time enough until a certain request has come, and little after it: a slow machine has it too."""

    def after(self, answer: Answer, seconds: float = 1) -> Answer:
        """Starts the last seconds, and answers so."""

        def last(exchange: Exchange) -> None:
            self._end = time.monotonic() + seconds
            answer(exchange)

        return last


class Connect(Protocol):
    def __call__(self, api: FakeApi, deadline: Deadline = ..., **user: Any) -> ClusterClient: ...


class ConnectTo(Protocol):
    def __call__(self, url: str, user: Section | None = None, **cluster: object) -> ClusterClient: ...


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the developer's own clusters and proxies."""
    for name in [*os.environ]:
        if name.startswith(("BARRELMAN_SYNC_", "KUBE")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as api:
        yield api


@pytest.fixture
def deadline() -> Patient:
    return Patient()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes all clients after the test; the command leaves that to its end."""
    clients: list[Client] = []

    class Remembered(Client):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            clients.append(self)

    monkeypatch.setattr(connection, "Client", Remembered)
    yield
    for client in clients:
        client.close()


@pytest.fixture
def connected(tmp_path: Path, deadline: Patient, opened: None) -> Connect:
    """The real client for a fake API server, by way of a kubeconfig whose user is `user`."""

    def connected(api: FakeApi, deadline: Deadline = deadline, **user: Any) -> ClusterClient:
        users: Section = {key.replace("_", "-"): value for key, value in user.items()}
        path = kubeconfig(tmp_path, "remote", api.url, user=users, insecure_skip_tls_verify=True)
        return connect(Kubeconfig(str(path)), "remote", deadline)

    return connected


@pytest.fixture
def client(api: FakeApi, connected: Connect) -> ClusterClient:
    return connected(api)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def to(tmp_path: Path, deadline: Patient, opened: None, certificates: Certificates) -> ConnectTo:
    """A client that trusts our authority, unless `cluster` says otherwise."""

    def to(url: str, user: Section | None = None, **cluster: object) -> ClusterClient:
        cluster = {"certificate_authority_data": certificates.data("ca.crt"), **cluster}
        path = kubeconfig(tmp_path, "remote", url, user=user, **cluster)
        return connect(Kubeconfig(str(path)), "remote", deadline)

    return to


@pytest.fixture
def server(certificates: Certificates) -> Iterator[FakeApi]:
    with FakeApi(certificates.server()) as api:
        yield api


@pytest.fixture
def named(certificates: Certificates) -> Iterator[FakeApi]:
    """A server whose certificate carries a name that is not in its URL."""
    with FakeApi(certificates.server("named")) as api:
        yield api


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[Sides]:
    """A remote with a service and two nodes, and a local cluster that has nothing of it yet."""
    with FakeApi() as local, FakeApi() as remote:
        yield Sides(local, remote, tmp_path)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, opened: None) -> Iterator[None]:
    """Lets CliRunner run the whole command: closes what it opens, and puts back what it sets for the process."""
    monkeypatch.setattr(Deadline, "sleep", skip)
    monkeypatch.setattr(watchdog, "GRACE_SECONDS", 600)  # it would end us
    log = logging.getLogger("barrelman_sync")
    before = log.handlers, log.propagate, log.level
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    log.handlers, log.propagate = before[:2]
    log.setLevel(before[2])
    for number, handler in handlers.items():
        signal.signal(number, handler)
