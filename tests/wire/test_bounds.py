"""A server that sends too much: answers, lists and errors are bounded, and the message says what is too large."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from barrelman_sync.cluster import bounds, parsing, resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from tests.wire import answers
from tests.wire.fakeapi import Answer, Exchange, FakeApi
from tests.wire.objects import node

NODES = "/api/v1/nodes"
LIMIT = 20_000


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test reaches quickly."""
    monkeypatch.setattr(bounds, "MOST_BYTES", LIMIT)
    monkeypatch.setattr(bounds, "MOST_ERROR_BYTES", LIMIT)


def named(client: ClusterClient) -> list[str]:
    return [*client.list_all(resources.Node, lambda item: item.metadata.name).items]


def annotated(name: str, size: int) -> dict[str, Any]:
    made = node(name, "10.0.0.1")
    return {**made, "metadata": {"name": name, "annotations": {"large": "x" * size}}}


def page(*, spaces: int) -> bytes:
    """A list that is mostly white space: few bytes once they are packed."""
    return json.dumps({"metadata": {"resourceVersion": "1"}, "items": []}).encode() + b" " * spaces


def chunked(body: bytes, encoding: str) -> Answer:
    """Does not say how long it is."""

    def answer(exchange: Exchange) -> None:
        exchange.send_head(200, "application/json", Connection="close", **{"Content-Encoding": encoding})
        exchange.wfile.write(body)
        exchange.close_connection = True

    return answer


def test_pages_that_are_too_large_are_asked_for_again_with_fewer_objects(api: FakeApi, client: ClusterClient) -> None:
    names = [f"n{number}" for number in range(12)]
    api.store.add(*(annotated(name, 6000) for name in names))
    assert sorted(named(client)) == sorted(names)
    limits = [int(request.query["limit"]) for request in api.requests]
    assert limits == [500, 250, 125, 62, 31, 15, 7, 3, 3, 3, 3]
    starts = [request.query.get("continue", "").partition("-")[2] for request in api.requests]
    assert starts[-4:] == ["", "3", "6", "9"]


def test_pages_that_are_small_enough_stay_as_they_are(api: FakeApi, client: ClusterClient) -> None:
    api.store.add(annotated("a", 6000), annotated("b", 6000))
    assert named(client) == ["a", "b"]
    assert [request.query["limit"] for request in api.requests] == ["500"]


def test_an_object_that_is_too_large_is_named_by_kind(api: FakeApi, client: ClusterClient) -> None:
    api.store.add(node("a", "10.0.0.1"), annotated("b", LIMIT))
    with pytest.raises(ClusterError, match=r"^listing nodes in the remote cluster failed: one object has more than"):
        named(client)
    assert api.requests[-1].query["limit"] == "1"


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "deflate"])
def test_what_few_bytes_unpack_to_is_counted(api: FakeApi, client: ClusterClient, encoding: str) -> None:
    body = gzip.compress(page(spaces=50_000_000))
    body = gzip.compress(body) if "," in encoding else body
    api.rule_for_ever("GET", NODES, chunked(body, encoding))
    with pytest.raises(ClusterError, match=r"more than|not a Kubernetes API response"):
        named(client)


def test_a_packed_answer_is_read(api: FakeApi, client: ClusterClient) -> None:
    api.rule("GET", NODES, chunked(gzip.compress(page(spaces=100)), "gzip"))
    assert named(client) == []


def test_an_answer_without_end(api: FakeApi, client: ClusterClient) -> None:
    def endless(exchange: Exchange) -> None:
        exchange.send_head(200, "application/json", Connection="close")
        while not exchange.api.closing.is_set():
            exchange.wfile.write(b" " * 10_000)

    api.rule_for_ever("GET", NODES, endless)
    with pytest.raises(ClusterError, match="one object has more than"):
        named(client)


def test_an_error_without_end_is_cut(api: FakeApi, client: ClusterClient) -> None:
    api.rule_for_ever("GET", NODES, answers.plain(400, "no " * LIMIT))
    with pytest.raises(ClusterError) as caught:
        named(client)
    assert len(str(caught.value)) < 1000


