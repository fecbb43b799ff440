"""How much a run may delete, and what waits when that is too much."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from barrelman_sync.model.names import Key
from barrelman_sync.model.settings import DeleteLimit, EndpointRules, Safety
from barrelman_sync.model.wanted import WantedEndpoints, WantedSlice
from barrelman_sync.planning.guards import hold_back
from barrelman_sync.planning.steps import Create, HeldBack, Plan, Update
from barrelman_sync.report.messages import message
from tests.values.builders import (
    ADDRESSES,
    CART,
    KIND,
    NODES,
    SCOPE,
    World,
    all_unchanged,
    cases,
    endpoints,
    endpoints_of,
    local,
    manual,
    mirror,
    node,
    port,
    remote,
    service,
    service_port,
    slice_of,
    word,
    words,
)

NODEPORTS = replace(SCOPE, nodeports=True)


def orphans(number: int, *others: Any, **fields: Any) -> World:
    """Return a world in which that many mirrors are not wanted any more, and two are."""
    keys = [Key("gone", f"s{n}") for n in range(number)]
    kept = [Key("kept", f"s{n}") for n in range(2)]
    live = [mirror(key) for key in (*keys, *kept)]
    found = (*live, *(endpoints_of(item) for item in live), *others)
    return World(local(*found), services=tuple(remote(key) for key in kept), **fields)


def held(plan: Plan) -> list[str]:
    return [word(step.step) for step in plan.steps if isinstance(step, HeldBack)]


@cases(
    "limit, managed, allowed",
    {
        "a number": (DeleteLimit(3, None), 100, 3),
        "a number is no percentage": (DeleteLimit(3, None), 1, 3),
        "none at all": (DeleteLimit(0, None), 100, 0),
        "a percentage": (DeleteLimit(None, 15.0), 100, 15),
        "a percentage, rounded down": (DeleteLimit(None, 30.0), 9, 2),
        "a percentage of little": (DeleteLimit(None, 30.0), 3, 0),
        "a percentage of nothing": (DeleteLimit(None, 30.0), 0, 0),
        "all": (DeleteLimit(None, 100.0), 7, 7),
        "the default, of few": (DeleteLimit(), 5, 10),
        "the default, just below the turn": (DeleteLimit(), 36, 10),
        "the default, just above the turn": (DeleteLimit(), 37, 11),
        "the default, of many": (DeleteLimit(), 1000, 300),
    },
)
def test_the_limit(limit: DeleteLimit, managed: int, allowed: int) -> None:
    assert limit.of(managed) == allowed


@cases(
    "deletes, is_held",
    {"fewer": (2, False), "as many as allowed": (3, False), "one more": (4, True), "more": (9, True)},
)
def test_deletes_above_the_limit_are_held_back(deletes: int, *, is_held: bool) -> None:
    world = orphans(deletes)
    assert len(held(world.guarded(3))) == (2 * deletes if is_held else 0)
    assert (world.guarded(3) == world.plan()) is not is_held


def test_a_mirror_with_its_endpoints_counts_once() -> None:
    assert held(orphans(1).guarded(1)) == []
    assert held(orphans(1).guarded(0)) == ["delete Service gone/s0", "delete Endpoints gone/s0"]


@cases(
    "other",
    {
        "a manual service with a selector": (manual(has_selector=True), endpoints()),
        "a service that lost its label": (service(), endpoints()),
    },
)
def test_a_service_that_loses_our_endpoints_counts(other: Any) -> None:
    assert held(orphans(1, *other).guarded(2)) == []
    assert len(held(orphans(1, *other).guarded(1))) == 3


@cases(
    "other",
    {
        "a service that became real": (mirror(has_selector=True), endpoints()),
        "a mirror of another source": (mirror(labels={**mirror().labels, "tfw.io/barrelman-source": "stage"}),),
        "a mirror that is ignored": (mirror(ignored=True), endpoints()),
    },
)
def test_what_is_not_taken_from_callers_does_not_count(other: Any) -> None:
    world = orphans(1, *other)
    assert (held(world.guarded(1)), len(held(world.guarded(0)))) == ([], 2)


def test_creates_updates_and_releases_go_on() -> None:
    new, old = remote(Key("shop", "new")), remote(Key("shop", "old"), port(8080))
    live = mirror(Key("shop", "old")), mirror(Key("shop", "real"), has_selector=True), endpoints(Key("shop", "real"))
    world = orphans(5, *live, nodes=NODES)
    plan = world.but(services=(*world.services, new, old)).guarded(1)
    assert [word(step) for step in plan.writes if step.ref.key.namespace != "gone"] == [
        "create Service shop/new",
        "create Endpoints shop/new",
        "update Service shop/old",
        "create Endpoints shop/old",
        "release Service shop/real",
        "delete Endpoints shop/real",
    ]


def test_the_reason_says_how_many_and_what_to_do() -> None:
    reasons = {message(step.why) for step in orphans(5).guarded(1).steps if isinstance(step, HeldBack)}
    assert reasons == {
        (
            "5 of 7 managed services would be removed, more than 1 (--max-deletes);"
            " if that is right, run once with --allow-mass-delete"
        )
    }


@cases("nodes, is_held", {"none is listed": ((), True), "none is fit": ((node("a", ready="False"),), False)})
def test_no_delete_while_the_remote_lists_no_node(nodes: Any, *, is_held: bool) -> None:
    plan = orphans(1, nodes=nodes).guarded(10)
    assert len(held(plan)) == (2 if is_held else 0)
    if is_held:
        assert {message(step.why) for step in plan.steps if isinstance(step, HeldBack)} == {
            "the remote lists no node at all; if that is right, run once with --allow-mass-delete"
        }


@cases("nodes", {"some": NODES, "none": ()})
def test_the_user_may_let_one_run_through(nodes: Any) -> None:
    world = orphans(50, nodes=nodes)
    safety = Safety(DeleteLimit(0, None), allow_mass_delete=True)
    assert hold_back(world.plan(), safety, len(nodes)) == world.plan()


def test_a_plan_without_deletes_stays_as_it_is_even_without_nodes() -> None:
    world = World(nodes=())
    assert world.guarded(0) == world.plan()
    assert all_unchanged(World().guarded(0))


def test_the_last_service_of_a_remote_may_go() -> None:
    world = World(services=())
    assert hold_back(world.plan(), Safety(), world.choice.listed) == world.plan()


# --- node ports of what stays -----------------------------------------------------------------------------------


def with_node_port(name: str, number: int, **fields: Any) -> Any:
    return mirror(Key("shop", name), service_port(80, number, node_port=number), type="NodePort", **fields)


def asking(name: str, number: int) -> Any:
    return remote(Key("shop", name), port(80, number))


def taking(*services: Any, live: tuple[Any, ...] = ()) -> World:
    """Return a world in which `old` has port 30001 and is to go, while others ask for what they ask for."""
    return World(local(with_node_port("old", 30001), *live), services, NODES, NODEPORTS)


def test_a_new_mirror_waits_for_a_port_that_stays_with_its_endpoints() -> None:
    plan = taking(asking("new", 30001)).guarded(0)
    assert held(plan) == ["create Service shop/new", "create Endpoints shop/new", "delete Service shop/old"]
    assert reason(plan, "new") == "needs node port 30001 of shop/old, whose step is held back"


def reason(plan: Plan, name: str) -> str:
    return next(message(step.why) for step in plan.steps if isinstance(step, HeldBack) and step.ref.key.name == name)


@cases(
    "found, written",
    {
        "Endpoints, while slices are chosen": ((), ["update Endpoints shop/cart"]),
        "Endpoints and a slice": (
            (slice_of("cart-barrelman-ipv4-0", *ADDRESSES),),
            ["update Endpoints shop/cart", "update EndpointSlice shop/cart-barrelman-ipv4-0"],
        ),
    },
)
@cases("slices", {"to slices": True, "to Endpoints": False})
def test_all_endpoints_of_a_mirror_that_stays_follow_the_nodes(found: Any, written: list[str], *, slices: bool) -> None:
    """A switch of modes that a guard holds back must not leave addresses of nodes that are gone."""
    here = replace(local(mirror(), endpoints()), slices={CART: found} if found else {})
    plan = World(here, (), (node("a", ADDRESSES[0]),), rules=EndpointRules(slices=slices)).guarded(0)
    assert [word(step) for step in plan.writes] == written


def test_a_mirror_that_is_there_waits_and_its_endpoints_do_not() -> None:
    plan = taking(asking("live", 30001), live=(with_node_port("live", 30002),)).guarded(0)
    assert held(plan) == ["update Service shop/live", "delete Service shop/old"]
    assert "create Endpoints shop/live" in words(plan)


def test_what_waits_keeps_its_own_port_so_others_wait_for_that() -> None:
    live = with_node_port("a", 30002), with_node_port("b", 30003)
    plan = taking(asking("a", 30001), asking("b", 30002), asking("c", 30003), live=live).guarded(0)
    assert held(plan) == [
        "update Service shop/a",
        "update Service shop/b",
        "create Service shop/c",
        "create Endpoints shop/c",
        "delete Service shop/old",
    ]


def test_who_needs_no_port_of_those_goes_on() -> None:
    live = with_node_port("a", 30002), with_node_port("b", 30003)
    plan = taking(asking("a", 30003), asking("b", 30002), asking("c", 30004), live=live).guarded(0)
    assert held(plan) == ["delete Service shop/old"]


def test_without_node_ports_nobody_waits() -> None:
    plan = taking(asking("new", 30001)).but(scope=SCOPE).guarded(0)
    assert held(plan) == ["delete Service shop/old"]


def test_new_endpoints_in_place_of_stray_ones_wait_with_their_service() -> None:
    stray = endpoints(Key("shop", "new"), labels={}, owners=frozenset())
    plan = taking(asking("new", 30001), live=(stray,)).guarded(0)
    assert held(plan) == ["create Service shop/new", "update Endpoints shop/new", "delete Service shop/old"]


@cases("slices", {"to slices": True, "to Endpoints": False})
def test_endpoints_of_somebody_else_stay_untouched_beside_ours(*, slices: bool) -> None:
    """A Service that asks for nothing any more: our slice waits to go, the Endpoints are the user's own."""
    theirs = endpoints(labels={}, owners=frozenset(), addresses=("192.168.1.1",))
    ours = slice_of("cart-barrelman-ipv4-0", *ADDRESSES)
    here = replace(local(service(labels={KIND: "false"}), theirs), slices={CART: (ours,)})
    plan = World(here, (), (node("a", ADDRESSES[0]),), rules=EndpointRules(slices=slices)).guarded(0)
    assert [word(step) for step in plan.writes] == ["update EndpointSlice shop/cart-barrelman-ipv4-0"]


