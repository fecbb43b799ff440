"""Connection faults at the read that follows a refused write, and at a list that is begun again.

The fault happens while the first error is being handled, so the two are one chain of errors. lightkube makes the first
one its own cause: such a chain has no end.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from threading import Thread
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.model.errors import causes
from barrelman_sync.model.names import Key, Kind, Revision, ServicePort
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.steps import Delete, Update
from tests.wire import answers
from tests.wire.commands import Sides, command
from tests.wire.conftest import Connect, Ending, Patient
from tests.wire.fakeapi import Answer, Exchange, FakeApi, normally
from tests.wire.objects import REMOTE, endpoints, mirror, namespace, node, seen

NODES = "/api/v1/nodes"
SERVICE = "/api/v1/namespaces/shop/services/cart"
ENDPOINTS = "/api/v1/namespaces/shop/endpoints/cart"
CART = Key("shop", "cart")
PATIENCE = 30


class Look(NamedTuple):
    """A request that is refused, whereupon the same path is read (again)."""

    begin: Callable[[ClusterClient], None]
    method: str
    path: str
    refusal: Answer


def delete(client: ClusterClient) -> None:
    """As each mirror's Endpoints are deleted: the API server has removed them with their Service."""
    Writer(client, {}).write(Delete(seen(Revision("uid-1", "1")), Why(Reason.NOT_IN_REMOTE)))


def update(client: ClusterClient) -> None:
    wanted = Mirror(CART, REMOTE, (ServicePort("", "TCP", 80, 30080),))
    Writer(client, dict.fromkeys(Kind, "777")).write(Update(wanted, seen(Revision("uid-1", "1")), ()))


def read(client: ClusterClient) -> None:
    client.list_all(resources.Node, lambda item: item)


LOOKS = {
    "404": Look(delete, "DELETE", SERVICE, answers.failure(404)),
    "409": Look(update, "PATCH", SERVICE, answers.failure(409)),
    "422": Look(update, "PATCH", SERVICE, answers.failure(422)),
    "410": Look(read, "GET", NODES, answers.failure(410)),
}
FAULTS: dict[str, tuple[Answer, str]] = {
    "reset": (answers.reset, "no connection to "),
    "reset in the middle": (answers.reset_in_the_middle, "no connection to "),
    "half an answer": (answers.half_with_length, "no connection to "),
    "half an answer without length": (answers.half_without_length, "is not a Kubernetes API response"),
    "503": (answers.failure(503), "503 Because"),
    "403": (answers.failure(403), "403 Because"),
}


def fails(look: Look, client: ClusterClient) -> str:
    """What is said. In a thread of its own, so that a look without end fails the test and not the whole test run."""
    said: list[str] = []

    def work() -> None:
        try:
            look.begin(client)
        except ClusterError as error:
            said.append(str(error))

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "the second look does not end"
    (message,) = said
    return message


def serve_cart(api: FakeApi) -> None:
    """What the second look would find."""
    api.store.add(namespace("shop"), mirror("cart"), node("a", "10.0.0.1"))


@pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_second_look_that_fails_ends(
    api: FakeApi, client: ClusterClient, look: Look, fault: Answer, words: str
) -> None:
    serve_cart(api)
    api.rule(look.method, look.path, look.refusal)
    api.rule_for_ever("GET", look.path, fault)
    assert words in fails(look, client)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_second_look_at_a_server_that_is_gone_ends(api: FakeApi, client: ClusterClient, look: Look) -> None:
    api.rule(look.method, look.path, answers.then_refused(look.refusal))
    assert f"no connection to {api.url}: " in fails(look, client)


@pytest.mark.parametrize("fault", [answers.silence, answers.dribble], ids=["silence", "dribble"])
@pytest.mark.parametrize("status", LOOKS)
def test_a_second_look_that_hangs_ends_with_the_run(
    api: FakeApi, connected: Connect, status: str, fault: Answer
) -> None:
    look = LOOKS[status]
    deadline = Ending(45)
    api.rule(look.method, look.path, deadline.after(look.refusal))
    api.rule_for_ever("GET", look.path, fault)
    said = fails(look, connected(api, deadline))
    if look.begin is read:
        assert said.startswith("listing nodes")
        assert "in time" in said or "--timeout 45s" in said
    else:
        assert said.startswith(("deleting", "applying"))
        assert f"{status} Because" in said


