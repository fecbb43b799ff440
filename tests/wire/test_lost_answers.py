"""A 409 or 404 on a write: our own first try that got through, a faster second run, or a stranger."""

from __future__ import annotations

import msgspec
import pytest

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.cluster.parsing import local_service
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import EndpointPort, Key, Kind, Revision, ServicePort
from barrelman_sync.model.wanted import AddressSet, Mirror, WantedEndpoints, WantedNamespace
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.steps import Create, Delete, Mark, Release, Update, Write
from tests.wire import answers
from tests.wire.conftest import Connect
from tests.wire.fakeapi import Answer, Exchange, FakeApi
from tests.wire.objects import MIRROR, REMOTE, UID, endpoints, mirror, namespace, node_port, seen
from tests.wire.store import Object

CART = Key("shop", "cart")
MARK = "tfw.io/barrelman-orphaned-since"
PATHS = {
    Kind.NAMESPACE: "/api/v1/namespaces/shop",
    Kind.SERVICE: "/api/v1/namespaces/shop/services/cart",
    Kind.ENDPOINTS: "/api/v1/namespaces/shop/endpoints/cart",
}
WANTED = Mirror(CART, REMOTE, (ServicePort("", "TCP", 80, 30080),))
SERVED = WantedEndpoints(
    AddressSet(CART, REMOTE, "IPv4", ("10.0.0.1",), (EndpointPort("", "TCP", 30080),), "uid-of-cart")
)
CREATES: list[Create] = [Create(WantedNamespace("shop", "remote")), Create(WANTED), Create(SERVED)]


@pytest.fixture
def writer(api: FakeApi, client: ClusterClient) -> Writer:
    api.store.add(namespace("default"))
    return Writer(client, dict.fromkeys(Kind, "777"))


def live(api: FakeApi, kind: Kind = Kind.SERVICE) -> Revision:
    metadata = api.store.get(PATHS[kind])["metadata"]
    return Revision(metadata["uid"], metadata["resourceVersion"])


def is_stale(writer: Writer, step: Write) -> None:
    with pytest.raises(
        ClusterError, match=r"409 Conflict: .* The object changed after it was read; the next run plans again"
    ):
        writer.write(step)


CLAIM = Update(WANTED, seen(Revision("uid", "1")), (), claims=True)


@pytest.mark.parametrize("step", [Create(WANTED), CLAIM], ids=["an apply", "a patch before it"])
def test_a_refusal_after_the_end_of_the_run_is_told(api: FakeApi, connected: Connect, step: Write) -> None:
    """The object is not read again then. That the write was "not tried" would be wrong."""
    deadline = Deadline(45)
    api.store.add(namespace("default"), namespace("shop"), mirror("cart", node_port=30081))
    writer = Writer(connected(api, deadline), dict.fromkeys(Kind, "777"))

    def after_the_end(exchange: Exchange) -> None:
        deadline.stop("the run was interrupted (SIGTERM)")
        exchange.serve()

    api.rule("PATCH", PATHS[Kind.SERVICE], after_the_end)
    is_stale(writer, step)
    assert [request.method for request in api.requests] == ["PATCH"]


@pytest.mark.parametrize("step", CREATES, ids=[create.ref.kind for create in CREATES])
def test_a_create_whose_answer_got_lost(api: FakeApi, writer: Writer, step: Create) -> None:
    """The second try answers 409; read again, the object is as wanted."""
    if step.ref.key.namespace:
        api.store.add(namespace("shop"))
    api.rule("PATCH", PATHS[step.ref.kind], answers.lost)
    writer.write(step)
    assert [request.method for request in api.requests] == ["PATCH", "PATCH", "GET"]
    assert writer.uid(step.ref.kind, step.ref.key) == live(api, step.ref.kind).uid


def test_an_update_whose_answer_got_lost(api: FakeApi, writer: Writer) -> None:
    api.store.add(mirror("cart", 81))
    api.rule("PATCH", PATHS[Kind.SERVICE], answers.lost)
    writer.write(Update(WANTED, seen(live(api)), ()))
    assert [request.method for request in api.requests] == ["PATCH", "PATCH", "GET"]


@pytest.mark.parametrize("fault", [answers.lost, answers.failure(504)], ids=["done", "not done"])
def test_a_delete_whose_answer_got_lost(api: FakeApi, writer: Writer, fault: Answer) -> None:
    """The second try answers 404, or deletes."""
    api.store.add(mirror("cart"))
    api.rule("DELETE", PATHS[Kind.SERVICE], fault)
    writer.write(Delete(seen(live(api)), Why(Reason.NOT_IN_REMOTE)))
    assert api.store.find(PATHS[Kind.SERVICE]) is None