def test_a_namespace_is_not_made_for_what_waits() -> None:
    new, free = remote(Key("new", "s"), port(80, 30001)), remote(Key("free", "s"), port(80, 30005))
    plan = taking(new, free).guarded(0)
    assert "create Namespace free" in words(plan)
    assert "create Namespace new" not in words(plan)


# --- endpoints of what waits ------------------------------------------------------------------------------------


def renamed(world: World) -> World:
    """Return a world whose `live` waits for the port of `old`, and whose only port has another name at the remote."""
    live = with_node_port("live", 30002)
    served = endpoints_of(live, addresses=("10.0.0.1", "10.0.0.9"))
    asked = remote(Key("shop", "live"), port(80, 30001, name="web"))
    return world.but(local=local(with_node_port("old", 30001), live, served), services=(asked,))


def test_endpoints_of_a_renamed_port_follow_the_nodes_while_its_service_waits() -> None:
    """They have both names, so they serve the Service before and after its update."""
    plan = renamed(taking()).guarded(0)
    assert held(plan) == ["update Service shop/live", "delete Service shop/old"]
    (update,) = (step for step in plan.writes if step.ref.service.name == "live")
    assert isinstance(update, Update)
    assert isinstance(update.wanted, WantedEndpoints)
    assert update.wanted.content.addresses == ADDRESSES
    ports = [(found.name, found.port) for found in update.wanted.content.ports]
    assert ports == [("http", 30002), ("web", 30001)]


