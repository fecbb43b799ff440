"""What goes over the wire, to the byte, for each kind of request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from barrelman_sync import __version__
from barrelman_sync.access.http import connect
from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import EndpointPort, Key, Kind, Revision, ServicePort
from barrelman_sync.model.settings import Kubeconfig
from barrelman_sync.model.wanted import AddressSet, Mirror, Wanted, WantedEndpoints, WantedNamespace, WantedSlice
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.steps import Create, Delete, Mark, Release, Update, Write
from tests.wire.conftest import Patient
from tests.wire.fakeapi import APPLY, MERGE, FakeApi, Request
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.objects import MIRROR, REMOTE, UID, endpoints, mirror, namespace, seen

CART = Key("shop", "cart")
CART_PATH = "/api/v1/namespaces/shop/services/cart"
SINCE = "2026-11-27T10:00:00Z"
MARK = {"tfw.io/barrelman-orphaned-since": SINCE}
WANTED = Mirror(CART, REMOTE, (ServicePort("", "TCP", 80, 30080),))


def compact(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def write(client: ClusterClient, step: Write) -> None:
    Writer(client, dict.fromkeys(Kind, "777")).write(step)


def live(api: FakeApi, path: str = CART_PATH) -> Revision:
    metadata = api.store.get(path)["metadata"]
    return Revision(metadata["uid"], metadata["resourceVersion"])


def only(requests: list[Request]) -> Request:
    (request,) = requests
    return request


def test_get(api: FakeApi, client: ClusterClient) -> None:
    api.store.add(namespace("kube-system", "uid-1"))
    found = client.get(resources.Namespace, Key("", "kube-system"))
    assert found is not None
    assert found.metadata.uid == "uid-1"
    request = only(api.requests)
    assert (request.method, request.target, request.body) == ("GET", "/api/v1/namespaces/kube-system", b"")
    assert client.get(resources.Service, CART) is None


@pytest.mark.parametrize("path", ["", "/", "/k8s/clusters/c-1", "/k8s/clusters/c-1/", "/k8s#no-part-of-a-request"])
@pytest.mark.usefixtures("opened")
def test_a_server_may_have_a_path(api: FakeApi, deadline: Patient, tmp_path: Path, path: str) -> None:
    """For single objects we make the URL, for lists lightkube does."""
    file = kubeconfig(tmp_path, "remote", f"{api.url}{path}", insecure_skip_tls_verify=True)
    client = connect(Kubeconfig(str(file)), "remote", deadline)
    assert client.get(resources.Node, Key("", "a")) is None
    client.list_all(resources.Node, lambda item: item)
    prefix = path.partition("#")[0].rstrip("/")
    assert [request.target for request in api.requests] == [
        f"{prefix}/api/v1/nodes/a",
        f"{prefix}/api/v1/nodes?limit=500",
    ]


SERVICE_LABELS = {"tfw.io/barrelman-source": "remote", "app.kubernetes.io/managed-by": "barrelman-sync"}
CREATES: list[tuple[Wanted, str, dict[str, Any]]] = [
    (
        WantedNamespace("shop", "remote"),
        "/api/v1/namespaces/shop",
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "shop", "labels": SERVICE_LABELS, "resourceVersion": "777"},
        },
    ),
    (
        WANTED,
        CART_PATH,
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "cart",
                "labels": {**SERVICE_LABELS, "tfw.io/barrelman": "managed-resource"},
                "namespace": "shop",
                "annotations": UID,
                "resourceVersion": "777",
            },
            "spec": {
                "type": "ClusterIP",
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": 30080}],
                "sessionAffinity": "None",
            },
        },
    ),
    (
        WantedEndpoints(
            AddressSet(CART, REMOTE, "IPv4", ("10.0.0.1", "10.0.0.2"), (EndpointPort("", "TCP", 30080),), "uid-of-cart")
        ),
        "/api/v1/namespaces/shop/endpoints/cart",
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {
                "name": "cart",
                "labels": {
                    **SERVICE_LABELS,
                    "tfw.io/barrelman": "true",
                    "endpoints.kubernetes.io/managed-by": "barrelman-sync",
                },
                "namespace": "shop",
                "annotations": UID,
                "resourceVersion": "777",
                "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "cart", "uid": "uid-of-cart"}],
            },
            "subsets": [
                {
                    "addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}],
                    "ports": [{"port": 30080, "protocol": "TCP"}],
                }
            ],
        },
    ),
    (
        WantedSlice(
            Key("shop", "cart-barrelman-ipv4-0"),
            AddressSet(
                CART, REMOTE, "IPv4", ("10.0.0.1", "10.0.0.2"), (EndpointPort("", "TCP", 30080),), "uid-of-cart"
            ),
            zones=("a", ""),
        ),
        "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/cart-barrelman-ipv4-0",
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "cart-barrelman-ipv4-0",
                "labels": {
                    **SERVICE_LABELS,
                    "kubernetes.io/service-name": "cart",
                    "endpointslice.kubernetes.io/managed-by": "barrelman-sync",
                },
                "namespace": "shop",
                "annotations": UID,
                "resourceVersion": "777",
                "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "cart", "uid": "uid-of-cart"}],
            },
            "addressType": "IPv4",
            "endpoints": [
                {
                    "addresses": ["10.0.0.1"],
                    "conditions": {"ready": True},
                    "zone": "a",
                    "hints": {"forZones": [{"name": "a"}]},
                },
                {"addresses": ["10.0.0.2"], "conditions": {"ready": True}},
            ],
            "ports": [{"name": "", "port": 30080, "protocol": "TCP"}],
        },
    ),
]


@pytest.mark.parametrize(("wanted", "path", "body"), CREATES, ids=["namespace", "service", "endpoints", "slice"])
def test_create(api: FakeApi, client: ClusterClient, wanted: Wanted, path: str, body: dict[str, Any]) -> None:
    """An apply with the list's resourceVersion and without uid, which overwrites nothing that came after the list."""
    if wanted.ref.key.namespace:
        api.store.add(namespace("shop"))
    write(client, Create(wanted))
    request = only(api.requests)
    assert (request.method, request.target) == ("PATCH", f"{path}?fieldManager=barrelman-sync&force=true")
    assert request.headers["Content-Type"] == APPLY
    assert request.body == compact(body)


