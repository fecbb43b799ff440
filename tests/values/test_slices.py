"""Which address is in which slice, and the steps that make it so: one node more or less rewrites one slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from barrelman_sync.model.local import LocalService, LocalSlice
from barrelman_sync.model.names import EndpointPort, Family, Key, Revision
from barrelman_sync.model.wanted import AddressSet, WantedSlice
from barrelman_sync.planning.slice_names import at_its_service, at_new_mirrors
from barrelman_sync.planning.slices import CAPACITY, slice_steps, spread
from barrelman_sync.planning.steps import Create, Delete, Step, Unchanged, Update
from tests.values.builders import (
    ANNOTATIONS,
    CART,
    FROM,
    KIND,
    MANAGER,
    PROD,
    TILL,
    World,
    all_unchanged,
    cases,
    local,
    manual,
    mirror,
    node,
    service,
    words,
)
from tests.values.simulator import after

Spread = dict[int, tuple[str, ...]]

ADDRESSES = tuple(sorted(f"10.0.{high}.{low}" for high in range(4) for low in range(100)))
PORTS = (EndpointPort("http", "TCP", 30080),)
SOME = st.integers(0, 350).flatmap(
    lambda number: st.randoms(use_true_random=True).map(lambda random: tuple(sorted(random.sample(ADDRESSES, number))))
)


@st.composite
def held(draw: st.DrawFn) -> Spread:
    """Return what slices hold: anything, also more than they may, or the same address twice."""
    numbers = draw(st.lists(st.integers(0, 9), max_size=5, unique=True))
    sizes = st.sampled_from([0, 1, 40, 99, 100, 130])
    random = draw(st.randoms(use_true_random=True))
    return {number: tuple(sorted(random.sample(ADDRESSES, draw(sizes)))) for number in numbers}


def changed(before: Spread, later: Spread) -> set[int]:
    return {number for number in before.keys() | later.keys() if before.get(number) != later.get(number)}


# --- spread ------------------------------------------------------------------------------------------------------


@given(SOME, held())
def test_every_address_is_there_exactly_once(addresses: tuple[str, ...], before: Spread) -> None:
    found = spread(addresses, before)
    assert sorted(address for members in found.values() for address in members) == list(addresses)


@given(SOME, held())
def test_no_slice_is_too_large_or_empty_and_all_are_sorted(addresses: tuple[str, ...], before: Spread) -> None:
    for members in spread(addresses, before).values():
        assert 1 <= len(members) <= CAPACITY == 100
        assert list(members) == sorted(members)


@given(SOME, held())
def test_its_own_work_is_left_as_it_is(addresses: tuple[str, ...], before: Spread) -> None:
    found = spread(addresses, before)
    assert spread(addresses, found) == found


@given(SOME)
def test_from_nothing_as_few_slices_as_can_be_of_even_size(addresses: tuple[str, ...]) -> None:
    sizes = [len(members) for members in spread(addresses, {}).values()]
    assert len(sizes) == -(-len(addresses) // CAPACITY)
    assert not sizes or max(sizes) - min(sizes) <= 1


@given(SOME.filter(bool), held(), st.data())
def test_one_address_less_changes_one_slice(addresses: tuple[str, ...], any_: Spread, data: st.DataObject) -> None:
    before = spread(addresses, any_)
    gone = data.draw(st.sampled_from(addresses))
    later = spread(tuple(address for address in addresses if address != gone), before)
    assert len(changed(before, later)) == 1


@given(SOME.filter(lambda found: len(found) < len(ADDRESSES)), held(), st.data())
def test_one_address_more_changes_one_slice(addresses: tuple[str, ...], any_: Spread, data: st.DataObject) -> None:
    before = spread(addresses, any_)
    come = data.draw(st.sampled_from(sorted(set(ADDRESSES) - set(addresses))))
    later = spread(tuple(sorted({*addresses, come})), before)
    assert len(changed(before, later)) == 1


@given(SOME.filter(lambda found: 0 < len(found) < len(ADDRESSES)), held(), st.data())
def test_one_address_in_place_of_another_changes_one_slice(
    addresses: tuple[str, ...], any_: Spread, data: st.DataObject
) -> None:
    """What a node that is lost does to a Service with --max-endpoints: the next one takes its place."""
    before = spread(addresses, any_)
    gone = data.draw(st.sampled_from(addresses))
    come = data.draw(st.sampled_from(sorted(set(ADDRESSES) - set(addresses))))
    later = spread(tuple(sorted({*addresses, come} - {gone})), before)
    assert len(changed(before, later)) == 1


@given(SOME, held())
def test_an_address_stays_where_it_is(addresses: tuple[str, ...], before: Spread) -> None:
    """It moves only out of a slice that holds too many."""
    found = spread(addresses, before)
    for number, members in before.items():
        if len(members) <= CAPACITY:
            elsewhere = {address for other in before if other < number for address in before[other]}
            assert (set(members) & set(addresses)) - elsewhere <= set(found.get(number, ()))


# --- steps -------------------------------------------------------------------------------------------------------


def slice_(number: int | str, *addresses: str, manager: str = "barrelman-sync", **fields: Any) -> LocalSlice:
    """Return a slice as a run from `prod` writes it for shop/cart."""
    family = fields.get("family", "IPv4")
    name = number if isinstance(number, str) else f"cart-barrelman-{family.lower()}-{number}"
    labels = {
        FROM: "prod",
        MANAGER: "barrelman-sync",
        "endpointslice.kubernetes.io/managed-by": manager,
        "kubernetes.io/service-name": "cart",
    }
    defaults = {"family": family, "labels": labels, "annotations": ANNOTATIONS, "owners": frozenset({"uid"})}
    revision = Revision(f"uid of {name}", "1")
    return LocalSlice(
        Key("shop", name), CART, revision, **{**defaults, "addresses": addresses, "ports": PORTS, **fields}
    )


def steps(addresses: tuple[str, ...], *live: LocalSlice, family: Family = "IPv4") -> list[Step]:
    return list(slice_steps(AddressSet(CART, PROD, family, addresses, PORTS, "uid"), live))


def told(found: list[Step]) -> list[str]:
    return [f"{type(step).__name__.lower()} {step.ref.key.name}" for step in found]


def test_a_slice_as_it_should_be_is_left() -> None:
    assert told(steps(("10.0.0.1",), slice_(0, "10.0.0.1"))) == ["unchanged cart-barrelman-ipv4-0"]


def test_new_slices_before_old_ones_go() -> None:
    found = steps(("10.0.0.2",), slice_("cart-other-name", "10.0.0.1"))
    assert told(found) == ["create cart-barrelman-ipv4-0", "delete cart-other-name"]
    assert not any(step.guarded for step in found if isinstance(step, Delete))


def test_a_slice_without_addresses_goes() -> None:
    found = steps(("10.0.0.1",), slice_(0, "10.0.0.1"), slice_(1, "10.0.0.2"))
    assert told(found) == ["unchanged cart-barrelman-ipv4-0", "delete cart-barrelman-ipv4-1"]


def test_a_number_written_otherwise_is_another_name() -> None:
    found = steps(("10.0.0.1",), slice_("cart-barrelman-ipv4-00", "10.0.0.1"))
    assert told(found) == ["create cart-barrelman-ipv4-0", "delete cart-barrelman-ipv4-00"]


def test_slices_of_the_other_family_and_of_others_are_not_touched() -> None:
    others = slice_(0, "fd00::1", family="IPv6"), slice_("cart-x7kq2", "10.0.0.9", manager="operator.example.com")
    assert told(steps(("10.0.0.1",), *others)) == ["create cart-barrelman-ipv4-0"]


def test_a_slice_that_is_going_serves_nobody_and_its_name_is_taken() -> None:
    """Somebody's finalizer keeps it: what it has goes with it, so another slice is needed now."""
    going = slice_(0, "10.0.0.1", deleting=True)
    assert told(steps(("10.0.0.1",), going)) == ["create cart-barrelman-ipv4-1"]


