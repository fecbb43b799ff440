"""A Service that waits until Kubernetes has copied its Endpoints, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import pytest

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.model.names import EndpointPort, Key, Kind, Revision, ServicePort
from barrelman_sync.model.wanted import AddressSet, Mirror
from barrelman_sync.planning.steps import Update
from tests.wire.answers import failure
from tests.wire.conftest import Patient
from tests.wire.fakeapi import FakeApi
from tests.wire.objects import REMOTE, mirror, namespace, seen
from tests.wire.store import Object

CART = Key("shop", "cart")
SERVICE = "/api/v1/namespaces/shop/services/cart"
LIST = "/apis/discovery.k8s.io/v1/endpointslices"
OLD, NEW = EndpointPort("http", "TCP", 30080), EndpointPort("web", "TCP", 30080)
BOTH = AddressSet(CART, REMOTE, "IPv4", ("10.0.0.1", "10.0.0.2"), (OLD, NEW), "owner")


def copy(name: str, *ports: EndpointPort, addresses: tuple[str, ...] = BOTH.addresses, of: str = "cart") -> Object:
    """Return a slice that Kubernetes has copied from Endpoints."""
    labels = {
        "kubernetes.io/service-name": of,
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"namespace": "shop", "name": name, "labels": labels},
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


def test_the_service_waits_for_the_copy(
    api: FakeApi, deadline: Patient, rename: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    api.store.add(copy("one", OLD))

    def sleep(seconds: float) -> None:
        deadline.slept.append(seconds)
        if len(deadline.slept) == 3:
            api.store.add(copy("one", OLD, NEW))

    monkeypatch.setattr(deadline, "sleep", sleep)
    assert rename() == ["GET"] * 4 + ["PATCH"]
    assert api.requests[0].path == LIST


@pytest.mark.parametrize(
    "copies",
    [
        [],
        [copy("one", OLD)],
        [copy("one", OLD, NEW, addresses=("10.0.0.1",))],
        [copy("one", OLD, NEW, of="other")],
    ],
    ids=["none", "only the old name", "not all addresses", "of another Service"],
)
def test_the_service_does_not_wait_for_ever(
    api: FakeApi, deadline: Patient, rename: Callable[..., list[str]], copies: list[Object]
) -> None:
    api.store.add(*copies)
    assert rename()[-1] == "PATCH"
    assert sum(deadline.slept) == pytest.approx(2)


def test_a_list_that_is_refused_does_not_stop_the_service(
    api: FakeApi, deadline: Patient, rename: Callable[..., list[str]]
) -> None:
    api.rule_for_ever("GET", LIST, failure(HTTPStatus.FORBIDDEN))
    assert (rename(), deadline.slept) == (["GET", "PATCH"], [])


def test_other_updates_do_not_wait(rename: Callable[..., list[str]]) -> None:
    assert rename(None) == ["PATCH"]