def test_a_second_look_whose_headers_do_not_end_ends_with_the_run(api: FakeApi, connected: Connect) -> None:
    deadline = Ending(45)
    look = LOOKS["404"]
    api.rule(look.method, look.path, deadline.after(look.refusal))
    api.rule_for_ever("GET", look.path, answers.dribble_headers)
    assert fails(look, connected(api, deadline)).startswith("deleting Service shop/cart")


PASSING = {name: FAULTS[name][0] for name in ("reset", "reset in the middle", "half an answer", "503")}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_second_look_is_tried_again(api: FakeApi, client: ClusterClient, deadline: Patient, fault: Answer) -> None:
    """Then the update is found done."""
    serve_cart(api)
    api.rule("PATCH", SERVICE, answers.failure(409))
    api.rule("GET", SERVICE, fault)
    update(client)
    assert [request.method for request in api.requests] == ["PATCH", "GET", "GET"]
    assert len(deadline.slept) == 1


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_an_expired_list_is_tried_again(api: FakeApi, client: ClusterClient, fault: Answer) -> None:
    api.rule("GET", NODES, answers.failure(410), fault, normally)
    read(client)
    assert len(api.requests) == 3


def with_its_endpoints(exchange: Exchange) -> None:
    """Deletes a Service as the API server does: its Endpoints go at once."""
    exchange.api.store.delete(ENDPOINTS, {})
    exchange.serve()


@pytest.fixture
def deleting(sides: Sides) -> Sides:
    """A mirror that the remote has no more."""
    sides.remove_from_remote("cart")
    sides.local.store.add(namespace("shop"), mirror("cart"), endpoints("cart", "10.0.0.1", "10.0.0.2"))
    sides.local.rule("DELETE", SERVICE, with_its_endpoints)
    return sides


def test_a_run_outlives_a_reset_at_its_second_look(deleting: Sides) -> None:
    deleting.local.rule("GET", ENDPOINTS, answers.reset)
    done = command(*deleting.arguments)
    assert done.returncode == 0, done
    assert [request.method for request in deleting.local.requests if request.path == ENDPOINTS] == [
        "DELETE",
        "GET",
        "GET",
    ]


def test_a_run_whose_second_look_fails_for_good_ends_by_itself(deleting: Sides) -> None:
    deleting.local.rule_for_ever("GET", ENDPOINTS, answers.reset)
    done = command(*deleting.arguments, "--timeout", "8s")
    assert done.returncode == 1, done
    assert "reading Endpoints shop/cart in the local cluster failed: no connection to " in done.stderr
    assert done.stdout.splitlines()[-1].startswith("failed: 0 created, 0 updated, 1 deleted")
    assert "Where each thread was" not in done.stderr  # the watchdog had nothing to do


@st.composite
def chains(draw: st.DrawFn) -> list[Exception]:
    """Errors, any of which may be the cause or the context of any."""
    errors = [ValueError(number) for number in range(draw(st.integers(1, 5)))]
    others = st.sampled_from([*errors, None])
    for error in errors:
        error.__cause__, error.__context__ = draw(others), draw(others)
    return [*errors]


@given(chains())
def test_causes_end(errors: list[Exception]) -> None:
    """Each once, each the cause or context of the one before, and the last has none that was not met."""
    met = [*causes(errors[0])]
    assert met[0] is errors[0]
    assert len({id(error) for error in met}) == len(met)
    for before, after in pairwise(met):
        assert after in (before.__cause__, before.__context__)
    assert {met[-1].__cause__, met[-1].__context__} <= {*met, None}


def test_causes_in_their_order() -> None:
    """The cause before what was being handled; what is handled where an error is its own cause."""
    inner, handled, outer = OSError("inner"), KeyError("handled"), ValueError("outer")
    outer.__cause__, outer.__context__ = inner, handled
    assert [*causes(outer)] == [outer, inner]
    outer.__cause__ = outer
    assert [*causes(outer)] == [outer, handled]
    assert [*causes(inner)] == [inner]
