"""In which order the writes go out: which units have to end before another starts."""

from __future__ import annotations

from typing import Any

from barrelman_sync.model.local import LocalSlice
from barrelman_sync.model.names import Key, Revision
from barrelman_sync.model.wanted import AddressSet, Mirror, WantedEndpoints
from barrelman_sync.planning.order import units
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.steps import Create, Delete, Plan, Update
from tests.values.builders import (
    CART,
    NODES,
    PROD,
    TILL,
    World,
    cases,
    endpoints,
    held_by,
    local,
    mirror,
    port,
    remote,
    word,
)
from tests.values.test_guards import NODEPORTS, asking, with_node_port


def order(plan: Plan) -> list[list[str]]:
    """Return the units that may start at once, then those that may start after these, and so on; the last ones last.

    Each unit is told as its writes, joined by `then`.
    """
    found = units(plan)
    depths: list[int] = []
    for unit in found:
        depths.append(1 + max((depths[place] for place in unit.needs), default=0))
    levels: dict[tuple[bool, int], list[str]] = {}
    for unit, depth in zip(found, depths, strict=True):
        levels.setdefault((unit.last, depth), []).append(" then ".join(word(step) for step in unit.writes))
    return [level for _, level in sorted(levels.items())]


def ported(*services: Any, live: tuple[Any, ...]) -> World:
    return World(local(*live), services, (), NODEPORTS)


def test_steps_of_a_service_need_not_stand_together() -> None:
    """Guards rewrite plans: no write may get lost for its place."""
    keys = Key("a", "s"), Key("b", "s")
    first, second = (Delete(mirror(key), Why(Reason.NOT_IN_REMOTE)) for key in keys)
    then = Delete(endpoints(keys[0]), Why(Reason.NOT_IN_REMOTE))
    assert order(Plan((first, second, then))) == [
        ["delete Service a/s then delete Endpoints a/s", "delete Service b/s"]
    ]


def test_a_service_that_also_gets_something_is_not_among_the_last() -> None:
    leftover = LocalSlice(Key("shop", "cart-x"), CART, Revision("u", "1"), "IPv4")
    fresh = WantedEndpoints(AddressSet(CART, PROD, "IPv4", ("10.0.0.1",), ()))
    doomed = Delete(mirror(TILL), Why(Reason.NOT_IN_REMOTE))
    plan = Plan((Delete(leftover, Why(Reason.LEFT_OVER)), Create(fresh), doomed))
    assert order(plan) == [
        ["delete EndpointSlice shop/cart-x then create Endpoints shop/cart"],
        ["delete Service shop/till"],
    ]


def test_nothing_to_write_is_no_unit() -> None:
    assert order(World().plan()) == []


def test_a_namespace_then_its_services_with_their_endpoints_and_deletes_last() -> None:
    gone = mirror(Key("a", "gone")), endpoints(Key("a", "gone"))
    real = mirror(Key("b", "real"), has_selector=True), endpoints(Key("b", "real"))
    services = remote(Key("new", "s")), remote(Key("newer", "s")), remote(CART, port(8080))
    plan = World(local(*gone, *real, mirror(), endpoints()), services, NODES).plan()
    assert order(plan) == [
        [
            "create Namespace new",
            "create Namespace newer",
            "release Service b/real then delete Endpoints b/real",
            "update Service shop/cart",
        ],
        ["create Service new/s then create Endpoints new/s", "create Service newer/s then create Endpoints newer/s"],
        ["delete Service a/gone then delete Endpoints a/gone"],
    ]


def test_independent_services_may_start_at_once_in_the_order_of_the_keys() -> None:
    keys = [Key("shop", name) for name in ("f", "c", "a", "e", "b", "d")]
    plan = World(local(), tuple(remote(key) for key in keys), ()).plan()
    assert order(plan) == [[f"create Service {key}" for key in sorted(keys)]]


def test_a_port_is_freed_before_another_takes_it() -> None:
    world = ported(
        asking("a", 30002), asking("b", 30003), live=(with_node_port("a", 30001), with_node_port("b", 30002))
    )
    assert order(world.plan()) == [["update Service shop/b"], ["update Service shop/a"]]