def test_whatever_differs_is_one_update() -> None:
    fine = slice_(0, "10.0.0.1")
    for live in (
        replace(fine, addresses=("10.0.0.2",)),
        replace(fine, ports=()),
        replace(fine, regular=False),
        replace(fine, owners=frozenset({"a former uid"})),
        replace(fine, labels={**fine.labels, FROM: "stage"}),
        replace(fine, labels={**fine.labels, "kubernetes.io/service-name": "other"}),
        replace(fine, labels={**fine.labels, "service.kubernetes.io/headless": ""}),
    ):
        (step,) = steps(("10.0.0.1",), live)
        assert isinstance(step, Update)
        assert len(step.changes) == 1
        assert step.live == live


@given(SOME.filter(bool), held())
def test_the_second_time_there_is_nothing_to_write(addresses: tuple[str, ...], before: Spread) -> None:
    live = [slice_(number, *members) for number, members in before.items()]
    first = steps(addresses, *live)
    assert all(isinstance(step, Unchanged) for step in steps(addresses, *carried_out(first, live)))


def carried_out(done: list[Step], live: list[LocalSlice]) -> list[LocalSlice]:
    by_name = {found.key.name: found for found in live}
    for step in done:
        if isinstance(step, Delete):
            del by_name[step.ref.key.name]
        elif isinstance(step, Create | Update):
            assert isinstance(step.wanted, WantedSlice)
            by_name[step.ref.key.name] = slice_(step.ref.key.name, *step.wanted.content.addresses)
    return list(by_name.values())


