"""Ports that change their names: what the endpoints have before the mirror, with it and after it."""

from __future__ import annotations

from dataclasses import replace

from barrelman_sync.cluster.manifests import manifest
from barrelman_sync.model.names import EndpointPort, Key, Revision, ServicePort
from barrelman_sync.model.remote import RemotePort
from barrelman_sync.model.settings import EndpointRules
from barrelman_sync.model.wanted import Mirror, WantedEndpoints, WantedSlice
from barrelman_sync.planning.order import units
from barrelman_sync.planning.steps import Create, Plan, Update
from tests.values.builders import (
    ADDRESSES,
    CART,
    SCOPE,
    World,
    cases,
    endpoints,
    endpoints_of,
    local,
    mirror,
    node,
    port,
    remote,
    service_port,
    slice_of,
    words,
)

SLICES = EndpointRules(slices=True)


def changed(live: tuple[ServicePort, ...], asked: tuple[RemotePort, ...]) -> World:
    made = mirror(CART, *live)
    ports = tuple(found for found in live if isinstance(found.target_port, int))
    return World(local(made, endpoints_of(replace(made, ports=ports))), (remote(CART, *asked),))


def told(plan: Plan) -> list[str]:
    """Return the writes in their order: the Service, or the ports of its endpoints. And the pauses between them."""
    lines = []
    for step in (step for unit in units(plan) for step in unit.writes):
        match step:
            case Create(WantedEndpoints() | WantedSlice() as ends) | Update(WantedEndpoints() | WantedSlice() as ends):
                lines.append(" ".join(f"{found.name}:{found.port}/{found.protocol}" for found in ends.content.ports))
            case Update(pause_before=before, pause_after=after):
                lines += ["pause"] * before + [step.ref.kind.value] + ["pause"] * after
            case _:
                lines.append(step.ref.kind.value)
    return lines


def awaited(world: World) -> list[tuple[EndpointPort, ...]]:
    """Return the ports whose copies the Service waits for."""
    updates = [step for step in world.plan().steps if isinstance(step, Update)]
    return [step.copied.ports for step in updates if step.copied]


def services_of(plan: Plan) -> list[Update]:
    """Return the updates of Services in their order."""
    steps = (step for unit in units(plan) for step in unit.writes)
    return [step for step in steps if isinstance(step, Update) and isinstance(step.wanted, Mirror)]


HTTP, DNS = service_port(), service_port(53, 30053, "dns", "UDP")
UNNAMED = service_port(name="")


@cases(
    "live, asked, first, last",
    {
        "another name": ((HTTP,), (port(name="web"),), "http:30080/TCP web:30080/TCP", "web:30080/TCP"),
        "another number, too": (
            (HTTP,),
            (port(node_port=30081, name="web"),),
            "http:30080/TCP web:30081/TCP",
            "web:30081/TCP",
        ),
        "one of two": (
            (HTTP, DNS),
            (port(name="web"), port(53, 30053, "dns", "UDP")),
            "dns:30053/UDP http:30080/TCP web:30080/TCP",
            "dns:30053/UDP web:30080/TCP",
        ),
        "a name for a port without one": ((UNNAMED,), (port(),), ":30080/TCP http:30080/TCP", "http:30080/TCP"),
        "no name any more": ((HTTP,), (port(name=""),), ":30080/TCP http:30080/TCP", ":30080/TCP"),
    },
)
def test_both_names_then_the_service_then_the_new_name(
    live: tuple[ServicePort, ...], asked: tuple[RemotePort, ...], first: str, last: str
) -> None:
    world = changed(live, asked)
    assert told(world.plan()) == [first, "pause", "Service"]
    assert words(world.plan()) == ["update Endpoints shop/cart", "update Service shop/cart"]
    assert [" ".join(f"{each.name}:{each.port}/{each.protocol}" for each in found) for found in awaited(world)] == [
        first
    ]
    assert awaited(world.but(rules=SLICES)) == []
    plan = world.but(rules=SLICES).plan()
    assert told(plan) == [first, "pause", "Service", "pause", last, "Endpoints"]
    assert words(plan) == [
        "update Service shop/cart",
        "create EndpointSlice shop/cart-barrelman-ipv4-0",
        "delete Endpoints shop/cart",
    ]