def test_a_list_without_end(api: FakeApi, client: ClusterClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page names a next one."""
    monkeypatch.setattr(bounds, "MOST_OBJECTS", 5)
    body = {"metadata": {"resourceVersion": "1", "continue": "again"}, "items": [node("a", "10.0.0.1")]}
    api.rule_for_ever("GET", NODES, answers.raw(200, json.dumps(body).encode()))
    with pytest.raises(ClusterError, match=r"^listing nodes in the remote cluster failed: .*more than 5 objects"):
        named(client)
    assert len(api.requests) == 6


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"metadata":' * 100_000], ids=["lists", "objects"])
@pytest.mark.parametrize("status", [200, 403])
def test_an_answer_that_is_nested_too_deeply(api: FakeApi, client: ClusterClient, body: bytes, status: int) -> None:
    api.rule_for_ever("GET", NODES, answers.raw(status, body[: LIMIT - 1]))
    with pytest.raises(ClusterError):
        named(client)


def test_a_field_that_nobody_reads_is_nested_too_deeply(
    api: FakeApi, client: ClusterClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How deep is too deep is for Python to say: 1,000 lists before 3.13, from 3.14 on as many as the stack holds."""
    deep = b"[" * 2_000_000 + b"]" * 2_000_000
    monkeypatch.setattr(bounds, "MOST_BYTES", 3 * len(deep))
    item = b'{"metadata":{"name":"a"},"junk":' + deep + b"}"
    api.rule_for_ever("GET", NODES, answers.raw(200, b'{"metadata":{"resourceVersion":"1"},"items":[' + item + b"]}"))
    with pytest.raises(ClusterError, match=r"recursion|Stack overflow"):
        named(client)


@pytest.mark.parametrize(
    "items",
    ["null", "[null]", '[{"metadata":null}]', '[{"metadata":{"name":7}}]', "[NaN]", "[1e999]", "{}", '"many"'],
)
def test_items_of_a_wrong_type_are_an_error(api: FakeApi, client: ClusterClient, items: str) -> None:
    body = f'{{"metadata":{{"resourceVersion":"1"}},"items":{items}}}'
    api.rule_for_ever("GET", NODES, answers.raw(200, body.encode()))
    with pytest.raises(ClusterError, match="the answer is not a Kubernetes API response"):
        named(client)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(api: FakeApi, client: ClusterClient, status: int) -> None:
    """The server that it names would get our token."""
    with FakeApi() as other:
        api.rule_for_ever("GET", NODES, answers.raw(status, b"", Location=f"{other.url}{NODES}"))
        with pytest.raises(ClusterError, match=f"the server answered {status}"):
            named(client)
        assert other.requests == []


@pytest.mark.parametrize("token", ["a&limit=9", "../x?y#z", "\u202e\x1b[31m\n", "%2F", "x" * 3000])
def test_a_continue_token_is_sent_as_it_came(api: FakeApi, client: ClusterClient, token: str) -> None:
    body = {"metadata": {"resourceVersion": "\x1b[0m&a", "continue": token}, "items": []}
    api.rule("GET", NODES, answers.raw(200, json.dumps(body).encode()), answers.raw(200, page(spaces=0)))
    assert named(client) == []
    assert api.requests[1].path == NODES
    assert api.requests[1].query == {"limit": "500", "continue": token}


def test_large_numbers_and_long_names_are_read(api: FakeApi, client: ClusterClient) -> None:
    """What they mean is decided later."""
    port = {"port": 10**30, "nodePort": -(10**30), "name": "p" * 1000}
    item = {"metadata": {"name": "n" * 1000}, "spec": {"type": "NodePort", "ports": [port]}}
    body = {"metadata": {"resourceVersion": "1"}, "items": [item]}
    api.rule("GET", "/api/v1/services", answers.raw(200, json.dumps(body).encode()))
    (service,) = client.list_all(resources.Service, parsing.service_parser()).items
    assert service.ports[0].port == 10**30
