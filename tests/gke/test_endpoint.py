"""Which address of the control plane is used, and whose certificate is expected there."""

from __future__ import annotations

import pytest

from barrelman_sync.access.gke.endpoint import endpoints
from barrelman_sync.model.settings import RemoteEndpoint
from tests.gke.google import Json

CA = {"masterAuth": {"clusterCaCertificate": "Q0E="}}
DNS = "gke-1.europe-west1.gke.goog"


def by_ip(**config: object) -> Json:
    return {"controlPlaneEndpointsConfig": {"ipEndpointsConfig": config}}


def by_dns(*, open_: bool, **by_ip: object) -> Json:
    dns = {"endpoint": DNS, **({"allowExternalTraffic": True} if open_ else {})}
    return {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": dns, "ipEndpointsConfig": by_ip}}


CLUSTERS: dict[str, tuple[Json, dict[str, str]]] = {
    "of old": ({"endpoint": "34.1.1.1"}, {"public": "34.1.1.1"}),
    "of old, private nodes": (
        {"endpoint": "34.1.1.1", "privateClusterConfig": {"publicEndpoint": "34.1.1.1", "privateEndpoint": "10.1.1.1"}},
        {"public": "34.1.1.1", "private": "10.1.1.1"},
    ),
    "of old, private": (
        {
            "endpoint": "10.1.1.1",
            "privateClusterConfig": {
                "enablePrivateEndpoint": True,
                "privateEndpoint": "10.1.1.1",
            },
        },
        {"private": "10.1.1.1"},
    ),
    "of old, private, address in one place only": (
        {"endpoint": "10.1.1.1", "privateClusterConfig": {"enablePrivateEndpoint": True}},
        {"private": "10.1.1.1"},
    ),
    "of old, private, with an address for the public": (
        {
            "endpoint": "10.1.1.1",
            "privateClusterConfig": {
                "enablePrivateEndpoint": True,
                "privateEndpoint": "10.1.1.1",
                "publicEndpoint": "34.1.1.1",
            },
        },
        {"private": "10.1.1.1"},
    ),
    "of old, private, with that address first": (
        {
            "endpoint": "34.1.1.1",
            "privateClusterConfig": {"enablePrivateEndpoint": True, "publicEndpoint": "34.1.1.1"},
        },
        {},
    ),
    "both descriptions, private, false left out": (
        {
            "endpoint": "10.1.1.1",
            "privateClusterConfig": {"enablePrivateEndpoint": True, "publicEndpoint": "34.1.1.1"},
            **by_ip(enabled=True, publicEndpoint="34.1.1.1", privateEndpoint="10.1.1.1"),
        },
        {"private": "10.1.1.1"},
    ),
    "both descriptions, the newer one open": (
        {
            "endpoint": "34.1.1.1",
            "privateClusterConfig": {"enablePrivateEndpoint": True},
            **by_ip(enabled=True, enablePublicEndpoint=True, publicEndpoint="34.1.1.1", privateEndpoint="10.1.1.1"),
        },
        {"public": "34.1.1.1", "private": "10.1.1.1"},
    ),
    "private, its address in one place only": (
        {"endpoint": "10.1.1.1", **by_ip(enabled=True, enablePublicEndpoint=False)},
        {"private": "10.1.1.1"},
    ),
    "all open": (
        {
            "endpoint": "34.1.1.1",
            **by_dns(
                open_=True,
                enabled=True,
                enablePublicEndpoint=True,
                publicEndpoint="34.1.1.1",
                privateEndpoint="10.1.1.1",
            ),
        },
        {"public": "34.1.1.1", "dns": DNS, "private": "10.1.1.1"},
    ),
    "new fields win": (
        {"endpoint": "34.9.9.9", **by_ip(enabled=True, publicEndpoint="34.1.1.1", privateEndpoint="10.1.1.1")},
        {"public": "34.1.1.1", "private": "10.1.1.1"},
    ),
    "dns closed": (
        {"endpoint": "34.1.1.1", **by_dns(open_=False, enabled=True, publicEndpoint="34.1.1.1")},
        {"public": "34.1.1.1"},
    ),
    "no public address": (
        {
            "endpoint": "10.1.1.1",
            **by_dns(open_=True, enabled=True, enablePublicEndpoint=False, privateEndpoint="10.1.1.1"),
        },
        {"dns": DNS, "private": "10.1.1.1"},
    ),
    "no public address, false left out": (
        {"endpoint": "10.1.1.1", **by_ip(enabled=True, privateEndpoint="10.1.1.1")},
        {"private": "10.1.1.1"},
    ),
    "no addresses": ({"endpoint": DNS, **by_dns(open_=True, enabled=False)}, {"dns": DNS}),
    "no addresses, false left out": ({"endpoint": DNS, **by_dns(open_=True)}, {"dns": DNS}),
    "no way in": ({**by_dns(open_=False, enabled=False)}, {}),
    "nothing known": ({}, {}),
    "nulls": ({"endpoint": None, "privateClusterConfig": None, "controlPlaneEndpointsConfig": None}, {}),
    "IPv6": ({"endpoint": "2600:1900::1"}, {"public": "[2600:1900::1]"}),
}


@pytest.mark.parametrize(("cluster", "hosts"), CLUSTERS.values(), ids=CLUSTERS)
def test_the_endpoints_that_a_cluster_offers(cluster: Json, hosts: dict[str, str]) -> None:
    found = endpoints({**CA, **cluster})
    assert [(kind.value, endpoint.server) for kind, endpoint in found.items()] == [
        (kind, f"https://{host}") for kind, host in hosts.items()
    ]
    for kind, endpoint in found.items():
        assert endpoint.authority == (None if kind is RemoteEndpoint.DNS else "Q0E=")


def test_an_address_without_its_authority_is_no_way_in() -> None:
    """Else any certificate that the system trusts would do for it."""
    assert [*endpoints({"endpoint": "34.1.1.1", **by_dns(open_=True)})] == ["dns"]
