"""What a marker has to be like in the rules of a node."""

from __future__ import annotations

import pytest

from lab.dataplane.marker import Marker

A, B = "zone-a", "zone-b"
RULES = {
    A: """
        meta l4proto tcp dnat to 198.18.0.15:80
        meta l4proto tcp dnat to [2001:db8::f]:80
    """,
    B: """
        meta l4proto tcp dnat to 198.18.0.16:80
        meta l4proto tcp dnat to [2001:db8::10]:80
    """,
}
BOTH_IN_ONE_MAP = """
    meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 198.18.0.15 . 80, 1 : 198.18.0.16 . 80 }
    meta l4proto tcp dnat ip6 to numgen random mod 2 map { 0 : 2001:db8::f . 80, 1 : 2001:db8::10 . 80 }
"""
FLUSHED = "chain endpoint-ABC-default/marker-7/tcp/__198.18.0.16/80 {\n}"  # of B; kube-proxy deletes it later
CHAIN_OF_A = """
    chain service-ABC-default/marker-7/tcp/ {
        numgen random mod 1 vmap { 0 : goto endpoint-ABC-default/marker-7/tcp/__198.18.0.15/80 }
    }
    chain endpoint-ABC-default/marker-7/tcp/__198.18.0.15/80 {
        meta l4proto tcp dnat to 198.18.0.15:80
    }
"""
ANOTHER = "meta l4proto tcp dnat to 198.18.0.1:80"


@pytest.mark.parametrize(
    ("rules", "zone", "there"),
    [
        (RULES[A], A, True),
        (RULES[A] + ANOTHER, A, True),
        (RULES[A] + FLUSHED, A, True),
        (RULES[B], A, False),
        (RULES[A] + RULES[B], A, False),
        (BOTH_IN_ONE_MAP, A, False),
        (RULES[A] + RULES[B], "", True),
        (RULES[A] + RULES[B], "zone-d", True),
        (BOTH_IN_ONE_MAP, "", True),
        (RULES[A], "", False),
        (ANOTHER, "", False),
    ],
)
def test_a_node_uses_the_endpoints_of_its_zone(rules: str, zone: str, *, there: bool) -> None:
    assert Marker(7, (A, B)).is_in(rules, zone, ("IPv4", "IPv6")) is there


def test_a_marker_may_have_one_family() -> None:
    assert Marker(7, (A, B)).is_in(CHAIN_OF_A + FLUSHED, A, ("IPv4",))
