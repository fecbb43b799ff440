"""Labels that hide endpoints: a patch takes them off before the apply, which removes only what we hold."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.wire import answers
from tests.wire.commands import Sides, invoke
from tests.wire.fakeapi import Answer, Exchange
from tests.wire.objects import endpoints, mirror, namespace
from tests.wire.store import Object

pytestmark = pytest.mark.usefixtures("in_process")

ENDPOINTS = "/api/v1/namespaces/shop/endpoints/cart"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
LOST = {"lost": answers.lost, "504": answers.done_but(504)}
PATCH, APPLY = "PATCH application/json-patch+json", "PATCH application/apply-patch+yaml"


@pytest.fixture(autouse=True)
def hidden(sides: Sides) -> Object:
    """Make the local cluster hold Endpoints with one wrong label and nothing else that is wrong."""
    found = endpoints("cart", "10.0.0.1", "10.0.0.2")
    found["metadata"]["labels"] = {**found["metadata"]["labels"], SKIP_MIRROR: "true", "team": "a"}
    sides.local.store.add(namespace("shop"), mirror("cart"))
    uid = sides.local.store.get("/api/v1/namespaces/shop/services/cart")["metadata"]["uid"]
    found["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Service", "name": "cart", "uid": uid}]
    sides.local.store.add(found)
    return sides.local.store.get(ENDPOINTS)


def sent(sides: Sides) -> list[str]:
    """Return what was asked of the Endpoints themselves, and how."""
    asked = (request for request in sides.local.requests if request.path == ENDPOINTS)
    return [f"{request.method} {request.headers.get('Content-Type', '')}".strip() for request in asked]


def test_the_label_and_nothing_else_is_taken_off_first(sides: Sides, hidden: Object) -> None:
    assert invoke(*sides.arguments).exit_code == 0
    assert sent(sides) == [PATCH, APPLY]
    patch, apply = sides.writes
    version = hidden["metadata"]["resourceVersion"]
    assert json.loads(patch.body) == [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "remove", "path": "/metadata/labels/endpointslice.kubernetes.io~1skip-mirror"},
    ]
    assert int(apply.json["metadata"]["resourceVersion"]) > int(version)
    labels = sides.local.store.get(ENDPOINTS)["metadata"]["labels"]
    assert (SKIP_MIRROR in labels, labels["team"]) == (False, "a")
    assert invoke(*sides.arguments).exit_code == 0
    assert len(sides.writes) == 2


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_patch_whose_answer_got_lost_is_found_done(sides: Sides, fault: Answer) -> None:
    sides.local.rule("PATCH", ENDPOINTS, fault)
    run = invoke(*sides.arguments)
    assert run.exit_code == 0, run.output
    assert sent(sides) == [PATCH, PATCH, "GET", APPLY]


def readdressed(sides: Sides) -> None:
    live = sides.local.store.get(ENDPOINTS)
    sides.local.store.add({**live, "subsets": []})


def relabeled(sides: Sides) -> None:
    live = sides.local.store.get(ENDPOINTS)
    labels = {**live["metadata"]["labels"], "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
    sides.local.store.add({**live, "metadata": {**live["metadata"], "labels": labels}})


@pytest.mark.parametrize("change", [readdressed, relabeled])
def test_what_somebody_changes_after_a_lost_patch_is_left_to_the_next_run(
    sides: Sides, change: Callable[[Sides], None]
) -> None:
    def lost_and_changed(exchange: Exchange) -> None:
        exchange.outcome()
        change(sides)
        exchange.reset()

    sides.local.rule("PATCH", ENDPOINTS, lost_and_changed)
    assert invoke(*sides.arguments).exit_code == 1
    assert APPLY not in sent(sides)
    assert invoke(*sides.arguments).exit_code == 0
