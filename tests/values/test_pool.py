"""Which nodes serve which Service: the laws that make the cost of a node change fall with the size of the cluster."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barrelman_sync.model.names import Key
from barrelman_sync.planning.pool import Member, Pool, pool
from tests.values.builders import CART

Zones = Mapping[str, str]
"""The zone of each node, empty where it has none."""

NAMES = st.integers(0, 5000).map(lambda number: f"gke-pool-{number:04x}")
SERVICES = st.builds(Key, st.sampled_from(["shop", "a"]), st.sampled_from(["cart", "b", "shop"]))
LIMITS = st.integers(1, 12)


def nodes_in(*zones: str) -> st.SearchStrategy[Zones]:
    return st.dictionaries(NAMES, st.sampled_from(zones), min_size=1, max_size=40)


ANY_ZONES = nodes_in("", "a", "b", "c", "d", "e")


def address(name: str) -> str:
    """Return an address of one node alone."""
    number = int(name.rpartition("-")[2], 16)
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def pool_of(zones: Zones) -> Pool:
    return pool(Member(name, address(name), zone) for name, zone in zones.items())


def picked(zones: Zones, service: Key = CART, limit: int = 0) -> set[str]:
    """Return the names of the nodes that a Service gets."""
    names = {address(name): name for name in zones}
    return {names[found] for found in pool_of(zones).pick(service, limit)}


# --- which -------------------------------------------------------------------------------------------------------


@given(ANY_ZONES, SERVICES)
def test_no_limit_means_all(zones: Zones, service: Key) -> None:
    assert picked(zones, service, 0) == set(zones)


@given(ANY_ZONES, SERVICES, st.integers(0, 3))
def test_no_more_nodes_than_the_limit_means_all(zones: Zones, service: Key, more: int) -> None:
    assert picked(zones, service, len(zones) + more) == set(zones)


@given(ANY_ZONES, SERVICES, LIMITS)
def test_never_more_and_never_fewer_than_there_can_be(zones: Zones, service: Key, limit: int) -> None:
    assert len(picked(zones, service, limit)) == min(limit, len(zones))


@given(ANY_ZONES, SERVICES, LIMITS, st.randoms(use_true_random=True))
def test_the_order_of_the_nodes_says_nothing(zones: Zones, service: Key, limit: int, random: Random) -> None:
    shuffled = list(zones)
    random.shuffle(shuffled)
    again = pool_of({name: zones[name] for name in shuffled})
    assert again.pick(service, limit) == pool_of(zones).pick(service, limit)


@given(ANY_ZONES, SERVICES, LIMITS)
def test_addresses_are_sorted_and_unique(zones: Zones, service: Key, limit: int) -> None:
    found = pool_of(zones).pick(service, limit)
    assert list(found) == sorted(set(found))


def test_an_address_of_two_nodes_is_picked_once() -> None:
    """A node that was replaced, and its successor, perhaps in another zone."""
    twins = pool([Member("a", "10.0.0.1", "x"), Member("b", "10.0.0.1", "y"), Member("c", "10.0.0.2", "x")])
    assert twins.pick(CART, 2) in {("10.0.0.1",), ("10.0.0.1", "10.0.0.2")}


def test_the_address_says_nothing() -> None:
    """A node that comes back with another address has the place that it had."""
    names = [f"n-{number:x}" for number in range(50)]
    before = pool(Member(name, f"10.0.0.{number}", "") for number, name in enumerate(names))
    after = pool(Member(name, f"10.9.0.{number}", "") for number, name in enumerate(names))
    assert [text.replace("10.0.", "10.9.") for text in before.pick(CART, 10)] == list(after.pick(CART, 10))


# --- balance over zones ------------------------------------------------------------------------------------------


@given(ANY_ZONES, SERVICES, LIMITS)
def test_zones_differ_by_at_most_one_unless_one_has_no_more(zones: Zones, service: Key, limit: int) -> None:
    sizes = Counter(zones.values())
    counts = Counter(zones[name] for name in picked(zones, service, limit))
    for zone in sizes:
        assert counts[zone] == sizes[zone] or all(counts[other] <= counts[zone] + 1 for other in sizes)


def test_what_cannot_be_even_is_spread_over_the_zones_by_service() -> None:
    """Of 10 nodes in 4 zones two zones have one more: not the same two for every Service."""
    zones = {f"n-{number:x}": "abcd"[number % 4] for number in range(100)}
    more: Counter[str] = Counter()
    for number in range(200):
        counts = Counter(zones[name] for name in picked(zones, Key("shop", f"s{number}"), 10))
        assert sorted(counts.values()) == [2, 2, 3, 3]
        more.update(zone for zone, count in counts.items() if count == 3)
    assert all(70 <= more[zone] <= 130 for zone in "abcd")  # 100 each, sigma 7


# --- one node more or less ---------------------------------------------------------------------------------------


@given(ANY_ZONES, SERVICES, LIMITS, st.data())
def test_one_node_less_changes_at_most_one_member(zones: Zones, service: Key, limit: int, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(sorted(zones)))
    left = {name: zone for name, zone in zones.items() if name != gone}
    before, after = picked(zones, service, limit), picked(left, service, limit)
    assert before - after <= {gone}
    assert len(after - before) <= 1
    if gone not in before:
        assert after == before


@given(ANY_ZONES, SERVICES, LIMITS, NAMES, st.sampled_from(["", "a", "b", "f"]))
def test_one_node_more_changes_at_most_one_member(zones: Zones, service: Key, limit: int, come: str, zone: str) -> None:
    """Read the other way round it is the law above; here the node may bring a zone of its own."""
    fewer = {name: found for name, found in zones.items() if name != come}
    before, after = picked(fewer, service, limit), picked({**fewer, come: zone}, service, limit)
    assert after - before <= {come}
    assert len(before - after) <= 1


@given(st.integers(1, 6), st.integers(0, 30), SERVICES, LIMITS)
def test_the_last_node_of_a_zone(zones: int, others: int, service: Key, limit: int) -> None:
    """A zone that disappears leaves one place, which goes to one node."""
    nodes = {f"n-{number:x}": f"zone {number % zones}" for number in range(others)} | {"n-ff": "alone"}
    before = picked(nodes, service, limit)
    del nodes["n-ff"]
    after = picked(nodes, service, limit)
    assert before - after <= {"n-ff"}
    assert len(after - before) <= 1


# --- load --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("limit", [1, 2, 10, 60, 250])
@pytest.mark.parametrize("sizes", [[600], [200, 200, 200], [400, 150, 50], [550, 20]], ids=str)
def test_no_node_is_chosen_twice_as_often_as_the_mean_of_its_zone(sizes: list[int], limit: int, seed: int) -> None:
    """From 80 choices of each node on: below, chance alone exceeds the bound."""
    places = water_filling(sizes, limit)
    services = max(math.ceil(80 * size / place) for size, place in zip(sizes, places, strict=True))
    names = iter(range(seed * 1000, seed * 1000 + sum(sizes)))
    zones = {f"n-{next(names):x}": f"zone {index}" for index, size in enumerate(sizes) for _ in range(size)}
    load = load_of(pool_of(zones), services, limit)
    for index, size in enumerate(sizes):
        heaviest = max(load[address(name)] for name, zone in zones.items() if zone == f"zone {index}")
        assert heaviest < 2 * services * places[index] / size


def load_of(here: Pool, services: int, limit: int) -> Counter[str]:
    """Return how many Services each address serves."""
    load = Counter[str]()
    for number in range(services):
        load.update(here.pick(Key("team", f"service-{number}"), limit))
    return load


def water_filling(sizes: list[int], limit: int) -> list[float]:
    """Return how many places each zone has on average: the same in all that are large enough."""
    level: float = limit / len(sizes)
    for _ in sizes:
        small = [size for size in sizes if size <= level]
        large = len(sizes) - len(small)
        level = (limit - sum(small)) / large if large else level
    return [min(level, size) for size in sizes]


# --- 15,000 nodes ------------------------------------------------------------------------------------------------

LARGE = {f"gke-pool-{number:04x}": f"zone {number % 3}" for number in range(15_000)}
LARGE_LIMIT = 250


def test_the_load_in_a_large_cluster() -> None:
    load = load_of(pool_of(LARGE), 4_800, LARGE_LIMIT)  # 80 Services for each node
    assert sum(load.values()) == 4_800 * LARGE_LIMIT
    assert max(load.values()) < 2 * 80


def test_one_node_less_in_a_large_cluster() -> None:
    gone = "gke-pool-1234"
    before, after = pool_of(LARGE), pool_of({name: zone for name, zone in LARGE.items() if name != gone})
    changed = 0
    for number in range(1_000):
        service = Key("shop", f"service-{number}")
        old, new = set(before.pick(service, LARGE_LIMIT)), set(after.pick(service, LARGE_LIMIT))
        assert old - new == old & {address(gone)}
        assert len(new - old) == len(old - new)
        changed += old != new
    assert 0 < changed < 60  # 17 by chance
