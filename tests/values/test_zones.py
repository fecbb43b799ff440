"""`--prefer-same-zone`: endpoints have the zones of their nodes, and hints for these zones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.remote import Node, ServingNodes
from barrelman_sync.model.settings import EndpointRules, NodeRules
from barrelman_sync.model.wanted import WantedSlice
from barrelman_sync.planning.nodes import choose_nodes
from barrelman_sync.planning.result import Report
from barrelman_sync.planning.steps import Create, Delete, Plan, Step, Update
from barrelman_sync.planning.warnings import warnings
from barrelman_sync.report.document import document as document_of
from barrelman_sync.report.messages import message
from barrelman_sync.report.text import plan_lines
from tests.schema import valid
from tests.values.builders import (
    CART,
    MARK,
    ZONE,
    World,
    all_unchanged,
    cases,
    endpoints,
    local,
    manual,
    marked,
    mirror,
    node,
    port,
    remote,
    slice_of,
    word,
    words,
)
from tests.values.simulator import after

ON, OFF = EndpointRules(slices=True, prefer_same_zone=True), EndpointRules(slices=True)
SLICE = "cart-barrelman-ipv4-0"
A, B = "10.0.0.1", "10.0.0.2"
Changes = dict[str, tuple[object, object]]


def zoned(*zones: str | None) -> tuple[Node, ...]:
    """Return nodes n1, n2, ... in these zones, each with an address of both families; None is no label at all."""
    return tuple(
        node(f"n{n}", f"10.0.0.{n}", f"fd00::{n}", labels={} if zone is None else {ZONE: zone})
        for n, zone in enumerate(zones, 1)
    )


def found(*zones: str) -> LocalSlice:
    """Return the slice of the two nodes, in these zones."""
    return slice_of(SLICE, A, B, zones=zones)


def world(
    rules: EndpointRules,
    nodes: tuple[Node, ...],
    *slices: LocalSlice,
    service: LocalService | None = None,
    live: tuple[LocalEndpoints, ...] = (),
) -> World:
    here = local(service or mirror(families=("IPv4",)), *live)
    return World(replace(here, slices={CART: slices} if slices else {}), nodes=nodes, rules=rules)


def changes(plan: Plan) -> Changes:
    """Return what the updates of a plan change."""
    steps = (step for step in plan.writes if isinstance(step, Update))
    return {change.path: (change.before, change.after) for step in steps for change in step.changes}


def zones_of(step: Step) -> Mapping[str, str]:
    """Return the zones that a step writes, by address."""
    assert isinstance(step, Create | Update)
    assert isinstance(step.wanted, WantedSlice)
    return dict(zip(step.wanted.content.addresses, step.wanted.zones, strict=False))


# --- what changes -----------------------------------------------------------------------------------------------


@cases(
    "rules, nodes, live, before, after",
    {
        "switched on": (ON, zoned("a", "b"), found(), {A: "", B: ""}, {A: "a", B: "b"}),
        "switched off": (OFF, zoned("a", "b"), found("a", "b"), {A: "a", B: "b"}, {A: "", B: ""}),
        "a node in another zone": (ON, zoned("a", "c"), found("a", "b"), {B: "b"}, {B: "c"}),
        "a node that lost its zone": (ON, zoned("a", None), found("a", "b"), {B: "b"}, {B: ""}),
        "an empty zone is none": (ON, zoned("a", ""), found("a", "b"), {B: "b"}, {B: ""}),
        "what no label can be is none": (ON, zoned("a", "b/c"), found("a", "b"), {B: "b"}, {B: ""}),
        "all nodes lost their zones": (ON, zoned(None, None), found("a", "b"), {A: "a", B: "b"}, {A: "", B: ""}),
        "a node that got its first zone": (ON, zoned("a", "b"), found("a", ""), {B: ""}, {B: "b"}),
    },
)
def test_zones_that_change(
    rules: EndpointRules, nodes: tuple[Node, ...], live: LocalSlice, before: dict[str, str], after: dict[str, str]
) -> None:
    plan = world(rules, nodes, live).plan()
    assert words(plan) == ["unchanged Service shop/cart", f"update EndpointSlice shop/{SLICE}"]
    assert changes(plan) == {"endpoints.zones": (tuple(before.items()), tuple(after.items()))}


@cases(
    "rules, nodes, live",
    {
        "the zones of the nodes": (ON, zoned("a", "b"), found("a", "b")),
        "one node has none": (ON, zoned("a", None), found("a", "")),
        "no node has one": (ON, zoned(None, None), found()),
        "nobody asked": (OFF, zoned("a", "b"), found()),
    },
)
def test_zones_as_they_should_be(rules: EndpointRules, nodes: tuple[Node, ...], live: LocalSlice) -> None:
    assert all_unchanged(world(rules, nodes, live).plan())


def test_an_address_that_comes_brings_its_zone() -> None:
    (update,) = world(ON, zoned("a", "b", "c"), found("a", "b")).plan().writes
    assert [change.path for change in update.changes] == ["endpoints.addresses"]  # type: ignore[union-attr]
    assert zones_of(update) == {A: "a", B: "b", "10.0.0.3": "c"}


def test_an_address_goes_while_the_zone_of_another_changes() -> None:
    plan = world(ON, zoned("x"), found("a", "b")).plan()
    assert changes(plan) == {"endpoints.addresses": ((A, B), (A,)), "endpoints.zones": (((A, "a"),), ((A, "x"),))}


def test_a_node_in_another_zone_is_one_write() -> None:
    nodes = tuple(node(f"n{n}", f"10.0.{n}.1", labels={ZONE: "a"}) for n in range(230))
    before = World(local(mirror(families=("IPv4",))), nodes=nodes, rules=ON)
    later = before.but(local=after(before.local, before.plan()))
    assert all_unchanged(later.plan())
    moved = later.but(nodes=(replace(nodes[0], labels={ZONE: "b"}), *nodes[1:]))
    assert changes(moved.plan()) == {"endpoints.zones": ((("10.0.0.1", "a"),), (("10.0.0.1", "b"),))}
    assert len(moved.plan().writes) == 1


def test_a_slice_in_another_form_is_written_with_zones() -> None:
    odd = replace(found("a", "b"), regular=False)
    (update,) = world(ON, zoned("a", "b"), odd).plan().writes
    assert zones_of(update) == {A: "a", B: "b"}


# --- which zone an address has ----------------------------------------------------------------------------------


@cases(
    "nodes, zones",
    {
        "each its own": (zoned("a", "b"), {A: "a", "fd00::1": "a", B: "b", "fd00::2": "b"}),
        "two nodes with one address": (
            (node("x", A, labels={ZONE: "a"}), node("y", A, labels={ZONE: "b"})),
            {A: "b"},
        ),
        "two nodes with one address, the other way": (
            (node("x", A, labels={ZONE: "b"}), node("y", A, labels={ZONE: "a"})),
            {A: "b"},
        ),
        "two nodes with one address, one without zone": ((node("x", A, labels={ZONE: "a"}), node("y", A)), {A: "a"}),
        "a node that is not used": ((node("x", A, labels={ZONE: "a"}, deleting=True),), {}),
        "an address that is not used": ((node("x", A, B, labels={ZONE: "a"}),), {A: "a"}),
    },
)
def test_the_zones_of_addresses(nodes: tuple[Node, ...], zones: Mapping[str, str]) -> None:
    for ordered in (nodes, nodes[::-1]):
        assert choose_nodes(ordered, NodeRules()).zones == zones


# --- which endpoints have zones ---------------------------------------------------------------------------------


@cases("service", {"a mirror": mirror, "a manual service": manual})
def test_both_families_have_zones(service: Any) -> None:
    plan = world(ON, zoned("a", "b"), service=service(families=("IPv4", "IPv6"))).plan()
    (v4, v6) = plan.writes
    assert (zones_of(v4), zones_of(v6)) == ({A: "a", B: "b"}, {"fd00::1": "a", "fd00::2": "b"})


def test_nodes_that_are_picked_have_zones() -> None:
    """A Service gets nodes of each zone first, so that no zone is left without."""
    nodes = zoned("a", "a", "a", "b", "b", "c")
    (create,) = world(replace(ON, max_endpoints=3), nodes).plan().writes
    assert sorted(zones_of(create).values()) == ["a", "b", "c"]


def test_nodes_of_a_service_with_local_traffic_have_zones() -> None:
    asked = remote(CART, local_traffic=True)
    found_ = world(ON, zoned("a", "b")).but(services=(asked,), serving={CART: ServingNodes(frozenset({"n2"}))})
    (create,) = found_.plan().writes
    assert zones_of(create) == {B: "b"}


@cases(
    "kept",
    {
        "no node is used": {"nodes": (node("n1", A, ready="False"),)},
        "nobody knows which nodes answer": {"services": (remote(CART, local_traffic=True),), "serving": None},
        "no node answers": {"services": (remote(CART, local_traffic=True),)},
    },
)
def test_endpoints_that_are_kept_keep_their_zones(kept: dict[str, Any]) -> None:
    for rules in (ON, OFF):
        assert world(rules, zoned("x", "y"), found("a", "b")).but(**kept).plan().writes == ()


@cases("rules, zones", {"on": (ON, {A: "x"}), "off": (OFF, {})})
def test_endpoints_of_a_mirror_whose_delete_waits_follow_the_nodes(rules: EndpointRules, zones: dict[str, str]) -> None:
    (update,) = world(rules, zoned("x"), found("a", "b")).but(services=()).guarded(0).writes
    assert zones_of(update) == zones
    later = world(rules, zoned("x"), found("a", "b"), service=marked("2026-11-27T09:30:00Z", families=("IPv4",)))
    (update,) = later.but(services=(), grace=3600.0).plan().writes
    assert zones_of(update) == zones
    assert MARK in later.local.services[CART].annotations


def test_both_names_of_a_port_come_with_zones() -> None:
    renamed = world(ON, zoned("a", "b"), found("a", "b")).but(services=(remote(CART, port(name="web")),))
    service, last = renamed.plan().writes
    assert isinstance(service, Update)
    (first,) = service.before
    assert zones_of(first) == zones_of(last) == {A: "a", B: "b"}


def test_a_switch_from_endpoints_comes_with_zones() -> None:
    create, delete = world(ON, zoned("a", "b"), live=(endpoints(),)).plan().writes
    assert zones_of(create) == {A: "a", B: "b"}
    assert isinstance(delete, Delete)


def test_slices_that_stay_until_endpoints_take_over_have_no_zones() -> None:
    """Without zones they are like Kubernetes' copies, which have none."""
    plan = world(EndpointRules(), zoned("a", "b"), found("a", "b")).plan()
    assert [word(step) for step in plan.writes] == ["create Endpoints shop/cart", f"update EndpointSlice shop/{SLICE}"]
    assert zones_of(plan.writes[1]) == {}


