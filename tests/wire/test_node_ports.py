"""Node ports: what a refusal means while another run writes the same Service, and Services that are written twice."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.model.names import Key, Kind, Revision, ServicePort
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.steps import Create, Update
from tests.wire import answers
from tests.wire.conftest import Connect, Patient
from tests.wire.fakeapi import Answer, Exchange, FakeApi, normally, status_object
from tests.wire.objects import REMOTE, mirror, namespace, seen
from tests.wire.store import Object

CART = Key("shop", "cart")
SERVICE = "/api/v1/namespaces/shop/services/cart"
PORTS = (ServicePort("", "TCP", 80, 30080, node_port=30080),)
WANTED = Mirror(CART, REMOTE, PORTS, type="NodePort")
WITHOUT = Mirror(CART, REMOTE, (replace(PORTS[0], node_port=0),))
FIRST = Create(WITHOUT, final=WANTED)
"""The first of two writes. Its server does not care whether the ports share a node port."""
SECOND = Create(WANTED)


def with_node_port() -> Object:
    """What another run makes of the Service."""
    made = mirror("cart")
    ports = [{**port, "nodePort": 30080} for port in made["spec"]["ports"]]
    return {**made, "spec": {**made["spec"], "type": "NodePort", "ports": ports}}


@pytest.fixture
def writer(api: FakeApi, client: ClusterClient) -> Writer:
    api.store.add(namespace("shop"))
    return Writer(client, dict.fromkeys(Kind, "777"))


def sent(api: FakeApi) -> list[str]:
    return [request.method for request in api.requests]


def taken(exchange: Exchange) -> None:
    """As kube-apiserver answers."""
    said = 'Service "cart" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated'
    exchange.send(422, json.dumps(status_object(422, "Invalid", said)).encode(), "application/json")


def appears(exchange: Exchange) -> None:
    """The Service that took the node port is stored."""
    exchange.api.store.add(with_node_port())
    exchange.serve()


def test_a_node_port_that_a_second_run_took_for_the_same_service(
    api: FakeApi, writer: Writer, deadline: Patient
) -> None:
    """The server allocates the port first, and stores the Service later."""
    api.rule("PATCH", SERVICE, taken)
    api.rule("GET", SERVICE, normally, normally, appears)
    writer.write(Create(WANTED))
    assert sent(api) == ["PATCH", "GET", "GET", "GET"]
    assert deadline.slept == [0.1, 0.2]
    assert writer.uid(Kind.SERVICE, CART) == api.store.get(SERVICE)["metadata"]["uid"]


def test_an_update_to_a_node_port_that_a_second_run_took_for_the_same_service(api: FakeApi, writer: Writer) -> None:
    api.store.add(mirror("cart"))
    metadata = api.store.get(SERVICE)["metadata"]
    api.rule("PATCH", SERVICE, taken)
    api.rule("GET", SERVICE, normally, appears)
    writer.write(Update(WANTED, seen(Revision(metadata["uid"], metadata["resourceVersion"])), ()))
    assert sent(api) == ["PATCH", "GET", "GET"]


def test_a_node_port_of_somebody_else_is_believed_after_a_while(
    api: FakeApi, writer: Writer, deadline: Patient
) -> None:
    api.rule("PATCH", SERVICE, taken)
    with pytest.raises(ClusterError, match=r"422 Invalid: .* provided port is already allocated"):
        writer.write(Create(WANTED))
    assert sent(api) == ["PATCH"] + ["GET"] * 5
    assert deadline.slept == [0.1, 0.2, 0.4, 0.8]


@pytest.mark.parametrize("status", [403, 409, 422])
def test_no_other_refusal_is_looked_at_for_a_while(
    api: FakeApi, writer: Writer, deadline: Patient, status: int
) -> None:
    api.rule("PATCH", SERVICE, answers.failure(status))
    with pytest.raises(ClusterError, match=f"{status} Because"):
        writer.write(Create(WANTED))
    assert deadline.slept == []
    assert sent(api).count("GET") == (status != 403)


def test_a_run_that_is_stopped_while_it_waits_tells_the_refusal(api: FakeApi, connected: Connect) -> None:
    class Stopped(Patient):
        def sleep(self, seconds: float) -> None:
            self.stop("the run was interrupted (SIGTERM)")

    api.rule("PATCH", SERVICE, taken)
    with pytest.raises(ClusterError, match=r"422 Invalid: .* provided port is already allocated"):
        Writer(connected(api, Stopped()), dict.fromkeys(Kind, "777")).write(Create(WANTED))
    assert sent(api) == ["PATCH", "GET"]


def states(api: FakeApi) -> list[tuple[str, str]]:
    """The type in each apply, and the resourceVersion that the object has to have."""
    bodies = [request.json for request in api.writes]
    return [(body["spec"]["type"], body["metadata"]["resourceVersion"]) for body in bodies]


def test_the_second_write_updates_what_the_first_one_created(api: FakeApi, writer: Writer) -> None:
    writer.write(FIRST)
    created = api.store.get(SERVICE)["metadata"]
    writer.write(SECOND)
    assert states(api) == [("ClusterIP", "777"), ("NodePort", created["resourceVersion"])]
    assert api.writes[1].json["metadata"]["uid"] == created["uid"]
    assert api.store.get(SERVICE)["spec"]["ports"][0]["nodePort"] == 30080


@pytest.mark.parametrize("fault", [answers.lost, answers.done_but(504), answers.half_with_length])
@pytest.mark.parametrize("before", [(), (normally,)], ids=["first", "second"])
def test_the_answer_to_one_of_the_two_writes_gets_lost(
    api: FakeApi, writer: Writer, before: tuple[Answer, ...], fault: Answer
) -> None:
    api.rule("PATCH", SERVICE, *before, fault)
    for step in (FIRST, SECOND):
        writer.write(step)
    assert api.store.get(SERVICE)["spec"]["type"] == "NodePort"


@pytest.mark.parametrize("made", [mirror("cart"), with_node_port()], ids=["half of it", "all of it"])
def test_a_second_run_did_the_two_writes(api: FakeApi, writer: Writer, made: Object) -> None:
    api.store.add(made)
    for step in (FIRST, SECOND):
        writer.write(step)
    assert api.store.get(SERVICE)["spec"]["type"] == "NodePort"


def test_a_stranger_of_the_name_gets_neither_write(api: FakeApi, writer: Writer) -> None:
    stranger = with_node_port()
    stranger["metadata"]["labels"] = {}
    api.store.add(stranger)
    before = api.store.get(SERVICE)
    with pytest.raises(ClusterError, match="409 Conflict"):
        writer.write(FIRST)
    assert api.store.get(SERVICE) == before
