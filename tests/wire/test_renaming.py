"""The update of a Service whose port changes its name: kube-proxy has time to see one write before the next."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import pytest

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError, NotTriedError
from barrelman_sync.cluster.renaming import MOMENT_SECONDS
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Key, Kind, Revision, ServicePort
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.steps import Update
from tests.wire.answers import failure
from tests.wire.conftest import Patient
from tests.wire.fakeapi import FakeApi
from tests.wire.objects import MIRROR, REMOTE, UID, mirror, namespace

Ports = tuple[ServicePort, ...]

CART = Key("shop", "cart")
SERVICE = "/api/v1/namespaces/shop/services/cart"
NUMBER, MOVED, OTHER = ("TCP", 80, 30080), ("TCP", 80, 30090), ("TCP", 81, 30081)
HTTP, WEB = ServicePort("http", *NUMBER), ServicePort("web", *NUMBER)


@pytest.fixture
def update(api: FakeApi, client: ClusterClient) -> Callable[[Ports, Ports], None]:
    """Return what updates the ports of a mirror from the first to the second."""
    api.store.add(namespace("shop"), mirror("cart"))

    def update(before: Ports, after: Ports) -> None:
        metadata = api.store.get(SERVICE)["metadata"]
        revision = Revision(metadata["uid"], metadata["resourceVersion"])
        live = LocalService(CART, revision, ports=before, labels=MIRROR, annotations=UID)
        Writer(client, dict.fromkeys(Kind, "777")).write(Update(Mirror(CART, REMOTE, after), live, ()))

    return update


@pytest.fixture
def written(api: FakeApi, deadline: Patient, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return, for each pause from now on, how many requests came before it."""
    found: list[int] = []
    pause = deadline.sleep

    def sleep(seconds: float) -> None:
        found.append(len(api.requests))
        pause(seconds)

    monkeypatch.setattr(deadline, "sleep", sleep)
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((HTTP,), (WEB,)),
        ((HTTP,), (ServicePort("web", *MOVED),)),
        ((ServicePort("", *NUMBER),), (HTTP, ServicePort("other", *OTHER))),
        ((HTTP, ServicePort("other", *OTHER)), (ServicePort("", *NUMBER),)),
    ],
    ids=["renamed", "and renumbered", "named", "unnamed"],
)
def test_a_pause_before_and_after(
    update: Callable[[Ports, Ports], None], written: list[int], deadline: Patient, before: Ports, after: Ports
) -> None:
    update(before, after)
    assert (written, deadline.slept) == ([0, 1], [MOMENT_SECONDS, MOMENT_SECONDS])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((HTTP,), (HTTP,)),
        ((HTTP,), (HTTP, ServicePort("other", *OTHER))),
        ((HTTP, ServicePort("other", *OTHER)), (HTTP,)),
        ((HTTP,), (ServicePort("http", *MOVED),)),
        ((HTTP,), (ServicePort("other", *OTHER),)),
        ((HTTP,), (ServicePort("dns", "UDP", 80, 30080),)),
        ((HTTP, ServicePort("web", *OTHER)), (WEB, ServicePort("http", *OTHER))),
    ],
    ids=["same ports", "one more", "one less", "renumbered", "another port", "another protocol", "exchanged"],
)
def test_no_pause_if_no_name_changes(
    update: Callable[[Ports, Ports], None], written: list[int], before: Ports, after: Ports
) -> None:
    update(before, after)
    assert written == []


def test_a_run_that_is_stopped_meanwhile_writes_no_service(
    api: FakeApi, update: Callable[[Ports, Ports], None], deadline: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "sleep", lambda _: deadline.stop("interrupted by SIGTERM"))
    with pytest.raises(NotTriedError, match="interrupted by SIGTERM"):
        update((HTTP,), (WEB,))
    assert api.requests == []


def test_no_pause_after_a_service_that_is_refused(
    api: FakeApi, update: Callable[[Ports, Ports], None], written: list[int]
) -> None:
    api.rule("PATCH", SERVICE, failure(HTTPStatus.FORBIDDEN))
    with pytest.raises(ClusterError):
        update((HTTP,), (WEB,))
    assert written == [0]