@cases(
    "live, asked, written",
    {
        "a second port": ((HTTP,), (port(), port(81, 30081, "web")), ["Service", "http:30080/TCP web:30081/TCP"]),
        "a port less": ((HTTP, DNS), (port(),), ["Service", "http:30080/TCP"]),
        "a port in place of another": (
            (HTTP,),
            (port(8080, 30081, "web"),),
            ["http:30080/TCP web:30081/TCP", "Service", "web:30081/TCP"],
        ),
        "only another number": ((HTTP,), (port(8080),), ["Service"]),
        "names exchanged": (
            (HTTP, service_port(81, 30081, "web")),
            (port(name="web"), port(81, 30081, "http")),
            ["Service", "http:30081/TCP web:30080/TCP"],
        ),
        "another protocol": ((DNS,), (port(53, 30053, "dns", "TCP"),), ["Service", "dns:30053/TCP"]),
        "a target port by name": ((service_port(80, "x"),), (port(name="web"),), ["Service", "web:30080/TCP"]),
    },
)
def test_where_no_port_gets_another_name_one_run_is_enough(
    live: tuple[ServicePort, ...], asked: tuple[RemotePort, ...], written: list[str]
) -> None:
    assert told(changed(live, asked).plan()) == written


def test_a_port_less_and_a_node_less() -> None:
    """If the update of the Service fails, the endpoints have followed the nodes."""
    world = changed((HTTP, DNS), (port(),)).but(nodes=(node(),))
    assert told(world.plan()) == ["dns:30053/UDP http:30080/TCP", "Service", "http:30080/TCP"]
    assert words(world.plan()) == ["update Service shop/cart", "update Endpoints shop/cart"]


def test_the_next_run_takes_the_old_name_away() -> None:
    live = mirror(CART, service_port(name="web"))
    both = endpoints_of(mirror(CART, HTTP, service_port(name="web")))
    assert told(World(local(live, both), (remote(CART, port(name="web")),)).plan()) == ["web:30080/TCP"]


def test_endpoints_that_have_both_names_are_not_written_again() -> None:
    """Such as after a run whose update of the Service was refused."""
    both = endpoints_of(mirror(CART, HTTP, service_port(name="web")))
    world = World(local(mirror(CART, HTTP), both), (remote(CART, port(name="web")),))
    assert words(world.plan()) == ["update Service shop/cart", "unchanged Endpoints shop/cart"]
    assert told(world.plan()) == ["Service"]


def test_slices_that_have_both_names_lose_the_old_one_after_the_service() -> None:
    both = endpoints_of(mirror(CART, HTTP, service_port(name="web")))
    ours = slice_of("cart-barrelman-ipv4-0", *ADDRESSES, ports=both.ports)
    here = replace(local(mirror(CART, HTTP)), slices={CART: (ours,)})
    world = World(here, (remote(CART, port(name="web")),), rules=SLICES)
    assert told(world.plan()) == ["Service", "pause", "web:30080/TCP"]


@cases("rules", {"slices": SLICES, "Endpoints": EndpointRules()})
def test_endpoints_that_lack_the_old_name_get_it_if_the_service_keeps_it(rules: EndpointRules) -> None:
    """Such as where a mutating policy renames the port. Usually somebody edited the mirror, and one run repairs it."""
    new = endpoints_of(mirror(CART, service_port(name="web")))
    ours = slice_of("cart-barrelman-ipv4-0", *ADDRESSES, ports=new.ports)
    here = replace(local(mirror(CART, HTTP)), slices={CART: (ours,)} if rules.slices else {})
    world = World(replace(here, endpoints={} if rules.slices else {CART: new}), (remote(CART, port(name="web")),))
    (update,) = world.but(rules=rules).plan().writes
    assert isinstance(update, Update)
    assert told(Plan((update,))) == ["Service"]
    assert told(Plan(update.fallback)) == ["http:30080/TCP web:30080/TCP"]


