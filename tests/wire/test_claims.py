"""Fields of a mirror that somebody else holds: whole runs, as only a plan knows what to claim."""

from __future__ import annotations

import json

import pytest

from tests.wire import answers
from tests.wire.commands import Sides, invoke
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


def test_a_move_whose_answer_got_lost_is_left_to_the_next_run(sides: Sides) -> None:
    """It cannot be told from somebody else's change; the mirror still serves as it did."""
    with_another_holder(sides)
    sides.local.rule("PATCH", SERVICE, answers.lost)
    first = invoke(*sides.arguments)
    assert first.exit_code == 1
    assert "The object changed meanwhile; the next run decides anew." in first.output
    assert sides.local.store.get(SERVICE)["spec"]["ports"][0]["port"] == 81
    assert invoke(*sides.arguments).exit_code == 0
    assert sides.local.store.get(SERVICE)["spec"]["ports"][0]["port"] == 80
