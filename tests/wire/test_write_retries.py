"""Writes whose answers go wrong: every kind of write, and every way in which an answer may not come."""

from __future__ import annotations

import pytest

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Kind, Revision
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.steps import Create, Delete, Release, Update, Write
from tests.wire import answers
from tests.wire.conftest import Connect, Patient
from tests.wire.fakeapi import Answer, FakeApi
from tests.wire.objects import MIRROR, mirror, namespace, seen
from tests.wire.test_lost_answers import CART, WANTED

SERVICE = "/api/v1/namespaces/shop/services/cart"
LOST: dict[str, Answer] = {
    "reset": answers.lost,
    "504": answers.done_but(504),
    "half": answers.half_with_length,
    "half without a length": answers.half_without_length,
}
"""The server does the write, and its answer does not come, or cannot be read."""
KINDS = ("create", "update", "delete", "release")


@pytest.fixture
def writer(api: FakeApi, client: ClusterClient) -> Writer:
    return Writer(client, dict.fromkeys(Kind, "777"))


def step_of(api: FakeApi, kind: str) -> Write:
    """A write, and a server on which it can be done."""
    api.store.add(namespace("shop"))
    if kind == "create":
        return Create(WANTED)
    api.store.add(mirror("cart", 81))
    metadata = api.store.get(SERVICE)["metadata"]
    revision = Revision(metadata["uid"], metadata["resourceVersion"])
    if kind == "update":
        return Update(WANTED, seen(revision), ())
    if kind == "delete":
        return Delete(seen(revision), Why(Reason.NOT_IN_REMOTE))
    return Release(LocalService(CART, revision, labels=MIRROR), tuple(MIRROR), (), Why(Reason.HAS_SELECTOR))


def method_of(kind: str) -> str:
    return "DELETE" if kind == "delete" else "PATCH"


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
@pytest.mark.parametrize("kind", KINDS)
def test_a_write_that_is_done_is_found_done(api: FakeApi, writer: Writer, kind: str, fault: Answer) -> None:
    step = step_of(api, kind)
    api.rule(method_of(kind), SERVICE, fault)
    writer.write(step)
    assert (api.store.find(SERVICE) is None) == (kind == "delete")


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_cannot_be_read_to_a_write_that_was_not_done_is_told(
    api: FakeApi, writer: Writer, kind: str
) -> None:
    """And the write is sent once: what answers so may be no API server."""
    step = step_of(api, kind)
    before = api.store.find(SERVICE)
    api.rule(method_of(kind), SERVICE, answers.raw(200, answers.HTML, "text/html"))
    with pytest.raises(ClusterError, match="the answer is not a Kubernetes API response"):
        writer.write(step)
    assert len(api.writes) == 1
    assert api.store.find(SERVICE) == before


def test_a_server_that_asks_for_patience_gets_it(api: FakeApi, writer: Writer, deadline: Patient) -> None:
    """The wait is at least the one that the server asks for."""
    step = step_of(api, "create")
    api.rule("PATCH", SERVICE, answers.plain(429, "Too many requests", Retry_After="7"))
    writer.write(step)
    assert len(deadline.slept) == 1
    assert deadline.slept[0] >= 7


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_five_tries_at_most(api: FakeApi, writer: Writer, status: int) -> None:
    step = step_of(api, "update")
    api.rule_for_ever("PATCH", SERVICE, answers.failure(status))
    with pytest.raises(ClusterError, match=f"{status} Because"):
        writer.write(step)
    assert len(api.requests) == 5


class Stopped(Deadline):
    """Is stopped while it waits for the next try."""

    def sleep(self, seconds: float) -> None:
        self.stop("the run was interrupted (SIGTERM)")


@pytest.mark.parametrize("fault", [answers.failure(503), answers.reset], ids=["503", "reset"])
def test_no_try_follows_a_signal(api: FakeApi, connected: Connect, fault: Answer) -> None:
    """The write failed: it was sent. What the server said is told, and what ended the tries."""
    step = step_of(api, "create")
    api.rule_for_ever("PATCH", SERVICE, fault)
    with pytest.raises(ClusterError, match=r"Then the run was interrupted \(SIGTERM\)"):
        Writer(connected(api, Stopped(45)), dict.fromkeys(Kind, "777")).write(step)
    assert len(api.requests) == 1