# --- what is told -----------------------------------------------------------------------------------------------


def report(found_: World) -> Report:
    return Report("prod", found_.plan(), found_.desired, found_.choice, dry_run=True)


def test_a_zone_that_changes_is_told() -> None:
    found_ = report(world(ON, zoned("c", "b"), found("a", "")))
    (line,) = plan_lines(found_)
    assert line.split(maxsplit=3)[3] == "endpoints.zones: 10.0.0.1 (n1) a -> c, 10.0.0.2 (n2) none -> b"
    *_, step = valid(document_of(found_))["steps"]
    assert step["changes"] == [{"path": "endpoints.zones", "before": {A: "a", B: None}, "after": {A: "c", B: "b"}}]


def test_many_zones_are_cut_short() -> None:
    nodes = zoned(*("a" for _ in range(9)))
    live = slice_of(SLICE, *(f"10.0.0.{n}" for n in range(1, 10)))
    (line,) = plan_lines(report(world(ON, nodes, live)))
    assert line.endswith("10.0.0.6 (n6) none -> a and 3 more")


@cases(
    "rules, nodes, told",
    {
        "every node has a zone": (ON, zoned("a", "b"), None),
        "one has none": (ON, zoned("a", None, None), "2 of 3 used nodes have no zone (label {}), n2 among them: "),
        "an empty one": (ON, zoned("", "a"), "1 of 2 used nodes have no zone (label {}), n1 among them: "),
        "one that is not used": (ON, (*zoned("a"), node("x", B, ready="False")), None),
        "nobody asked": (OFF, zoned(None), None),
        "no node is used": (ON, (node("x", B, ready="False"),), None),
    },
)
def test_nodes_without_zone_are_a_warning(rules: EndpointRules, nodes: tuple[Node, ...], told: str | None) -> None:
    said = [message(why) for why in warnings(world(rules, nodes).situation)]
    assert [text.startswith(told.format(ZONE)) for text in said if told] == [True] * bool(told)
    assert bool(said) == bool(told)