def test_update(api: FakeApi, client: ClusterClient) -> None:
    """An apply with uid and resourceVersion of what the plan saw."""
    api.store.add(mirror("cart", 81))
    before = live(api)
    write(client, Update(WANTED, seen(before), ()))
    request = only(api.requests)
    assert (request.method, request.target) == ("PATCH", f"{CART_PATH}?fieldManager=barrelman-sync&force=true")
    metadata = request.json["metadata"]
    assert (metadata["uid"], metadata["resourceVersion"]) == before
    assert request.headers["Content-Type"] == APPLY


def test_a_second_update_goes_by_what_the_first_made(api: FakeApi, client: ClusterClient) -> None:
    """As when node ports are swapped."""
    api.store.add(mirror("cart", 81))
    writer = Writer(client, {})
    step = Update(WANTED, seen(live(api)), ())
    writer.write(step)
    between = live(api)
    writer.write(step)
    assert api.requests[1].json["metadata"]["resourceVersion"] == between.resource_version
    assert writer.uid(Kind.SERVICE, CART) == between.uid


def test_release(api: FakeApi, client: ClusterClient) -> None:
    """A JSON patch that takes off our labels and annotations only."""
    api.store.add(mirror("cart"))
    before = live(api)
    released = LocalService(CART, before, labels=MIRROR)
    ours = ("app.kubernetes.io/managed-by", "tfw.io/barrelman")
    write(client, Release(released, ours, ("tfw.io/barrelman-source-uid",), Why(Reason.HAS_SELECTOR)))
    request = only(api.requests)
    assert (request.method, request.target) == ("PATCH", f"{CART_PATH}?fieldManager=barrelman-sync")
    assert request.headers["Content-Type"] == "application/json-patch+json"
    assert json.loads(request.body) == [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": before.resource_version},
        {"op": "remove", "path": "/metadata/labels/app.kubernetes.io~1managed-by"},
        {"op": "remove", "path": "/metadata/labels/tfw.io~1barrelman"},
        {"op": "remove", "path": "/metadata/annotations/tfw.io~1barrelman-source-uid"},
    ]
    metadata = api.store.get(CART_PATH)["metadata"]
    assert (metadata["labels"], metadata["annotations"]) == ({"tfw.io/barrelman-source": "remote"}, {})