def test_a_release_whose_answer_got_lost(api: FakeApi, writer: Writer) -> None:
    api.store.add(mirror("cart"))
    api.rule("PATCH", PATHS[Kind.SERVICE], answers.lost)
    released = LocalService(CART, live(api), labels=MIRROR, annotations=UID)
    writer.write(Release(released, tuple(MIRROR), tuple(UID), Why(Reason.HAS_SELECTOR)))
    metadata = api.store.get(PATHS[Kind.SERVICE])["metadata"]
    assert (metadata["labels"], metadata["annotations"]) == ({}, {})


def marked(since: str) -> Object:
    """Return the mirror with this mark."""
    service = mirror("cart")
    service["metadata"]["annotations"] = {**UID, MARK: since}
    return service


def mark(revision: Revision, before: str | None = None) -> Mark:
    annotations = UID if before is None else {**UID, MARK: before}
    seen = LocalService(CART, revision, labels=MIRROR, annotations=annotations)
    return Mark(seen, REMOTE, "2026-11-27T10:00:00Z", "", Why(Reason.NOT_IN_REMOTE))


@pytest.mark.parametrize("before", [None, "soon"])
def test_a_mark_whose_answer_got_lost(api: FakeApi, writer: Writer, before: str | None) -> None:
    api.store.add(mirror("cart") if before is None else marked(before))
    api.rule("PATCH", PATHS[Kind.SERVICE], answers.lost)
    writer.write(mark(live(api), before))
    assert [request.method for request in api.requests] == ["PATCH", "PATCH", "GET"]
    assert api.store.get(PATHS[Kind.SERVICE])["metadata"]["annotations"][MARK] == "2026-11-27T10:00:00Z"


def test_a_mark_that_a_second_run_made(api: FakeApi, writer: Writer) -> None:
    """A moment earlier: that one stays."""
    api.store.add(mirror("cart"))
    before = live(api)
    api.store.add(marked("2026-11-27T09:59:59Z"))
    writer.write(mark(before))
    assert api.store.get(PATHS[Kind.SERVICE])["metadata"]["annotations"][MARK] == "2026-11-27T09:59:59Z"


@pytest.mark.parametrize("before", [None, "soon"])
def test_a_mark_of_what_changed_since_the_list(api: FakeApi, writer: Writer, before: str | None) -> None:
    api.store.add(mirror("cart"))
    then = live(api)
    api.store.add({**(mirror("cart") if before is None else marked(before)), "status": {}})
    is_stale(writer, mark(then, before))
    assert api.store.get(PATHS[Kind.SERVICE])["metadata"]["annotations"].get(MARK) == before


def test_a_mark_of_what_was_made_anew(api: FakeApi, writer: Writer) -> None:
    api.store.add(mirror("cart"))
    before = live(api)
    api.store.delete(PATHS[Kind.SERVICE], {})
    api.store.add(marked("2026-11-27T09:59:59Z"))
    is_stale(writer, mark(before))


def parsed(api: FakeApi) -> LocalService:
    """Return the mirror as a list shows it."""
    found = api.store.get(PATHS[Kind.SERVICE])
    return local_service(msgspec.json.decode(msgspec.json.encode(found), type=resources.Service))


def test_the_removal_of_a_mark_whose_answer_got_lost(api: FakeApi, writer: Writer) -> None:
    """The second try answers 422, as there is no mark any more; the update goes on."""
    ports: Object = {'k:{"port":80,"protocol":"TCP"}': {".": {}}}
    ours = {"manager": "barrelman-sync", "operation": "Apply", "fieldsV1": {"f:spec": {"f:ports": ports}}}
    service = marked("soon")
    api.store.add({**service, "metadata": {**service["metadata"], "managedFields": [ours]}})
    api.rule("PATCH", PATHS[Kind.SERVICE], answers.lost)
    writer.write(Update(WANTED, parsed(api), ()))
    assert [request.method for request in api.requests] == ["PATCH", "PATCH", "GET", "PATCH"]
    assert api.store.get(PATHS[Kind.SERVICE])["metadata"]["annotations"] == UID


def test_the_removal_of_a_mark_from_what_changed_since_the_list(api: FakeApi, writer: Writer) -> None:
    api.store.add(marked("soon"))
    before = parsed(api)
    api.store.add({**marked("soon"), "spec": {**mirror("cart")["spec"], "type": "NodePort"}})
    is_stale(writer, Update(WANTED, before, ()))
    assert api.store.get(PATHS[Kind.SERVICE])["metadata"]["annotations"][MARK] == "soon"