@cases(
    "name, services, belongs_to",
    {
        "the mirror in its name": ("cart-barrelman-ipv4-0", (mirror(CART), mirror(TILL)), CART),
        "the manual service in its name": ("cart-barrelman-ipv6-12", (manual(CART), mirror(TILL)), CART),
        "a name that looks like a slice's": (
            "cart-barrelman-ipv4-0-barrelman-ipv4-1",
            (mirror(CART), mirror(Key("shop", "cart-barrelman-ipv4-0"))),
            Key("shop", "cart-barrelman-ipv4-0"),
        ),
        "a name of another form": ("cart-x7kq2", (mirror(CART), mirror(TILL)), TILL),
        "a Service that asks for nothing": ("cart-barrelman-ipv4-0", (service(CART), mirror(TILL)), TILL),
        "a Service that is not there": ("cart-barrelman-ipv4-0", (mirror(TILL),), TILL),
    },
)
def test_the_service_of_a_slice_that_says_till(name: str, services: tuple[LocalService, ...], belongs_to: Key) -> None:
    served = {found.key for found in services if KIND in found.labels}
    assert at_its_service(replace(slice_(name), service=TILL), served.__contains__).service == belongs_to
    theirs = replace(slice_(name, manager="endpointslice-controller.k8s.io"), service=TILL)
    assert at_its_service(theirs, served.__contains__).service == TILL


def test_a_slice_that_says_till_and_has_the_name_of_a_mirror_to_come() -> None:
    ours, theirs = slice_(0), slice_(1, manager="endpointslice-controller.k8s.io")
    here = {TILL: (replace(ours, service=TILL), replace(theirs, service=TILL))}
    assert at_new_mirrors(here, {CART}) == {CART: (ours,), TILL: (replace(theirs, service=TILL),)}
    assert at_new_mirrors(here, ()) == here


def test_a_name_that_an_unusable_slice_has_is_not_used() -> None:
    wrong = slice_("cart-barrelman-ipv6-0", "10.0.0.1", family="IPv4")
    assert told(steps(("fd00::1",), wrong, family="IPv6")) == ["create cart-barrelman-ipv6-1"]
    taken_over = slice_(0, "10.0.0.1", manager="endpointslice-controller.k8s.io")
    assert told(steps(("10.0.0.1",), taken_over)) == ["create cart-barrelman-ipv4-1"]


# --- plans -------------------------------------------------------------------------------------------------------


def world(addresses: tuple[str, ...], slices: Mapping[Key, tuple[LocalSlice, ...]] | None = None) -> World:
    """Return a mirror that gets these addresses by slices, all of them."""
    found = World(replace(local(mirror(families=("IPv4",))), slices=slices or {}))
    return found.but(
        nodes=tuple(node(f"n{address}", address) for address in addresses),
        rules=replace(found.rules, slices=True, max_endpoints=0),
    )


@given(SOME.filter(bool))
def test_a_second_plan_writes_nothing(addresses: tuple[str, ...]) -> None:
    before = world(addresses)
    later = before.but(local=after(before.local, before.plan()))
    assert all_unchanged(later.plan())


@given(SOME.filter(lambda found: len(found) > 1), st.data())
def test_a_node_that_is_lost_is_one_write(addresses: tuple[str, ...], data: st.DataObject) -> None:
    before = world(addresses)
    gone = data.draw(st.sampled_from(addresses))
    later = world(tuple(address for address in addresses if address != gone)).but(
        local=after(before.local, before.plan())
    )
    assert len(later.plan().writes) == 1


def test_the_slices_of_a_plan_are_named_by_service_family_and_number() -> None:
    assert words(world(ADDRESSES[:101]).plan()) == [
        "unchanged Service shop/cart",
        "create EndpointSlice shop/cart-barrelman-ipv4-0",
        "create EndpointSlice shop/cart-barrelman-ipv4-1",
    ]
