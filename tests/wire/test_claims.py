"""Fields of a mirror that somebody else holds: whole runs, as only a plan knows what to claim."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.wire import answers
from tests.wire.commands import Sides, invoke
from tests.wire.fakeapi import Answer, Exchange, normally
from tests.wire.objects import endpoints, mirror, namespace
from tests.wire.store import Object

pytestmark = pytest.mark.usefixtures("in_process")

SERVICE = "/api/v1/namespaces/shop/services/cart"
OTHER = {
    "manager": "barrelman",
    "operation": "Update",
    "apiVersion": "v1",
    "fieldsType": "FieldsV1",
    "time": "2026-01-01T00:00:00Z",
    "fieldsV1": {"f:metadata": {"f:labels": {}}, "f:spec": {"f:ports": {}, "f:clusterIP": {}}},
}


def with_another_holder(sides: Sides) -> Object:
    """Makes the local cluster hold a mirror with a wrong port, made by the original."""
    service = mirror("cart", 81)
    service["metadata"]["managedFields"] = [OTHER]
    sides.local.store.add(namespace("shop"), service, endpoints("cart", "10.0.0.1", "10.0.0.2"))
    return sides.local.store.get(SERVICE)


def test_fields_of_others_are_moved_first(sides: Sides) -> None:
    """A JSON patch of managedFields alone, guarded by the resourceVersion; the apply goes by what it answers."""
    before = with_another_holder(sides)["metadata"]
    assert invoke(*sides.arguments).exit_code == 0
    patch, apply = (request for request in sides.writes if request.path == SERVICE)
    assert (patch.method, patch.target) == ("PATCH", f"{SERVICE}?fieldManager=barrelman-sync")
    assert patch.headers["Content-Type"] == "application/json-patch+json"
    guard, move = json.loads(patch.body)
    assert guard == {"op": "replace", "path": "/metadata/resourceVersion", "value": before["resourceVersion"]}
    assert move["path"] == "/metadata/managedFields"
    (theirs,) = (entry for entry in move["value"] if entry["manager"] == "barrelman")
    assert theirs == {**OTHER, "fieldsV1": {"f:metadata": {"f:labels": {}}, "f:spec": {"f:clusterIP": {}}}}
    (ours,) = (entry for entry in move["value"] if entry["manager"] == "barrelman-sync")
    assert (ours["operation"], ours["apiVersion"], ours["fieldsType"]) == ("Apply", "v1", "FieldsV1")
    assert "f:ports" in ours["fieldsV1"]["f:spec"]
    assert apply.json["metadata"]["uid"] == before["uid"]
    assert int(apply.json["metadata"]["resourceVersion"]) > int(before["resourceVersion"])


LOST = {"lost": answers.lost, "504": answers.done_but(504)}


def sent(sides: Sides) -> list[str]:
    """What was asked of the Service itself, and how."""
    asked = (request for request in sides.local.requests if request.path == SERVICE)
    return [f"{request.method} {request.headers.get('Content-Type', '')}".strip() for request in asked]


MOVE, APPLY = "PATCH application/json-patch+json", "PATCH application/apply-patch+yaml"


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_move_whose_answer_got_lost_is_found_done(sides: Sides, fault: Answer) -> None:
    """The second try answers 409; read again, the Service is as it was but for its managers: the update goes on."""
    with_another_holder(sides)
    sides.local.rule("PATCH", SERVICE, fault)
    run = invoke(*sides.arguments)
    assert run.exit_code == 0, run.output
    assert sent(sides) == [MOVE, MOVE, "GET", APPLY]
    assert sides.local.store.get(SERVICE)["spec"]["ports"][0]["port"] == 80
    asked = len(sides.writes)
    assert invoke(*sides.arguments).exit_code == 0
    assert len(sides.writes) == asked


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_both_answers_may_get_lost(sides: Sides, fault: Answer) -> None:
    with_another_holder(sides)
    sides.local.rule("PATCH", SERVICE, fault, normally, fault)
    run = invoke(*sides.arguments)
    assert run.exit_code == 0, run.output
    assert sent(sides) == [MOVE, MOVE, "GET", APPLY, APPLY, "GET"]


def edited(sides: Sides) -> None:
    """Somebody changes a port."""
    live = sides.local.store.get(SERVICE)
    ports = [{**port, "port": 83} for port in live["spec"]["ports"]]
    sides.local.store.add({**live, "spec": {**live["spec"], "ports": ports}})


def annotated_to_be_ignored(sides: Sides) -> None:
    live = sides.local.store.get(SERVICE)
    sides.local.store.add({**live, "metadata": {**live["metadata"], "annotations": {"tfw.io/barrelman": "ignore"}}})


def held_again(sides: Sides) -> None:
    """Somebody's own update takes hold of the ports once more."""
    live = sides.local.store.get(SERVICE)
    managers = [*live["metadata"]["managedFields"], {**OTHER, "manager": "another"}]
    sides.local.store.add({**live, "metadata": {**live["metadata"], "managedFields": managers}})


def made_anew(sides: Sides) -> None:
    """Another object that is the same in all but its uid."""
    live = sides.local.store.get(SERVICE)
    sides.local.store.add({**live, "metadata": {**live["metadata"], "uid": "uid-of-another"}})


def deleted(sides: Sides) -> None:
    sides.local.store.delete(SERVICE, {})


CHANGES = {
    edited: "409 Conflict",
    annotated_to_be_ignored: "409 Conflict",
    held_again: "409 Conflict",
    made_anew: "409 Conflict",
    deleted: "404 NotFound",
}


@pytest.mark.parametrize(("change", "said"), CHANGES.items())
def test_a_service_that_somebody_changed_after_a_lost_move_is_left(
    sides: Sides, change: Callable[[Sides], None], said: str
) -> None:
    """Our own try got through, and then somebody else's: that is no echo."""
    with_another_holder(sides)

    def lost_and_changed(exchange: Exchange) -> None:
        exchange.outcome()
        change(sides)
        exchange.reset()

    sides.local.rule("PATCH", SERVICE, lost_and_changed)
    run = invoke(*sides.arguments)
    assert run.exit_code == 1
    assert f"patching Service shop/cart in the local cluster failed: the server answered {said}" in run.output
    assert APPLY not in sent(sides)


def test_a_move_that_is_refused_is_not_looked_at_again(sides: Sides) -> None:
    with_another_holder(sides)
    sides.local.rule("PATCH", SERVICE, answers.failure(403))
    assert invoke(*sides.arguments).exit_code == 1
    assert sent(sides) == [MOVE]


def test_a_service_that_somebody_changed_before_the_move_is_left(sides: Sides) -> None:
    with_another_holder(sides)

    def too_late(exchange: Exchange) -> None:
        edited(sides)
        exchange.serve()

    sides.local.rule("PATCH", SERVICE, too_late)
    assert invoke(*sides.arguments).exit_code == 1
    assert sides.local.store.get(SERVICE)["spec"]["ports"][0]["port"] == 83


def test_a_second_run_that_did_it_all_is_no_failure(sides: Sides) -> None:
    with_another_holder(sides)

    def overtaken(exchange: Exchange) -> None:
        sides.local.store.add(mirror("cart"))
        exchange.serve()

    sides.local.rule("PATCH", SERVICE, overtaken)
    run = invoke(*sides.arguments)
    assert run.exit_code == 0, run.output
    assert APPLY not in sent(sides)