def test_a_stranger_that_came_first_is_not_overwritten(api: FakeApi, writer: Writer) -> None:
    api.store.add(namespace("shop"), node_port("cart"))
    before = api.store.get(PATHS[Kind.SERVICE])
    is_stale(writer, Create(WANTED))
    assert api.store.get(PATHS[Kind.SERVICE]) == before


def test_a_stranger_with_the_same_ports_is_a_stranger(api: FakeApi, writer: Writer) -> None:
    """It lacks our labels."""
    stranger = mirror("cart")
    stranger["metadata"]["labels"] = {}
    api.store.add(namespace("shop"), stranger)
    is_stale(writer, Create(WANTED))


def test_a_mirror_that_a_user_made_their_own_is_not_ours(api: FakeApi, writer: Writer) -> None:
    """Same labels, same ports, but a selector."""
    real = mirror("cart")
    real["spec"]["selector"] = {"app": "cart"}
    api.store.add(namespace("shop"), real)
    is_stale(writer, Create(WANTED))


def test_an_update_of_what_changed_since_the_list(api: FakeApi, writer: Writer) -> None:
    api.store.add(mirror("cart", 81))
    before = live(api)
    api.store.add(mirror("cart", 82))
    is_stale(writer, Update(WANTED, seen(before), ()))
    assert api.store.get(PATHS[Kind.SERVICE])["spec"]["ports"][0]["port"] == 82


def test_an_update_that_a_second_run_made(api: FakeApi, writer: Writer) -> None:
    api.store.add(mirror("cart", 81))
    before = live(api)
    api.store.add(mirror("cart"))
    writer.write(Update(WANTED, seen(before), ()))


def test_a_create_that_is_refused_for_what_a_second_run_made(api: FakeApi, writer: Writer) -> None:
    """Its node port is taken, says the server: by the very Service, which is as wanted."""
    api.store.add(namespace("shop"), mirror("cart"))
    api.rule("PATCH", PATHS[Kind.SERVICE], answers.failure(422))
    writer.write(Create(WANTED))
    assert [request.method for request in api.requests] == ["PATCH", "GET"]


def test_an_update_of_what_was_deleted_does_not_bring_it_back(api: FakeApi, writer: Writer) -> None:
    api.store.add(endpoints("cart", "10.0.0.9"))
    before = live(api, Kind.ENDPOINTS)
    api.store.delete(PATHS[Kind.ENDPOINTS], {})
    is_stale(writer, Update(SERVED, seen(before, Kind.ENDPOINTS), ()))
    assert api.store.find(PATHS[Kind.ENDPOINTS]) is None


def test_a_create_in_a_namespace_that_went_away(api: FakeApi, writer: Writer) -> None:
    with pytest.raises(ClusterError, match='404 NotFound: namespaces "shop" not found'):
        writer.write(Create(WANTED))


def test_a_delete_of_what_is_gone(api: FakeApi, writer: Writer) -> None:
    writer.write(Delete(seen(Revision("uid-1", "1")), Why(Reason.NOT_IN_REMOTE)))
    assert [request.method for request in api.requests] == ["DELETE", "GET"]


def test_a_delete_spares_the_next_object_of_the_name(api: FakeApi, writer: Writer) -> None:
    """The one that was planned for is gone: done."""
    api.store.add(mirror("cart"))
    writer.write(Delete(seen(Revision("uid-of-another", "1")), Why(Reason.NOT_IN_REMOTE)))
    assert api.store.find(PATHS[Kind.SERVICE]) is not None


def test_a_delete_of_what_changed_since_the_list(api: FakeApi, writer: Writer) -> None:
    api.store.add(mirror("cart"))
    before = live(api)
    api.store.add(mirror("cart", 81))
    is_stale(writer, Delete(seen(before), Why(Reason.NOT_IN_REMOTE)))
    assert api.store.find(PATHS[Kind.SERVICE]) is not None


def test_a_second_look_that_fails_is_the_error(api: FakeApi, writer: Writer) -> None:
    """Whether it is done is not known, so it is not."""
    api.store.add(namespace("shop"))
    api.rule("PATCH", PATHS[Kind.SERVICE], answers.lost)
    api.rule("GET", PATHS[Kind.SERVICE], answers.failure(403))
    with pytest.raises(ClusterError, match=r"reading Service shop/cart in the remote cluster failed: .*403"):
        writer.write(Create(WANTED))


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_a_refused_write_is_sent_once(api: FakeApi, writer: Writer, status: int) -> None:
    api.store.add(namespace("shop"))
    api.rule("PATCH", PATHS[Kind.SERVICE], answers.failure(status))
    with pytest.raises(ClusterError, match=f"applying Service shop/cart in the remote cluster failed: .*{status}"):
        writer.write(Create(WANTED))
    assert len(api.writes) == 1
