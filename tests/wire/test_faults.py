"""A server, or something on the way to it, that fails: what is tried again, what not, and what is said."""

from __future__ import annotations

import json
import socket

import httpx2
import pytest

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError, reason_of
from barrelman_sync.model.names import Key
from tests.wire import answers
from tests.wire.conftest import Connect, Ending, Patient
from tests.wire.fakeapi import Answer, Exchange, FakeApi, normally, status_object
from tests.wire.objects import namespace, node

NODES = "/api/v1/nodes"
SHOP = "/api/v1/namespaces/shop"


def names(client: ClusterClient) -> list[str]:
    return [*client.list_all(resources.Node, lambda item: item.metadata.name).items]


def fails(client: ClusterClient) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        names(client)
    assert str(caught.value).startswith("listing nodes in the remote cluster failed: ")
    return caught.value


PASSING = {
    "429 of flow control": answers.plain(429, "Too many requests, please try again later.", Retry_After="1"),
    "429 without Retry-After": answers.failure(429),
    "409 of a quota": answers.quota_conflict,
    "409 of a quota without details": answers.quota_conflict_without_details,
    "500": answers.failure(500, "InternalError"),
    "500 as text": answers.plain(500, "etcdserver: leader changed"),
    "500 with Retry-After": answers.failure(500, Retry_After="1"),
    "502 with HTML": answers.raw(502, answers.HTML, "text/html"),
    "503": answers.failure(503, Retry_After="1"),
    "503 without a type": answers.raw(503, b"", None),
    "504": answers.plain(504, "Timeout: request did not complete within the allotted duration"),
    "Retry-After as a date": answers.plain(503, Retry_After="Fri, 31 Dec 2027 23:59:59 GMT"),
    "Retry-After as a digit that is no number": answers.plain(503, Retry_After="\N{SUPERSCRIPT TWO}"),
    "reset": answers.reset,
    "reset in the middle": answers.reset_in_the_middle,
    "half an answer": answers.half_with_length,
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_tried_again(api: FakeApi, client: ClusterClient, deadline: Patient, fault: Answer) -> None:
    """Twice the fault, then an answer: the list is whole."""
    api.store.add(node("a", "10.0.0.1"))
    api.rule("GET", NODES, fault, fault)
    assert names(client) == ["a"]
    assert len(api.requests) == 3
    assert len(deadline.slept) == 2


NO_STATUS = {
    "empty": b"",
    "text": b"upstream connect error",
    "a string": b'"no"',
    "of Rancher": b'{"type":"error","status":"503","code":"ServiceUnavailable","message":"no agent is connected"}',
}


@pytest.mark.parametrize("body", NO_STATUS.values(), ids=NO_STATUS)
def test_tried_again_whatever_the_body_is(api: FakeApi, client: ClusterClient, body: bytes) -> None:
    """A 503 of type application/json with a body that is no Status."""
    api.rule("GET", NODES, answers.raw(503, body))
    assert names(client) == []


@pytest.mark.parametrize("body", NO_STATUS.values(), ids=NO_STATUS)
def test_the_status_is_told_whatever_the_body_is(api: FakeApi, client: ClusterClient, body: bytes) -> None:
    api.rule("GET", NODES, answers.raw(401, body))
    assert "The server rejects the credentials" in str(fails(client))


DETAILS = {
    "none": ("", ""),
    "without a full stop": ("Connection refused", ": Connection refused"),
    "with one": ("Server disconnected without sending a response.", ": Server disconnected without sending a response"),
    "spaces": (" \n", ""),
}


@pytest.mark.parametrize(("detail", "told"), DETAILS.values(), ids=DETAILS)
def test_a_reason_ends_with_one_full_stop(detail: str, told: str) -> None:
    """What comes after it is the advice, as a sentence of its own."""
    assert reason_of(OSError(detail)) == f"the credentials cannot be read{told}."
    assert reason_of(ValueError(detail)) == f"the answer is not a Kubernetes API response{told}."
    error = httpx2.RemoteProtocolError(detail, request=httpx2.Request("GET", "https://a.example/api"))
    assert reason_of(error) == f"no connection to https://a.example{told}."


LASTING = {
    "400": (answers.failure(400), "400 Because: the message of 400."),
    "401": (answers.failure(401), "The server rejects the credentials"),
    "403": (answers.failure(403), "Grant the permission with the roles in rbac-remote.yaml"),
    "403 of a quota": (
        answers.plain(403, "is forbidden: exceeded quota: few"),
        "Not a permission problem: an admission policy",
    ),
    "422 of a policy": (
        answers.plain(422, "ValidatingAdmissionPolicy 'strict' with binding 'strict' denied request: no"),
        "Not a permission problem: an admission policy",
    ),
    "404": (answers.failure(404), "Check that the server is a Kubernetes API server"),
    "409": (answers.failure(409), "409 Because"),
    "422": (answers.failure(422), "422 Because"),
    "403 of a quota that is not counted yet": (
        answers.plain(403, 'pods "a" is forbidden: status unknown for quota: few'),
        "Many objects were made at once under a ResourceQuota",
    ),
    "with a charset": (answers.failure(403, content_type="application/json;charset=utf-8"), "the message of 403"),
    "without a type": (answers.raw(403, b"no", None), "403 Forbidden: no."),
    "redirect": (answers.raw(302, b"", None, Location="/elsewhere"), "302 Found"),
    "redirect to itself": (answers.raw(307, b"", None, Location=NODES), "307 Temporary Redirect"),
    "HTML": (answers.raw(200, answers.HTML, "text/html"), "the answer is not a Kubernetes API response"),
    "nothing": (answers.raw(200, b""), "the answer is not a Kubernetes API response"),
    "half without length": (answers.half_without_length, "the answer is not a Kubernetes API response"),
    "no items": (answers.raw(200, b'{"metadata":{"resourceVersion":"1"}}'), "not a Kubernetes API response"),
    "null items": (answers.raw(200, b'{"metadata":{"resourceVersion":"1"},"items":null}'), "not a Kubernetes API"),
    "no metadata": (answers.raw(200, b'{"items":[]}'), "a list without resourceVersion"),
    "no version": (answers.raw(200, b'{"metadata":{},"items":[]}'), "a list without resourceVersion"),
    "a list of something else": (answers.raw(200, b"[]"), "not a Kubernetes API response"),
}


@pytest.mark.parametrize(("fault", "said"), LASTING.values(), ids=LASTING)
def test_not_tried_again(api: FakeApi, client: ClusterClient, fault: Answer, said: str) -> None:
    """It would be the same again."""
    api.store.add(node("a", "10.0.0.1"))
    api.rule("GET", NODES, fault)
    error = fails(client)
    assert said in str(error)
    assert len(api.requests) == 1


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_long_answer_holds_up_no_run(api: FakeApi, client: ClusterClient, content_type: str) -> None:
    """One that the search for secrets would once have taken hours for, while no other thread could go on."""
    status = status_object(403, "Forbidden", f"@ ://{':' * 1_000_000}")
    api.rule_for_ever("GET", NODES, answers.raw(403, json.dumps(status).encode(), content_type))
    assert len(str(fails(client))) < 1000


def test_a_long_answer_is_not_repeated_in_full(api: FakeApi, client: ClusterClient) -> None:
    api.rule("GET", NODES, answers.plain(400, "x" * 100_000))
    assert len(str(fails(client))) < 1000


@pytest.mark.parametrize("fault", [answers.failure(503), answers.reset], ids=["503", "reset"])
def test_a_list_is_tried_as_long_as_there_is_time(
    api: FakeApi, client: ClusterClient, deadline: Patient, fault: Answer
) -> None:
    api.rule_for_ever("GET", NODES, fault)
    fails(client)
    assert sum(deadline.slept) < 45
    assert deadline.remaining() < 1
    assert len(api.requests) == len(deadline.slept) + 1


def write(client: ClusterClient) -> None:
    client.delete(resources.Namespace, Key("", "shop"), {})


def test_a_write_that_is_answered_is_tried_five_times(api: FakeApi, client: ClusterClient, deadline: Patient) -> None:
    """They take longer than an API server needs to restart."""
    api.rule_for_ever("DELETE", SHOP, answers.failure(503))
    with pytest.raises(ClusterError, match="503 Because"):
        write(client)
    assert len(api.requests) == 5
    assert sum(deadline.slept) > 10


def test_a_write_that_reaches_no_server_is_tried_as_long_as_there_is_time(
    api: FakeApi, client: ClusterClient, deadline: Patient
) -> None:
    api.rule_for_ever("DELETE", SHOP, answers.reset)
    with pytest.raises(ClusterError, match="no connection to"):
        write(client)
    assert len(api.requests) > 10
    assert deadline.remaining() < 1


def test_tries_that_reach_no_server_are_not_counted(api: FakeApi, client: ClusterClient) -> None:
    api.store.add(namespace("shop"))
    api.rule("DELETE", SHOP, *[answers.reset] * 10, *[answers.failure(503)] * 4)
    write(client)
    assert len(api.requests) == 15


@pytest.mark.parametrize("last", [answers.silence, answers.dribble], ids=["silence", "dribble"])
def test_what_the_server_said_is_told_even_if_the_last_try_is_cut_off(
    api: FakeApi, connected: Connect, last: Answer
) -> None:
    """For example which webhook it is that does not answer."""
    deadline = Ending(45)
    api.rule("GET", NODES, answers.plain(500, "failed calling webhook: slow.example"))
    api.rule_for_ever("GET", NODES, deadline.after(last))
    assert "slow.example" in str(fails(connected(api, deadline)))
    assert len(api.requests) == 2


def test_the_same_fault_is_logged_once(api: FakeApi, client: ClusterClient, caplog: pytest.LogCaptureFixture) -> None:
    api.rule("GET", NODES, *[answers.failure(503)] * 3, *[answers.failure(429)] * 3)
    names(client)
    assert [line.partition("answered ")[2][:3] for line in caplog.messages] == ["503", "429"]


def test_a_webhook_that_does_not_answer_is_told(api: FakeApi, client: ClusterClient) -> None:
    api.rule_for_ever("GET", NODES, answers.plain(500, 'failed calling webhook "dead.example": context deadline'))
    assert "repair the webhook that the message names" in str(fails(client))


def test_retry_after_is_honored(api: FakeApi, client: ClusterClient, deadline: Patient) -> None:
    api.rule("GET", NODES, answers.plain(429, Retry_After="7"), answers.plain(503, Retry_After="0"))
    assert names(client) == []
    assert 7 <= deadline.slept[0] < 8
    assert deadline.slept[1] < 1


def test_what_is_tried_again_is_one_line_in_the_log(
    api: FakeApi, client: ClusterClient, caplog: pytest.LogCaptureFixture
) -> None:
    api.rule("GET", NODES, answers.plain(429, "Too many requests, please try again later.", Retry_After="7"))
    names(client)
    (line,) = caplog.messages
    assert line.startswith(
        "listing nodes in the remote cluster: the server answered 429 Too Many Requests: Too many requests, please try"
        " again later. Trying again in 7."
    )


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(
    api: FakeApi, client: ClusterClient, deadline: Patient
) -> None:
    api.rule_for_ever("GET", NODES, answers.plain(429, "Too many requests", Retry_After="46"))
    error = fails(client)
    assert error.status == 429
    assert "The server is overloaded" in str(error)
    assert len(api.requests) == 1
    assert deadline.slept == []


def test_nobody_listens(api: FakeApi, connected: Connect, deadline: Patient) -> None:
    """Tried again: a server that restarts refuses connections for a moment."""
    with socket.socket() as reserved:  # bound, so that nobody else gets the port, but not listening
        reserved.bind(("127.0.0.1", 0))
        api.url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        error = fails(connected(api))
    assert f"no connection to {api.url}: " in str(error)
    assert "Check the server address in the kubeconfig" in str(error)
    assert sum(deadline.slept) < 45
    assert deadline.remaining() < 1


def test_only_the_failed_page_is_asked_for_again(api: FakeApi, client: ClusterClient) -> None:
    api.store.add(*(node(name, "10.0.0.1") for name in "abcde"))
    api.store.page = 2
    api.rule("GET", NODES, normally, answers.failure(503), answers.reset_in_the_middle)
    assert names(client) == [*"abcde"]
    continues = [request.query.get("continue") for request in api.requests]
    assert continues == [None, "1005-2", "1005-2", "1005-2", "1005-4"]


@pytest.mark.parametrize("fault", [answers.failure(403), answers.half_without_length], ids=["403", "half"])
def test_a_page_that_fails_fails_the_list(api: FakeApi, client: ClusterClient, fault: Answer) -> None:
    """Never the pages before it as if they were all."""
    api.store.add(*(node(name, "10.0.0.1") for name in "abcde"))
    api.store.page = 2
    api.rule("GET", NODES, normally, fault)
    fails(client)
    assert len(api.requests) == 2


def expired() -> Answer:
    """As the server sends it, with a token to go on from another snapshot, which must not be used."""
    status = {
        "kind": "Status",
        "code": 410,
        "reason": "Expired",
        "message": "The provided continue parameter is too old",
    }
    return answers.raw(410, json.dumps({**status, "metadata": {"continue": "another-snapshot"}}).encode())


def test_an_expired_list_is_begun_once_more(api: FakeApi, client: ClusterClient) -> None:
    """What was read before counts no more: two snapshots are none."""
    api.store.add(*(node(name, "10.0.0.1") for name in "abc"))
    api.store.page = 2

    def changed_meanwhile(exchange: Exchange) -> None:
        api.store.delete("/api/v1/nodes/a", {})
        api.store.add(node("d", "10.0.0.1"))
        expired()(exchange)

    api.rule("GET", NODES, normally, changed_meanwhile)
    listed = client.list_all(resources.Node, lambda item: item.metadata.name)
    assert listed == (("b", "c", "d"), "1004")
    assert [request.query.get("continue") for request in api.requests] == [None, "1003-2", None, "1004-2"]


def test_a_list_that_expires_twice_fails(api: FakeApi, client: ClusterClient) -> None:
    api.store.add(*(node(name, "10.0.0.1") for name in "abc"))
    api.store.page = 2
    api.rule("GET", NODES, normally, expired(), normally, expired())
    assert fails(client).status == 410
    assert len(api.requests) == 4


def test_a_get_tells_missing_from_failing(api: FakeApi, client: ClusterClient) -> None:
    key = Key("", "kube-system")
    assert client.get(resources.Namespace, key) is None
    api.rule("GET", "/api/v1/namespaces/kube-system", answers.failure(403))
    with pytest.raises(ClusterError, match=r"reading Namespace kube-system in the remote cluster failed: .*403"):
        client.get(resources.Namespace, key)
