"""The zones of endpoints as they are sent and read: an endpoint has its zone, and a hint for this zone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.manifests import manifest
from barrelman_sync.cluster.parsing import local_slice
from barrelman_sync.model.names import EndpointPort, Key, Revision
from barrelman_sync.model.wanted import AddressSet, WantedSlice
from tests.values.builders import CART, PROD, cases

A, B = "10.0.0.1", "10.0.0.2"


def wanted(*zones: str) -> WantedSlice:
    content = AddressSet(CART, PROD, "IPv4", (A, B), (EndpointPort("", "TCP", 30080),), "owner")
    return WantedSlice(Key("shop", "cart-barrelman-ipv4-0"), content, zones=zones)


@pytest.mark.parametrize("zones", [(), ("a", "b"), ("a", "")])
def test_what_is_sent_is_read_again(zones: tuple[str, ...]) -> None:
    body = manifest(wanted(*zones), Revision("uid", "7"))
    read = local_slice(msgspec.convert(body, resources.EndpointSlice))
    assert (read.addresses, read.zones, read.regular) == ((A, B), zones, True)


def test_the_endpoints_of_a_slice_with_zones() -> None:
    assert manifest(wanted("a", ""), Revision("uid", "7"))["endpoints"] == [
        {"addresses": [A], "conditions": {"ready": True}, "zone": "a", "hints": {"forZones": [{"name": "a"}]}},
        {"addresses": [B], "conditions": {"ready": True}},
    ]


@cases(
    "more, zones, regular",
    {
        "plain": ({}, (), True),
        "zone and hint": ({"zone": "a", "hints": {"forZones": [{"name": "a"}]}}, ("a",), True),
        "a zone without hint": ({"zone": "a"}, (), False),
        "a hint without zone": ({"hints": {"forZones": [{"name": "a"}]}}, (), False),
        "a hint for another zone": ({"zone": "a", "hints": {"forZones": [{"name": "b"}]}}, (), False),
        "hints for two zones": ({"zone": "a", "hints": {"forZones": [{"name": "a"}, {"name": "b"}]}}, (), False),
        "a hint for a node, too": (
            {"zone": "a", "hints": {"forZones": [{"name": "a"}], "forNodes": [{"name": "x"}]}},
            (),
            False,
        ),
        "hints for nobody": ({"zone": "a", "hints": {}}, (), False),
        "a zone of nulls": ({"zone": None, "hints": None}, (), True),
        "a name of null": ({"zone": "a", "hints": {"forZones": None, "forNodes": None}}, (), False),
    },
)
def test_an_endpoint_that_is_read(more: dict[str, Any], zones: tuple[str, ...], *, regular: bool) -> None:
    entry = {"addresses": [A], "conditions": {"ready": True}, **more}
    body = {**manifest(wanted(), Revision("uid", "7")), "endpoints": [entry]}
    read = local_slice(msgspec.convert(body, resources.EndpointSlice))
    assert (read.addresses, read.zones, read.regular) == ((A,), zones, regular)