def test_slices_of_a_renamed_port_keep_both_names_while_their_service_waits() -> None:
    plan = renamed(taking()).but(rules=EndpointRules(slices=True)).guarded(0)
    slice_ = "EndpointSlice shop/live-barrelman-ipv4-0"
    assert held(plan) == ["update Service shop/live", f"create {slice_}", "delete Service shop/old"]
    create, delete = (step for step in plan.writes if step.ref.service.name == "live")
    assert [word(create), word(delete)] == [f"create {slice_}", "delete Endpoints shop/live"]
    assert isinstance(create, Create)
    assert isinstance(create.wanted, WantedSlice)
    assert [found.name for found in create.wanted.content.ports] == ["http", "web"]


@cases("slices", {"to slices": True, "to Endpoints": False})
def test_endpoints_that_cannot_have_both_ports_follow_the_nodes_on_their_own_ports(*, slices: bool) -> None:
    """A slice cannot have a name twice, so the port of the new protocol comes after the Service."""
    world = renamed(taking()).but(rules=EndpointRules(slices=slices))
    asked = remote(Key("shop", "live"), port(80, 30001, protocol="UDP"))
    plan = world.but(services=(asked,)).guarded(0)
    (fallback,) = (step for step in plan.writes if step.ref.service.name == "live")
    assert isinstance(fallback, Update)
    assert isinstance(fallback.wanted, WantedEndpoints)
    assert [(found.name, found.protocol) for found in fallback.wanted.content.ports] == [("http", "TCP")]
    assert ("delete Endpoints shop/live" in held(plan)) == slices


def test_endpoints_that_nobody_asks_for_follow_the_nodes_as_long_as_they_stay() -> None:
    gone = endpoints_of(service(), addresses=("10.0.0.1", "10.0.0.9"))
    plan = World(local(service(), gone), services=(), nodes=NODES).guarded(0)
    assert held(plan) == ["delete Endpoints shop/cart"]
    (update,) = plan.writes
    assert isinstance(update, Update)
    assert isinstance(update.wanted, WantedEndpoints)
    assert update.wanted.content.addresses == ("10.0.0.1", "10.0.0.2")