def test_a_chain_is_freed_from_its_end() -> None:
    live = tuple(with_node_port(name, number) for name, number in (("a", 30001), ("b", 30002), ("c", 30003)))
    services = asking("a", 30002), asking("b", 30003), asking("c", 30004), asking("d", 30001)
    assert order(ported(*services, live=live).plan()) == [
        ["update Service shop/c"],
        ["update Service shop/b"],
        ["update Service shop/a"],
        ["create Service shop/d"],
    ]


def test_a_delete_comes_first_if_another_needs_its_port() -> None:
    live = with_node_port("old", 30001), with_node_port("older", 30009)
    assert order(ported(asking("new", 30001), live=live).plan()) == [
        ["delete Service shop/old"],
        ["create Service shop/new"],
        ["delete Service shop/older"],
    ]


def test_who_gives_up_node_ports_altogether_comes_first_too() -> None:
    free = with_node_port("z", 30001)
    world = ported(asking("a", 30001), asking("z", 30005), live=(free,))
    assert order(world.plan()) == [["update Service shop/z"], ["create Service shop/a"]]


def test_a_port_that_is_kept_is_nobody_elses_business() -> None:
    live = tuple(with_node_port(name, number) for name, number in (("a", 30001), ("b", 30002)))
    world = ported(asking("a", 30001), asking("b", 30003), live=live)
    assert order(world.plan()) == [["update Service shop/b"]]


@cases("length", {"a swap": 2, "three in a cycle": 3, "five in a cycle": 5})
def test_a_cycle_is_broken_at_its_first_mirror(length: int) -> None:
    live = tuple(with_node_port(f"s{n}", 30000 + n) for n in range(length))
    services = (asking(f"s{n}", 30000 + (n + 1) % length) for n in range(length))
    steps = [step for unit in units(ported(*services, live=live).plan()) for step in unit.writes]
    first, *_, last = steps
    assert (first.ref.key, last.ref.key) == (Key("shop", "s0"), Key("shop", "s0"))
    assert [step.ref.key.name for step in steps] == ["s0", *(f"s{n}" for n in range(length - 1, 0, -1)), "s0"]
    assert isinstance(first, Update)
    assert isinstance(first.wanted, Mirror)
    assert (first.wanted.type, first.wanted.node_ports) == ("ClusterIP", frozenset())


@cases(
    "ports, writes",
    {
        "two ports with one node port": ((port(80, 30080), port(8080, 30080, "udp", "UDP")), 2),
        "one port number of two protocols": ((port(53, 30053), port(53, 30053, "udp", "UDP")), 1),
        "two node ports": ((port(80, 30080), port(8080, 30081, "udp", "UDP")), 1),
    },
)
def test_a_new_service_whose_ports_share_a_node_port_is_written_twice(ports: tuple[Any, ...], writes: int) -> None:
    (unit,) = units(ported(remote(CART, *ports), live=()).plan())
    *first, last = unit.writes
    assert len(unit.writes) == writes
    assert isinstance(last, Create)
    assert isinstance(last.wanted, Mirror)
    assert (last.wanted.type, last.final) == ("NodePort", None)
    for step in first:
        assert isinstance(step, Create)
        assert isinstance(step.wanted, Mirror)
        assert (step.wanted.type, step.wanted.node_ports, step.final) == ("ClusterIP", frozenset(), last.wanted)


def test_without_node_ports_a_new_service_is_written_once() -> None:
    shared = remote(CART, port(80, 30080), port(8080, 30080, "udp", "UDP"))
    assert order(World(local(), (shared,), ()).plan()) == [["create Service shop/cart"]]


def test_fields_are_claimed_by_the_first_of_two_writes_only() -> None:
    live = tuple(held_by(with_node_port(name, number), "barrelman") for name, number in (("a", 30001), ("b", 30002)))
    done = units(ported(asking("a", 30002), asking("b", 30001), live=live).plan())
    updates = [step for unit in done for step in unit.writes if isinstance(step, Update)]
    assert [(step.ref.key.name, step.claims, step.claimed_from) for step in updates] == [
        ("a", True, ("barrelman",)),
        ("b", True, ("barrelman",)),
        ("a", False, ()),
    ]
