"""How a mirror that is no longer wanted waits for its delete, each case beside one that does not wait."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from barrelman_sync.cluster.manifests import mark_patch, unmark_patch
from barrelman_sync.model.moments import moment_of, moment_text
from barrelman_sync.model.names import Key, Revision
from barrelman_sync.model.remote import ServingNodes
from barrelman_sync.model.settings import EndpointRules
from barrelman_sync.planning.steps import Create, Delete, HeldBack, Mark, Plan, Update
from barrelman_sync.report.messages import message
from tests.values.builders import (
    ANNOTATIONS,
    CART,
    FROM,
    KIND,
    MARK,
    NODES,
    NOW,
    SCOPE,
    TILL,
    World,
    cases,
    endpoints,
    endpoints_of,
    held_by,
    local,
    marked,
    mirror,
    node,
    port,
    reasons,
    remote,
    service_port,
    words,
)
from tests.values.simulator import after

HOUR = 3600
GONE = "the remote has no Service of this name"
NODEPORTS = replace(SCOPE, nodeports=True)
DELETED = ["delete Service shop/cart", "delete Endpoints shop/cart"]
MARKED = ["mark Service shop/cart", "unchanged Endpoints shop/cart"]
LEFT = ["leave Service shop/cart", "unchanged Endpoints shop/cart"]


def orphan(live: Any = None, **fields: Any) -> World:
    """Return a world whose only mirror is not wanted."""
    found = local(live or mirror(), endpoints_of(mirror(), addresses=("10.0.0.1", "10.0.0.2")))
    return World(found, **{"services": (), "grace": HOUR, **fields})


def told(plan: Plan) -> str:
    return message(plan.steps[0].why)


# --- the four cases ---------------------------------------------------------------------------------------------


@cases(
    "live, expected",
    {
        "no mark": (mirror(), MARKED),
        "marked now": (marked("2026-11-27T10:00:00Z"), LEFT),
        "one second before the end of the grace": (marked("2026-11-27T09:00:01Z"), LEFT),
        "the grace is over": (marked("2026-11-27T09:00:00Z"), DELETED),
        "long ago": (marked("0001-01-01T00:00:00+14:00"), DELETED),
        "another time zone, the grace goes on": (marked("2026-11-27T11:30:00+02:00"), LEFT),
        "another time zone, the grace is over": (marked("2026-11-27T09:30:00+02:00"), DELETED),
        "a clock that is ahead by a minute": (marked("2026-11-27T10:01:00Z"), LEFT),
        "in the future": (marked("2026-11-27T10:01:01Z"), MARKED),
        "far in the future": (marked("9999-12-31T23:59:59-14:00"), MARKED),
        "no time": (marked("soon"), MARKED),
        "a time without zone": (marked("2026-11-27T09:00:00"), MARKED),
        "empty": (marked(""), MARKED),
    },
)
def test_the_mark_decides(live: Any, expected: list[str]) -> None:
    assert words(orphan(live).plan()) == expected


@cases("live", {"no mark": mirror(), "marked now": marked("2026-11-27T10:00:00Z"), "no time": marked("soon")})
def test_without_a_grace_nothing_waits(live: Any) -> None:
    plan = orphan(live, grace=0).plan()
    assert (words(plan), set(reasons(plan))) == (DELETED, {"not_in_remote"})


def test_a_mirror_that_is_wanted_is_not_marked() -> None:
    assert words(World(grace=HOUR).plan()) == ["unchanged Service shop/cart", "unchanged Endpoints shop/cart"]


def test_a_mark_says_when_it_was_made_and_until_when_it_counts() -> None:
    (mark, _) = orphan().plan().steps
    assert isinstance(mark, Mark)
    assert (mark.since, mark.until) == ("2026-11-27T10:00:00Z", "2026-11-27T11:00:00Z")


@cases(
    "world, expected",
    {
        "gone": (orphan(), GONE),
        "of another type": (
            orphan(services=(remote(type="ClusterIP"),)),
            "the remote Service is of type ClusterIP now",
        ),
        "skipped": (orphan(services=(remote(ignored=True),)), "the remote Service is annotated to be ignored"),
        "in the future": (
            orphan(marked("2027-01-01T00:00:00Z")),
            f"the mark said 2027-01-01T00:00:00Z, which is in the future, so the grace begins now; {GONE}",
        ),
        "unreadable": (
            orphan(marked("x" * 99)),
            f"the mark said '{'x' * 40}', which is no time, so the grace begins now; {GONE}",
        ),
        "waiting": (
            orphan(marked("2026-11-27T09:30:00Z"), services=(remote(type="LoadBalancer"),)),
            (
                "orphaned since 2026-11-27T09:30:00Z, to be deleted after 2026-11-27T10:30:00Z (--delete-grace):"
                " the remote Service is of type LoadBalancer now, see --include-loadbalancers"
            ),
        ),
    },
)
def test_the_reason_says_what_became_of_the_remote_service(world: World, expected: str) -> None:
    assert told(world.plan()) == expected


# --- meanwhile --------------------------------------------------------------------------------------------------


@cases("live", {"in the run that marks": mirror(), "as long as it waits": marked("2026-11-27T09:30:00Z")})
def test_endpoints_follow_the_nodes_on_the_ports_that_are_there(live: Any) -> None:
    world = orphan(live, nodes=(node("b", "10.0.0.2"), node("c", "10.0.0.3")))
    (_, update) = world.plan().steps
    assert isinstance(update, Update)
    later = after(world.local, world.plan())
    assert later.endpoints[CART].addresses == ("10.0.0.2", "10.0.0.3")
    assert later.services[CART].ports == live.ports


@cases("slices", {"Endpoints": False, "slices": True})
def test_without_a_node_endpoints_are_kept(*, slices: bool) -> None:
    world = orphan(nodes=(), rules=EndpointRules(slices=slices))
    assert words(world.plan()) == ["mark Service shop/cart", "leave Endpoints shop/cart"]
    assert reasons(world.plan())[-1] == "no_node"


def test_with_local_traffic_only_serving_nodes_answer_as_long_as_the_remote_service_is_there() -> None:
    there = orphan(services=(remote(ignored=True, local_traffic=True),), serving={CART: ServingNodes(frozenset({"b"}))})
    assert after(there.local, there.plan()).endpoints[CART].addresses == ("10.0.0.2",)
    nowhere = there.but(serving={})
    assert words(nowhere.plan()) == ["mark Service shop/cart", "leave Endpoints shop/cart"]
    assert after(nowhere.local, nowhere.plan()).endpoints[CART].addresses == ("10.0.0.1", "10.0.0.2")


def test_a_target_port_by_name_breaks_nothing() -> None:
    world = orphan(mirror(CART, service_port(80, "web")))
    assert words(world.plan()) == ["mark Service shop/cart", "leave Endpoints shop/cart"]
    assert reasons(world.plan()) == ["named_target_port"]
    assert after(world.local, world.plan()).endpoints == world.local.endpoints


# --- back -------------------------------------------------------------------------------------------------------


@cases("found", {"waiting": "2026-11-27T09:30:00Z", "over": "2026-11-27T08:00:00Z", "no time": "soon", "empty": ""})
def test_a_mirror_that_is_wanted_again_loses_its_mark_and_nothing_else(found: str) -> None:
    for grace in (0, HOUR):
        world = World(local(marked(found), endpoints()), grace=grace)
        (update, _) = world.plan().steps
        assert isinstance(update, Update)
        assert [(change.path, change.before, change.after) for change in update.changes] == [
            (f"metadata.annotations[{MARK}]", found, None)
        ]
        later = after(world.local, world.plan())
        assert replace(later.services[CART], revision=mirror().revision) == mirror()
        assert world.but(local=later).plan().writes == ()


def test_fields_are_claimed_and_the_mark_goes_in_one() -> None:
    live = held_by(marked("soon", CART, service_port(81)), "barrelman")
    world = World(local(live, endpoints()))
    assert world.but(local=after(world.local, world.plan())).plan().writes == ()


def test_node_ports_that_swap_and_marks_that_go() -> None:
    """The first of two mirrors is written twice, and its mark is there only once."""
    live = [
        marked("soon", key, service_port(80, number, node_port=number), type="NodePort")
        for key, number in ((CART, 30001), (TILL, 30002))
    ]
    wanted = (remote(CART, port(80, 30002)), remote(TILL, port(80, 30001)))
    world = World(local(*live), wanted, NODES, NODEPORTS)
    assert world.but(local=after(world.local, world.plan())).plan().writes == ()


# --- guards and node ports --------------------------------------------------------------------------------------


def test_many_that_are_over_meet_the_guard_and_many_marks_do_not() -> None:
    keys = [Key("shop", f"s{n}") for n in range(4)]
    for since, expected in (("2026-11-27T08:00:00Z", HeldBack), ("soon", Mark)):
        live = [marked(since, key) for key in keys]
        world = World(local(*live, *(endpoints_of(item) for item in live)), services=(), grace=HOUR)
        steps = [step for step in world.guarded(3).steps if step.ref.kind == "Service"]
        assert {type(step) for step in steps} == {expected}
        assert {type(step) for step in world.guarded(4).steps if step.ref.kind == "Service"} == {
            Delete if expected is HeldBack else Mark
        }


def holder(number: int, **fields: Any) -> World:
    """Return a mirror that is not wanted and holds node port 30080, beside a new Service that needs `number`."""
    live = mirror(CART, service_port(node_port=30080), type="NodePort")
    return World(
        local(live, endpoints()), (remote(TILL, port(80, number)),), **{"scope": NODEPORTS, "grace": HOUR, **fields}
    )


@cases(
    "world, is_deleted",
    {
        "another mirror needs its node port": (holder(30080), True),
        "no other mirror needs its node port": (holder(30081), False),
        "mirrors have no node ports": (holder(30080, scope=SCOPE), False),
    },
)
def test_a_mirror_does_not_wait_if_another_needs_its_node_port(world: World, *, is_deleted: bool) -> None:
    plan = world.plan()
    assert any(isinstance(step, Delete) for step in plan.steps) == is_deleted
    assert any(isinstance(step, Mark) for step in plan.steps) != is_deleted
    assert any(isinstance(step, Create) and step.ref.key == TILL for step in plan.steps)
    if is_deleted:
        assert told(plan) == (f"{GONE}; deleted without grace, because shop/till needs node port 30080")
        assert all(isinstance(step, HeldBack) for step in world.guarded(0).steps)
        after(world.local, plan)  # the simulator refuses a port that is held


@cases(
    "other",
    {
        "a local Service": {"labels": {}},
        "a mirror of another source": {"labels": {KIND: "managed-resource", FROM: "another"}},
        "a mirror that is ignored": {"ignored": True},
        "a mirror that is released": {"has_selector": True},
        "a mirror that is being deleted": {"deleting": True},
    },
)
def test_a_mirror_waits_if_something_is_in_the_way_of_the_other(other: dict[str, Any]) -> None:
    world = holder(30080)
    found = local(*world.local.services.values(), mirror(TILL, **other), endpoints())
    assert words(world.but(local=found).plan())[0] == "mark Service shop/cart"


def test_a_mirror_waits_if_the_other_has_no_namespace() -> None:
    away = Key("away", "till")
    world = holder(30080).but(services=(remote(away, port(80, 30080)),))
    assert "mark Service shop/cart" not in words(world.plan())
    kept = world.but(scope=replace(world.scope, create_namespaces=False))
    assert words(kept.plan())[:2] == ["leave Service away/till", "mark Service shop/cart"]


@cases(
    "fields, labels",
    {
        "the original's": ({"labels": {KIND: "managed-resource"}, "annotations": {}}, {FROM: "prod"}),
        "an adopted source's": ({"labels": {KIND: "managed-resource", FROM: "old"}}, {FROM: "prod"}),
        "one of a version before the uid": ({"annotations": {}}, {}),
    },
)
def test_a_mirror_that_waits_gets_our_source_with_the_mark(fields: dict[str, Any], labels: dict[str, str]) -> None:
    """Also if it has a mark already: else a run without --adopt-source would leave the mirror for ever."""
    for mark in ({}, {MARK: "2026-11-27T09:30:00Z"}):
        live = mirror(**fields)
        live = replace(live, annotations={**live.annotations, **mark})
        world = replace(orphan(live), scope=replace(SCOPE, adopted_source="old"))
        (step, *_) = world.plan().steps
        assert isinstance(step, Mark)
        assert step.since == mark.get(MARK, "2026-11-27T10:00:00Z")
        assert mark_patch(step)["metadata"].get("labels", {}) == labels
        later = world.but(local=after(world.local, world.plan()), scope=SCOPE)
        assert words(later.plan())[0] == "leave Service shop/cart"
        assert later.plan().writes == ()


# --- what is sent -----------------------------------------------------------------------------------------------


def test_the_mark_is_a_merge_patch_that_names_only_the_mark() -> None:
    (mark, _) = orphan().plan().steps
    assert isinstance(mark, Mark)
    assert mark_patch(mark) == {
        "metadata": {"resourceVersion": "1", "annotations": {MARK: "2026-11-27T10:00:00Z"}},
    }


def test_the_mark_goes_by_a_patch_that_follows_a_claim() -> None:
    guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    remove = {"op": "remove", "path": "/metadata/annotations/tfw.io~1barrelman-orphaned-since"}
    assert unmark_patch(Revision("uid", "7"), []) == [guard, remove]
    claim: list[dict[str, Any]] = [guard, {"op": "add", "path": "/metadata/managedFields", "value": []}]
    assert unmark_patch(Revision("uid", "7"), claim) == [*claim, remove]


# --- moments ----------------------------------------------------------------------------------------------------


@cases(
    "text, moment",
    {
        "as we write it": ("2026-11-27T10:00:00Z", NOW),
        "with a zone": ("2026-11-27T11:00:00+01:00", NOW),
        "with a fraction": ("2026-11-27T10:00:00.5Z", NOW + 0.5),
        "the epoch": ("1970-01-01T00:00:00Z", 0),
        "before": ("1969-12-31T23:59:59Z", -1),
        "no zone": ("2026-11-27T10:00:00", None),
        "a date": ("2026-11-27", None),
        "no time": ("soon", None),
        "a month too many": ("2026-13-27T10:00:00Z", None),
        "empty": ("", None),
        "not ASCII": ("٢٠٢٦-11-27T10:00:00Z", None),
    },
)
def test_a_moment_is_read(text: str, moment: float | None) -> None:
    assert moment_of(text) == moment


def test_a_moment_is_written_in_whole_seconds() -> None:
    assert (moment_text(NOW), moment_text(NOW + 0.9)) == ("2026-11-27T10:00:00Z",) * 2
    assert moment_of(moment_text(-1)) == -1


def test_annotations_of_the_source_stay() -> None:
    later = after(orphan().local, orphan().plan())
    assert later.services[CART].annotations == {**ANNOTATIONS, MARK: "2026-11-27T10:00:00Z"}
