"""A Service that waits until Kubernetes has copied its Endpoints, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import pytest

from barrelman_sync.cluster import copies as copies_module
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.copies import wait_for_copies
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.model.names import EndpointPort, Key, Kind, Revision, ServicePort
from barrelman_sync.model.wanted import AddressSet, Mirror
from barrelman_sync.planning.steps import Update
from tests.wire.answers import failure, silence
from tests.wire.conftest import Patient
from tests.wire.fakeapi import Answer, Exchange, FakeApi, normally
from tests.wire.objects import REMOTE, mirror, namespace, seen
from tests.wire.store import Object

CART = Key("shop", "cart")
SERVICE = "/api/v1/namespaces/shop/services/cart"
LIST = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
LOOKS = 7
OLD, NEW = EndpointPort("http", "TCP", 30080), EndpointPort("web", "TCP", 30080)
BOTH = AddressSet(CART, REMOTE, "IPv4", ("10.0.0.1", "10.0.0.2"), (OLD, NEW), "owner")


def copy(
    name: str,
    *ports: EndpointPort,
    addresses: tuple[str, ...] = BOTH.addresses,
    service: str = "cart",
    owner: str = "uid",
) -> Object:
    """Return a slice that Kubernetes has copied from Endpoints."""
    labels = {
        "kubernetes.io/service-name": service,
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"namespace": "shop", "name": name, "labels": labels, "ownerReferences": [{"uid": owner}]},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]} for address in addresses],
        "ports": [{"name": port.name, "protocol": port.protocol, "port": port.port} for port in ports],
    }


@pytest.fixture
def rename(api: FakeApi, client: ClusterClient) -> Callable[..., list[str]]:
    """Return what renames the port of a mirror, and tells the requests for that."""
    api.store.add(namespace("shop"), mirror("cart"))

    def rename(copied: AddressSet | None = BOTH) -> list[str]:
        metadata = api.store.get(SERVICE)["metadata"]
        live = seen(Revision(metadata["uid"], metadata["resourceVersion"]))
        wanted = Mirror(CART, REMOTE, (ServicePort("web", "TCP", 80, 30080),))
        Writer(client, dict.fromkeys(Kind, "777")).write(Update(wanted, live, (), copied=copied))
        assert api.store.get(SERVICE)["spec"]["ports"][0]["name"] == "web"
        return [request.method for request in api.requests]

    return rename


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all waits be short."""
    monkeypatch.setattr(copies_module, "_PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(copies_module, "_WAITS", (0.0,) * LOOKS)


@pytest.mark.parametrize(
    "copies",
    [
        [copy("one", OLD, NEW)],
        [copy("one", OLD), copy("two", NEW)],
        [copy("one", OLD, NEW, addresses=("10.0.0.1",)), copy("two", OLD, NEW, addresses=("10.0.0.2",))],
        [copy("one", OLD, NEW), copy("old", OLD, addresses=("10.0.0.9",))],
    ],
    ids=["one", "a slice for each subset", "a slice for each address", "one more"],
)
def test_what_is_copied_is_not_waited_for(
    api: FakeApi, deadline: Patient, rename: Callable[..., list[str]], copies: list[Object]
) -> None:
    api.store.add(*copies)
    assert (rename(), deadline.slept) == (["GET", "PATCH"], [])


@pytest.mark.usefixtures("impatient")
def test_the_service_waits_for_the_copy(api: FakeApi, rename: Callable[..., list[str]]) -> None:
    def copied(exchange: Exchange) -> None:
        api.store.add(copy("one", OLD, NEW))
        normally(exchange)

    api.store.add(copy("one", OLD))
    api.rule("GET", LIST, normally, normally, normally, copied)
    assert rename() == ["GET"] * 4 + ["PATCH"]


@pytest.mark.parametrize(
    "copies",
    [
        [],
        [copy("one", OLD)],
        [copy("one", OLD, NEW, addresses=("10.0.0.1",))],
        [copy("one", OLD, NEW, service="other")],
    ],
    ids=["none", "only the old name", "not all addresses", "of another Service"],
)
@pytest.mark.usefixtures("impatient")
def test_the_service_does_not_wait_forever(
    api: FakeApi, rename: Callable[..., list[str]], copies: list[Object], caplog: pytest.LogCaptureFixture
) -> None:
    api.store.add(*copies)
    assert rename() == ["GET"] * (LOOKS + 1) + ["PATCH"]
    assert "Kubernetes has not copied Endpoints shop/cart yet." in caplog.text


@pytest.mark.parametrize(
    "answer",
    [failure(HTTPStatus.FORBIDDEN), failure(HTTPStatus.SERVICE_UNAVAILABLE), silence],
    ids=["403", "503", "silence"],
)
@pytest.mark.usefixtures("impatient")
def test_looks_that_fail_take_no_more_time(
    api: FakeApi, deadline: Patient, rename: Callable[..., list[str]], answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """With Retry-After or without an answer, a look would otherwise take all the time of the run."""
    api.rule_for_ever("GET", LIST, answer)
    assert rename()[-1] == "PATCH"
    assert not deadline.over()
    assert "Calls to a port that changes its name may fail for a moment." in caplog.text


@pytest.mark.usefixtures("impatient")
def test_a_run_that_is_stopped_does_not_wait(
    api: FakeApi, client: ClusterClient, deadline: Patient, caplog: pytest.LogCaptureFixture
) -> None:
    def stop(exchange: Exchange) -> None:
        deadline.stop("interrupted by SIGTERM")  # before the answer, or the next look may come first
        normally(exchange)

    api.rule("GET", LIST, stop)
    wait_for_copies(client, BOTH, None)
    assert len(api.requests) == 1
    assert "may fail" not in caplog.text


@pytest.mark.parametrize(("owner", "looks"), [("uid", 1), (None, 1), ("another", LOOKS + 1)])
@pytest.mark.usefixtures("impatient")
def test_copies_of_earlier_endpoints_do_not_count(
    api: FakeApi, client: ClusterClient, owner: str | None, looks: int
) -> None:
    api.store.add(copy("one", OLD, NEW))
    wait_for_copies(client, BOTH, owner)
    assert len(api.requests) == looks


def test_other_updates_do_not_wait(rename: Callable[..., list[str]]) -> None:
    assert rename(None) == ["PATCH"]
