"""Lists: whole ones, in pages."""

from __future__ import annotations

import json

from barrelman_sync.cluster import parsing, resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.model.names import Key
from tests.wire import answers
from tests.wire.fakeapi import FakeApi
from tests.wire.objects import mirror, node, node_port

CART = Key("shop", "cart")


def names(client: ClusterClient) -> list[str]:
    return [*client.list_all(resources.Node, lambda item: item.metadata.name).items]


def test_a_list_is_read_in_pages_of_500(api: FakeApi, client: ClusterClient) -> None:
    """Of the latest state (no resourceVersion), all namespaces at once, to the last page."""
    api.store.add(*(node(f"n{number:04}", "10.0.0.1") for number in range(1001)))
    listed = client.list_all(resources.Node, lambda item: item.metadata.name)
    assert listed.items == tuple(f"n{number:04}" for number in range(1001))
    assert listed.version == "2001"
    assert [request.target for request in api.requests] == [
        "/api/v1/nodes?limit=500",
        "/api/v1/nodes?limit=500&continue=2001-500",
        "/api/v1/nodes?limit=500&continue=2001-1000",
    ]
    assert {(request.method, request.body) for request in api.requests} == {("GET", b"")}


def test_a_namespaced_list_is_of_all_namespaces(api: FakeApi, client: ClusterClient) -> None:
    api.store.add(mirror("cart"), node_port("other"))
    listed = client.list_all(
        resources.Service, parsing.local_service, labels="tfw.io/barrelman in (managed-resource,b)"
    )
    assert [service.key for service in listed.items] == [CART]
    assert api.requests[0].path == "/api/v1/services"
    assert api.requests[0].query == {"limit": "500", "labelSelector": "tfw.io/barrelman in (managed-resource,b)"}


def test_what_is_parsed_to_none_is_left_out(api: FakeApi, client: ClusterClient) -> None:
    api.store.add(node("a", "10.0.0.1"), node("b", "10.0.0.2"))
    listed = client.list_all(resources.Node, lambda item: item.metadata.name if item.metadata.name == "b" else None)
    assert listed.items == ("b",)


def test_an_empty_list_has_a_version(api: FakeApi, client: ClusterClient) -> None:
    assert client.list_all(resources.Node, lambda item: item) == ((), "1000")


def test_an_empty_page_is_not_the_end(api: FakeApi, client: ClusterClient) -> None:
    """A server may have filtered all of a page."""
    api.store.add(node("a", "10.0.0.1"))
    metadata = {"resourceVersion": "1001", "continue": "1001-0"}
    api.rule("GET", "/api/v1/nodes", answers.raw(200, json.dumps({"metadata": metadata, "items": []}).encode()))
    assert names(client) == ["a"]
    assert len(api.requests) == 2