UNREADY = (node("a", "10.0.0.1", ready="False"),)


@cases(
    "world, words_of_plan",
    {
        "no node is used": (World(nodes=UNREADY), ["leave Service shop/cart", "leave Endpoints shop/cart"]),
        "the same port": (
            World(nodes=UNREADY, services=(remote(CART, port(81)),)),
            ["update Service shop/cart", "leave Endpoints shop/cart"],
        ),
        "the remote's slices cannot be read": (
            World(services=(remote(CART, port(name="web"), local_traffic=True),), serving=None),
            ["leave Service shop/cart", "leave Endpoints shop/cart"],
        ),
    },
)
def test_a_mirror_keeps_its_names_as_long_as_its_endpoints_are_kept(world: World, words_of_plan: list[str]) -> None:
    """The endpoints have the old name only, and may still answer."""
    asked = world.services if world.services != World().services else (remote(CART, port(name="web")),)
    assert words(world.but(local=local(mirror(CART, HTTP), endpoints()), services=asked).plan()) == words_of_plan


def test_endpoints_of_the_original_are_kept_too() -> None:
    made = replace(endpoints(), labels={})
    world = World(local(mirror(CART, HTTP), made), (remote(CART, port(name="web")),), UNREADY)
    assert words(world.plan()) == ["leave Service shop/cart", "leave Endpoints shop/cart"]


def test_a_mirror_without_endpoints_gets_its_new_name_at_once() -> None:
    world = World(local(mirror(CART, HTTP)), (remote(CART, port(name="web")),), UNREADY)
    assert words(world.plan()) == ["update Service shop/cart", "leave Endpoints shop/cart"]
    assert told(world.plan()) == ["Service"]


@cases(
    "rules, pauses",
    {
        "Endpoints": (EndpointRules(), [(True, False), (True, False), (False, False)]),
        "slices": (SLICES, [(True, False), (True, True), (False, True)]),
    },
)
def test_node_ports_that_swap_while_names_change(rules: EndpointRules, pauses: list[tuple[bool, bool]]) -> None:
    """The first of two writes for the Service has the new names already, so the endpoints come before it."""
    names = {"a": 30001, "b": 30002}
    made = [
        mirror(Key("shop", name), service_port(80, number, node_port=number), type="NodePort")
        for name, number in names.items()
    ]
    asked = [remote(Key("shop", name), port(80, 30003 - number + 30000, "web")) for name, number in names.items()]
    world = World(local(*made, *map(endpoints_of, made)), tuple(asked), scope=replace(SCOPE, nodeports=True))
    steps = [step for unit in units(world.plan()) for step in unit.writes]
    told = [(step.ref.kind.value, step.ref.key.name) for step in steps]
    assert told == [(kind, name) for name in "ab" for kind in ("Endpoints", "Service")] + [("Service", "a")]
    updates = services_of(world.plan())
    types = [step.wanted.type for step in updates if isinstance(step.wanted, Mirror)]
    assert types == ["ClusterIP", "NodePort", "NodePort"]
    assert [bool(step.copied) for step in updates] == [True, True, False]
    with_rules = services_of(world.but(rules=rules).plan())
    assert [(step.pause_before, step.pause_after) for step in with_rules] == pauses


def test_a_port_without_a_name_gets_a_subset_of_its_own() -> None:
    """The server refuses it beside others."""
    update = changed((UNNAMED,), (port(),)).plan().writes[0]
    assert isinstance(update, Update)
    subsets = manifest(update.wanted, Revision("", ""))["subsets"]
    assert [[found.get("name") for found in part["ports"]] for part in subsets] == [[None], ["http"]]
    assert subsets[0]["addresses"] == subsets[1]["addresses"]