def test_mark(api: FakeApi, client: ClusterClient) -> None:
    """A merge patch, for which it does not matter whether there are annotations, and which touches no other."""
    others = {"somebody.example/note": "keep"}
    for found in (others, {}):
        service = mirror("cart")
        service["metadata"]["annotations"] = {**found, **UID}
        api.store.add(service)
        before = live(api)
        seen = LocalService(CART, before, labels=MIRROR, annotations=UID)
        write(client, Mark(seen, REMOTE, SINCE, SINCE, Why(Reason.NOT_IN_REMOTE)))
        request = api.requests[-1]
        assert (request.method, request.target) == ("PATCH", f"{CART_PATH}?fieldManager=barrelman-sync")
        assert request.headers["Content-Type"] == MERGE
        metadata = {"resourceVersion": before.resource_version, "annotations": MARK}
        assert request.body == compact({"metadata": metadata})
        assert api.store.get(CART_PATH)["metadata"]["annotations"] == {**found, **UID, **MARK}


def test_the_mark_of_a_mirror_that_is_wanted_again_goes_before_the_update(api: FakeApi, client: ClusterClient) -> None:
    """Our apply would not remove the mark, because our apply does not hold it."""
    service = mirror("cart")
    service["metadata"]["annotations"] = {**UID, **MARK}
    api.store.add(service)
    before = live(api)
    marked = LocalService(CART, before, labels=MIRROR, annotations={**UID, **MARK})
    write(client, Update(WANTED, marked, ()))
    patch, apply = api.requests
    assert json.loads(patch.body) == [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": before.resource_version},
        {"op": "remove", "path": "/metadata/annotations/tfw.io~1barrelman-orphaned-since"},
    ]
    assert apply.json["metadata"]["annotations"] == UID
    assert apply.json["metadata"]["resourceVersion"] == live(api).resource_version
    assert api.store.get(CART_PATH)["metadata"]["annotations"] == UID


@pytest.mark.parametrize(("kind", "plural"), [(Kind.SERVICE, "services"), (Kind.ENDPOINTS, "endpoints")])
def test_delete(api: FakeApi, client: ClusterClient, kind: Kind, plural: str) -> None:
    """All in the body: a server that finds one there ignores the query. lightkube's own delete sends none."""
    api.store.add(mirror("cart"), endpoints("cart", "10.0.0.1"))
    path = f"/api/v1/namespaces/shop/{plural}/cart"
    before = live(api, path)
    write(client, Delete(seen(before, kind), Why(Reason.NOT_IN_REMOTE)))
    request = only(api.requests)
    assert (request.method, request.target) == ("DELETE", path)
    assert request.headers["Content-Type"] == "application/json"
    preconditions = {"uid": before.uid, "resourceVersion": before.resource_version}
    assert request.body == compact({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions})
    assert api.store.find(path) is None


def test_every_request_says_who_asks(api: FakeApi, client: ClusterClient) -> None:
    """Audit logs and flow control go by the User-Agent, managedFields by the field manager."""
    api.store.add(mirror("cart", 81))
    client.list_all(resources.Node, lambda item: item)
    client.get(resources.Service, CART)
    write(client, Update(WANTED, seen(live(api)), ()))
    write(client, Delete(seen(live(api)), Why(Reason.NOT_IN_REMOTE)))
    assert [request.method for request in api.requests] == ["GET", "GET", "PATCH", "DELETE"]
    assert {request.headers["User-Agent"] for request in api.requests} == {f"barrelman-sync/{__version__}"}
