"""The pauses that a plan asks for before and after the update of a Service, and the first of two updates of it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import pytest

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError, NotTriedError
from barrelman_sync.cluster.pauses import PAUSE_SECONDS
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.model.names import Key, Kind, Revision, ServicePort
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.steps import Update
from tests.wire.answers import done_but, failure
from tests.wire.conftest import Patient
from tests.wire.fakeapi import FakeApi
from tests.wire.objects import REMOTE, mirror, namespace, seen

CART = Key("shop", "cart")
SERVICE = "/api/v1/namespaces/shop/services/cart"
STOPPED = "interrupted by SIGTERM"


@pytest.fixture
def writer(api: FakeApi, client: ClusterClient) -> Writer:
    api.store.add(namespace("shop"), mirror("cart"))
    return Writer(client, dict.fromkeys(Kind, "777"))


@pytest.fixture
def update(api: FakeApi, writer: Writer) -> Callable[..., None]:
    """Return what renames the port of a mirror, with these pauses."""
    metadata = api.store.get(SERVICE)["metadata"]
    live = seen(Revision(metadata["uid"], metadata["resourceVersion"]))

    def update(*, name: str = "web", before: bool = True, after: bool = True) -> None:
        wanted = Mirror(CART, REMOTE, (ServicePort(name, "TCP", 80, 30080),))
        writer.write(Update(wanted, live, (), pause_before=before, pause_after=after))

    return update


@pytest.fixture
def paused(api: FakeApi, deadline: Patient, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return, for each pause from now on, how many requests came before it."""
    found: list[int] = []
    pause = deadline.sleep

    def sleep(seconds: float) -> None:
        found.append(len(api.requests))
        pause(seconds)

    monkeypatch.setattr(deadline, "sleep", sleep)
    return found


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("before", [True, False])
def test_a_pause_before_and_a_pause_after(
    update: Callable[..., None], paused: list[int], deadline: Patient, *, before: bool, after: bool
) -> None:
    update(before=before, after=after)
    assert paused == [0] * before + [1] * after
    assert set(deadline.slept) <= {PAUSE_SECONDS}


def test_a_pause_after_an_update_that_is_found_done(
    api: FakeApi, update: Callable[..., None], paused: list[int]
) -> None:
    """Such as where another run was faster, a moment ago."""
    api.rule("PATCH", SERVICE, done_but(HTTPStatus.CONFLICT))
    update()
    assert [request.method for request in api.requests] == ["PATCH", "GET"]
    assert paused == [0, 2]


def test_no_pause_after_an_update_that_is_refused(api: FakeApi, update: Callable[..., None], paused: list[int]) -> None:
    api.rule("PATCH", SERVICE, failure(HTTPStatus.FORBIDDEN))
    with pytest.raises(ClusterError):
        update()
    assert paused == [0]


def test_a_run_that_is_stopped_before_the_update_does_not_try_it(
    api: FakeApi, update: Callable[..., None], deadline: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "sleep", lambda _: deadline.stop(STOPPED))
    with pytest.raises(NotTriedError, match=STOPPED):
        update()
    assert api.requests == []


def test_a_run_that_is_stopped_after_the_update_has_done_it(
    api: FakeApi, update: Callable[..., None], deadline: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "sleep", lambda _: deadline.stop(STOPPED))
    update(before=False)
    assert api.store.get(SERVICE)["spec"]["ports"][0]["name"] == "web"


def test_the_second_of_two_updates_is_not_tried_after_the_end(update: Callable[..., None], deadline: Patient) -> None:
    """No patch came before it, which would make it a failure."""
    update(before=False, after=False)
    deadline.stop(STOPPED)
    with pytest.raises(NotTriedError, match=STOPPED):
        update(name="admin", before=False, after=False)
