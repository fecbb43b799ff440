"""The bodies that are sent, word for word."""

from __future__ import annotations

from dataclasses import replace

from barrelman_sync.cluster.manifests import delete_options, manifest
from barrelman_sync.model.names import Affinity, EndpointPort, Revision
from barrelman_sync.model.wanted import AddressSet, Mirror, WantedEndpoints, WantedNamespace
from tests.values.builders import (
    ANNOTATIONS,
    CART,
    ENDPOINTS_LABELS,
    FROM,
    KIND,
    MANAGER,
    MIRROR_LABELS,
    PROD,
    cases,
    service_port,
)

NEW = Revision("", "7")
SEEN = Revision("uid", "42")
MIRROR = Mirror(CART, PROD, (service_port(),))
ENDPOINTS = WantedEndpoints(
    AddressSet(CART, PROD, "IPv4", ("10.0.0.1", "10.0.0.2"), (EndpointPort("http", "TCP", 30080),), "owner")
)


def test_a_namespace() -> None:
    assert manifest(WantedNamespace("shop", "prod"), NEW) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {FROM: "prod", MANAGER: "barrelman-sync"}, "resourceVersion": "7"},
    }


def test_a_mirror() -> None:
    assert manifest(MIRROR, NEW) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "cart",
            "namespace": "shop",
            "labels": MIRROR_LABELS,
            "annotations": ANNOTATIONS,
            "resourceVersion": "7",
        },
        "spec": {
            "type": "ClusterIP",
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 30080}],
            "sessionAffinity": "None",
        },
    }


def test_a_mirror_with_all_that_it_can_have() -> None:
    port = service_port(80, 30080, "", "UDP", node_port=30080, app_protocol="h2c")
    spec = manifest(replace(MIRROR, type="NodePort", ports=(port,), affinity=Affinity("ClientIP", 600)), NEW)["spec"]
    assert spec == {
        "type": "NodePort",
        "ports": [{"port": 80, "protocol": "UDP", "targetPort": 30080, "nodePort": 30080, "appProtocol": "h2c"}],
        "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 600}},
    }


def test_endpoints() -> None:
    assert manifest(ENDPOINTS, SEEN) == {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": "cart",
            "namespace": "shop",
            "labels": ENDPOINTS_LABELS,
            "annotations": ANNOTATIONS,
            "uid": "uid",
            "resourceVersion": "42",
            "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "cart", "uid": "owner"}],
        },
        "subsets": [
            {
                "addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}],
                "ports": [{"name": "http", "port": 30080, "protocol": "TCP"}],
            }
        ],
    }


def test_endpoints_without_ports_leave_them_out() -> None:
    assert manifest(replace(ENDPOINTS, content=replace(ENDPOINTS.content, ports=())), SEEN)["subsets"] == [
        {"addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]}
    ]


@cases(
    "live, labels",
    {
        "nothing there": ({}, MIRROR_LABELS),
        "ours": (MIRROR_LABELS, MIRROR_LABELS),
        "Helm's managed-by stays": ({MANAGER: "Helm"}, {KIND: "managed-resource", FROM: "prod"}),
        "our managed-by is repeated": ({MANAGER: "barrelman-sync"}, MIRROR_LABELS),
    },
)
def test_labels(live: dict[str, str], labels: dict[str, str]) -> None:
    assert manifest(MIRROR, SEEN, live)["metadata"]["labels"] == labels


def test_a_delete_is_bound_to_object_and_state() -> None:
    assert delete_options(SEEN) == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": "uid", "resourceVersion": "42"},
    }
