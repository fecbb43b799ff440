"""The table of docs/mirroring.md: every row that changes something, beside one that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import pytest

from barrelman_sync.model.local import LocalNamespace, LocalService
from barrelman_sync.model.names import Affinity, Key
from barrelman_sync.model.remote import RemoteService
from barrelman_sync.model.selector import parse_selector
from barrelman_sync.planning.changes import wanted_labels
from barrelman_sync.planning.node_ports import node_ports_freed, node_ports_taken
from barrelman_sync.planning.reasons import Reason, because
from barrelman_sync.planning.steps import Create, Delete, Leave, Plan, Release, Step, Update
from tests.values.builders import (
    ANNOTATIONS,
    CART,
    FROM,
    FROM_UID,
    KIND,
    MANAGER,
    MIRROR_LABELS,
    SCOPE,
    TILL,
    World,
    all_unchanged,
    cases,
    endpoints,
    endpoints_of,
    held_by,
    local,
    mirror,
    port,
    reasons,
    remote,
    service,
    service_port,
    words,
)

S = TypeVar("S", bound=Step)

UNCHANGED = ["unchanged Service shop/cart", "unchanged Endpoints shop/cart"]
NODEPORTS = replace(SCOPE, nodeports=True)
WEB = {"tier": "web"}
ADOPTING = replace(SCOPE, adopted_source="old")


def with_mirror(live: LocalService, **fields: Any) -> World:
    return World(local(live, endpoints(live.key)), **fields)


def labels(**changes: str | None) -> dict[str, str]:
    """Return the labels of a mirror with some changed; None takes one off."""
    names = {"kind": KIND, "source": FROM, "manager": MANAGER}
    changed = {**MIRROR_LABELS, **{names[name]: value for name, value in changes.items()}}
    return {name: value for name, value in changed.items() if value is not None}


def only(plan: Plan, kind: type[S]) -> S:
    """Return the only step of this kind."""
    (step,) = (step for step in plan.steps if isinstance(step, kind))
    return step


# --- nothing there ----------------------------------------------------------------------------------------------


def test_a_missing_mirror_is_created_with_its_endpoints() -> None:
    world = World(local())
    assert words(world.plan()) == ["create Service shop/cart", "create Endpoints shop/cart"]


def test_a_missing_namespace_is_created_once_and_first() -> None:
    world = World(replace(local(), namespaces={}), services=(remote(CART), remote(TILL), remote(Key("bank", "vault"))))
    assert words(world.plan()) == [
        "create Namespace bank",
        "create Namespace shop",
        "create Service bank/vault",
        "create Endpoints bank/vault",
        "create Service shop/cart",
        "create Endpoints shop/cart",
        "create Service shop/till",
        "create Endpoints shop/till",
    ]


def test_a_missing_namespace_stays_away_if_the_user_says_so() -> None:
    world = World(replace(local(), namespaces={}), scope=replace(SCOPE, create_namespaces=False))
    assert words(world.plan()) == ["leave Service shop/cart"]
    assert reasons(world.plan()) == ["namespace_missing"]


def test_without_creating_namespaces_one_that_is_there_is_used() -> None:
    world = World(local(), scope=replace(SCOPE, create_namespaces=False))
    assert words(world.plan()) == ["create Service shop/cart", "create Endpoints shop/cart"]


def test_nothing_is_created_in_a_terminating_namespace() -> None:
    world = World(local(namespaces=[LocalNamespace("shop", terminating=True)]))
    assert words(world.plan()) == ["leave Service shop/cart"]
    assert reasons(world.plan()) == ["namespace_terminating"]
    assert not only(world.plan(), Leave).fails


def test_no_namespace_is_created_for_what_is_skipped() -> None:
    world = World(replace(local(), namespaces={}), services=(remote(ignored=True),))
    assert world.plan().steps == ()


def test_the_source_is_written_on_what_is_created() -> None:
    world = World(replace(local(), namespaces={}), scope=replace(SCOPE, source="stage"))
    creates = [step for step in world.plan().steps if isinstance(step, Create)]
    assert [wanted_labels(step.wanted)[FROM] for step in creates] == ["stage"] * 3


# --- ours -------------------------------------------------------------------------------------------------------


def test_what_is_as_it_should_be_is_unchanged() -> None:
    assert words(World().plan()) == UNCHANGED


@cases(
    "live, paths",
    {
        "the original's, without source": (
            mirror(labels={KIND: "managed-resource"}),
            [f"metadata.labels[{MANAGER}]", f"metadata.labels[{FROM}]"],
        ),
        "our name missing": (mirror(labels=labels(manager=None)), [f"metadata.labels[{MANAGER}]"]),
        "another type": (mirror(type="NodePort"), ["spec.type"]),
        "a load balancer": (mirror(type="LoadBalancer"), ["spec.type"]),
        "another number": (mirror(CART, service_port(81)), ["spec.ports[http].port"]),
        "another target": (mirror(CART, service_port(80, 30081)), ["spec.ports[http].targetPort"]),
        "a target by name": (mirror(CART, service_port(80, "http")), ["spec.ports[http].targetPort"]),
        "another protocol": (mirror(CART, service_port(protocol="UDP")), ["spec.ports[http].protocol"]),
        "another appProtocol": (mirror(CART, service_port(app_protocol="h2c")), ["spec.ports[http].appProtocol"]),
        "another name": (mirror(CART, service_port(name="web")), ["spec.ports[http]", "spec.ports[web]"]),
        "no name": (mirror(CART, service_port(name="")), ["spec.ports[80/TCP]", "spec.ports[http]"]),
        "one port more": (mirror(CART, service_port(), service_port(81, 30081, "old")), ["spec.ports[old]"]),
        "no ports": (replace(mirror(), ports=()), ["spec.ports[http]"]),
        "a node port": (mirror(CART, service_port(node_port=30080)), ["spec.ports[http].nodePort"]),
        "sticky": (
            mirror(affinity=Affinity("ClientIP", 10800)),
            ["spec.sessionAffinity", "spec.sessionAffinityConfig.clientIP.timeoutSeconds"],
        ),
    },
)
def test_a_mirror_that_differs_is_updated(live: LocalService, paths: list[str]) -> None:
    plan = with_mirror(live).plan()
    assert words(plan) == ["update Service shop/cart", "unchanged Endpoints shop/cart"]
    assert [change.path for change in only(plan, Update).changes] == paths
    assert only(plan, Update).live == live


@cases(
    "live",
    {
        "as it is": mirror(),
        "managed-by set by Helm": mirror(labels=labels(manager="Helm")),
        "fields held by others": held_by(mirror(), "barrelman"),
        "fields held by nobody": mirror(managed_fields=b"null"),
    },
)
def test_a_mirror_is_left_as_it_is(live: LocalService) -> None:
    assert words(with_mirror(live).plan()) == UNCHANGED


def test_a_timeout_alone_is_a_difference() -> None:
    world = with_mirror(
        mirror(affinity=Affinity("ClientIP", 10800)), services=(remote(affinity=Affinity("ClientIP", 600)),)
    )
    (change,) = only(world.plan(), Update).changes
    assert (change.before, change.after) == (10800, 600)


@cases(
    "one, other",
    {
        "by number": (service_port(80, 30080, "web"), service_port(81, 30081, "admin")),
        "by name": (service_port(80, 30080, "b"), service_port(81, 30081, "a")),
        "by protocol": (service_port(53, 30053, "udp", "UDP"), service_port(53, 30053, "tcp", "TCP")),
    },
)
@cases("turned", {"remote order": False, "the other order": True})
def test_the_order_of_ports_is_no_difference(one: Any, other: Any, *, turned: bool) -> None:
    live = mirror(CART, one, other)
    ports = [port(found.port, found.target_port, found.name, found.protocol) for found in (one, other)]
    service = remote(CART, *(reversed(ports) if turned else ports))
    world = World(local(live, endpoints_of(live)), services=(service,))
    assert words(world.plan()) == UNCHANGED


def test_swapped_targets_are_a_difference() -> None:
    live = mirror(CART, service_port(80, 30081, "a"), service_port(81, 30080, "b"))
    world = World(local(live), services=(remote(CART, port(80, 30080, "a"), port(81, 30081, "b")),))
    assert [change.path for change in only(world.plan(), Update).changes if "spec.ports" in change.path] == [
        "spec.ports[a].targetPort",
        "spec.ports[b].targetPort",
    ]


@cases(
    "live, others",
    {
        "the original": (held_by(mirror(CART, service_port(81)), "barrelman"), ("barrelman",)),
        "we, by Update": (held_by(mirror(CART, service_port(81)), "barrelman-sync"), ("barrelman-sync",)),
        "nobody": (mirror(CART, service_port(81), managed_fields=b"null"), ()),
    },
)
def test_fields_that_others_or_nobody_holds_are_claimed(live: LocalService, others: tuple[str, ...]) -> None:
    update = only(with_mirror(live).plan(), Update)
    assert (update.live, update.claims, update.claimed_from) == (live, True, others)


def test_nothing_is_claimed_where_we_hold_all() -> None:
    update = only(with_mirror(mirror(CART, service_port(81))).plan(), Update)
    assert (update.claims, update.claimed_from) == (False, ())


def test_with_node_ports_a_mirror_gets_those_of_the_remote() -> None:
    update = only(with_mirror(mirror(), scope=NODEPORTS).plan(), Update)
    assert [change.path for change in update.changes] == ["spec.type", "spec.ports[http].nodePort"]
    assert node_ports_taken(update) == {30080}
    assert not node_ports_freed(update)


def test_with_node_ports_a_mirror_that_has_them_is_unchanged() -> None:
    live = mirror(CART, service_port(node_port=30080), type="NodePort")
    assert words(with_mirror(live, scope=NODEPORTS).plan()) == UNCHANGED


@cases("source", {"the same": "prod", "none, as the original's": None, "an empty one": ""})
def test_a_mirror_that_is_not_wanted_is_deleted(source: str | None) -> None:
    live = mirror(CART, service_port(node_port=30080), type="NodePort", labels=labels(source=source))
    plan = with_mirror(live, services=()).plan()
    assert words(plan) == ["delete Service shop/cart", "delete Endpoints shop/cart"]
    assert reasons(plan) == ["not_in_remote"] * 2
    deletes = [step for step in plan.steps if isinstance(step, Delete)]
    assert [step.live.revision.uid for step in deletes] == ["uid of shop/cart", "uid of endpoints shop/cart"]
    assert [node_ports_freed(step) for step in deletes] == [{30080}, frozenset()]
    assert all(step.guarded for step in deletes)


@cases(
    "asked, reason",
    {
        "there is none": (remote(TILL), "not_in_remote"),
        "it is of type ClusterIP": (remote(type="ClusterIP"), "other_type"),
        "it is of type ExternalName": (remote(type="ExternalName", ignored=True), "other_type"),
        "it is a load balancer": (remote(type="LoadBalancer"), "load_balancer"),
        "it does not match": (remote(labels={"tier": "db"}), "not_selected"),
        "it is of another type and does not match": (remote(type="ClusterIP", labels={}), "other_type"),
        "it is ignored": (remote(labels=WEB, ignored=True), "skipped"),
        "it is being deleted": (remote(labels=WEB, deleting=True), "skipped"),
    },
)
def test_why_a_mirror_is_deleted_is_true_of_the_remote_service(asked: RemoteService, reason: str) -> None:
    selected = replace(SCOPE, service_selector=parse_selector("tier=web"))
    assert all_unchanged(World(services=(remote(labels=WEB),), scope=selected).plan())
    plan = World(services=(asked,), scope=selected).plan()
    deletes = [step for step in plan.steps if isinstance(step, Delete)]
    assert [(step.why.reason, step.guarded) for step in deletes] == [(reason, True)] * 2


def test_a_mirror_of_what_is_skipped_is_deleted_with_that_reason() -> None:
    plan = World(services=(remote(ignored=True),)).plan()
    assert words(plan) == ["delete Service shop/cart", "delete Endpoints shop/cart"]
    assert reasons(plan) == ["skipped"] * 2


def test_a_mirror_without_endpoints_is_deleted_alone() -> None:
    assert words(World(local(mirror()), services=()).plan()) == ["delete Service shop/cart"]


# --- a name that is adopted -------------------------------------------------------------------------------------


def test_the_mirrors_of_an_adopted_source_get_the_new_label() -> None:
    live = mirror(labels=labels(source="old"))
    plan = with_mirror(live, scope=ADOPTING).plan()
    (change,) = only(plan, Update).changes
    assert (change.path, change.before, change.after) == (f"metadata.labels[{FROM}]", "old", "prod")


def test_the_mirrors_of_an_adopted_source_are_deleted_if_not_wanted() -> None:
    plan = with_mirror(mirror(labels=labels(source="old")), scope=ADOPTING, services=()).plan()
    assert words(plan) == ["delete Service shop/cart", "delete Endpoints shop/cart"]


@cases(
    "source, uid, reason",
    {
        "another": ("stage", {}, "other_source"),
        "another, of another cluster": ("stage", {FROM_UID: "another"}, "other_source"),
        "this cluster under another name": ("stage", ANNOTATIONS, "other_name"),
        "another cluster of our name": ("prod", {FROM_UID: "another"}, "other_cluster"),
        "another cluster, without its label": (None, {FROM_UID: "another"}, "other_source"),
    },
)
@cases("services", {"wanted": (remote(),), "not wanted": ()})
def test_the_mirror_of_another_source_is_left(
    source: str | None, uid: dict[str, str], reason: str, services: Any
) -> None:
    plan = with_mirror(
        mirror(CART, service_port(81), labels=labels(source=source), annotations=uid), services=services
    ).plan()
    assert (words(plan), reasons(plan)) == (["leave Service shop/cart"], [reason])
    assert only(plan, Leave).fails == (reason == "other_cluster")


# --- ours no more -----------------------------------------------------------------------------------------------

REAL = {
    "has_selector": mirror(has_selector=True),
    "headless": mirror(headless=True),
    "external_name": mirror(type="ExternalName"),
}


@pytest.mark.parametrize("reason", REAL)
@cases("services", {"wanted": (remote(),), "not wanted": ()})
def test_what_became_a_real_service_is_released(reason: str, services: Any) -> None:
    real = replace(REAL[reason], ports=(service_port(80, 8080),))
    plan = with_mirror(real, services=services).plan()
    assert words(plan) == ["release Service shop/cart", "delete Endpoints shop/cart"]
    assert reasons(plan) == [reason, "released"]
    assert set(only(plan, Release).labels) == {KIND, FROM, MANAGER}
    assert only(plan, Release).annotations == (FROM_UID,)
    assert not only(plan, Delete).guarded


def test_a_release_tells_of_a_target_port_that_the_manifest_does_not_set() -> None:
    """Somebody's manifest has a selector and no targetPort: that of the mirror stays, on which no pod listens."""
    plan = with_mirror(mirror(has_selector=True)).plan()
    assert only(plan, Release).why == because(Reason.STALE_TARGET_PORT, port=30080)


@cases(
    "live, kept",
    {
        "managed-by set by Helm": (labels(manager="Helm"), MANAGER),
        "no source": (labels(source=None), FROM),
        "no managed-by": (labels(manager=None), MANAGER),
    },
)
def test_only_labels_of_ours_are_taken_off(live: dict[str, str], kept: str) -> None:
    plan = with_mirror(mirror(has_selector=True, labels=live)).plan()
    assert set(only(plan, Release).labels) == {KIND, FROM, MANAGER} - {kept}


def test_a_release_takes_off_only_annotations_that_are_there() -> None:
    plan = with_mirror(mirror(has_selector=True, annotations={})).plan()
    assert only(plan, Release).annotations == ()


@cases("changed", {"Kubernetes took them over": {KIND: "managed-resource", FROM: "prod"}, "no labels": {}})
def test_endpoints_not_managed_by_us_stay_when_a_mirror_is_released(changed: dict[str, str]) -> None:
    plan = World(local(mirror(has_selector=True), endpoints(labels=changed))).plan()
    assert words(plan) == ["release Service shop/cart"]


# --- off limits -------------------------------------------------------------------------------------------------

OFF_LIMITS: dict[str, dict[str, Any]] = {
    "other_namespace": {
        "local": local(mirror(CART, service_port(81)), endpoints(addresses=())),
        "scope": replace(SCOPE, namespaces=frozenset({"web"})),
    },
    "deleting": {"local": local(mirror(CART, service_port(81), deleting=True), endpoints(addresses=()))},
    "namespace_terminating": {
        "local": local(
            mirror(CART, service_port(81)),
            endpoints(addresses=()),
            namespaces=[LocalNamespace("shop", terminating=True)],
        )
    },
}


@pytest.mark.parametrize("reason", OFF_LIMITS)
@cases("uid", {"another cluster's": {FROM_UID: "another"}, "ours": ANNOTATIONS})
def test_a_mirror_that_is_off_limits_never_fails_the_run(reason: str, uid: dict[str, str]) -> None:
    """Otherwise two clusters of one name, each with a --namespace of its own, could not be mirrored."""
    world = World(**OFF_LIMITS[reason])
    services = {key: replace(live, annotations=uid) for key, live in world.local.services.items()}
    plan = world.but(local=replace(world.local, services=services)).plan()
    assert [(step.why.reason, step.fails) for step in plan.steps if isinstance(step, Leave)] == [(reason, False)]


@pytest.mark.parametrize("reason", OFF_LIMITS)
@cases("services", {"wanted": (remote(),), "not wanted": ()})
def test_a_mirror_is_left_with_the_reason(reason: str, services: Any) -> None:
    plan = World(**OFF_LIMITS[reason], services=services).plan()
    assert (words(plan), reasons(plan)) == (["leave Service shop/cart"], [reason])


def test_a_mirror_that_is_off_limits_is_not_released() -> None:
    plan = with_mirror(mirror(has_selector=True, deleting=True)).plan()
    assert words(plan) == ["leave Service shop/cart"]


@cases(
    "changed",
    {
        "another namespace is terminating": {
            "local": local(mirror(), endpoints(), namespaces=[LocalNamespace("x", terminating=True)])
        },
        "another namespace is ignored": {"scope": replace(SCOPE, ignored_namespaces=frozenset({"x"}))},
    },
)
def test_what_happens_elsewhere_changes_nothing(changed: dict[str, Any]) -> None:
    assert all_unchanged(World(**changed).plan())


# --- not ours ---------------------------------------------------------------------------------------------------


@cases(
    "found",
    {
        "no label": {},
        "the label with another value": {KIND: "false"},
        "only our source": {FROM: "prod"},
        "only our managed-by": {MANAGER: "barrelman-sync"},
    },
)
@cases("has_selector", {"with selector": True, "without selector": False})
def test_a_local_service_wins(found: dict[str, str], *, has_selector: bool) -> None:
    live = service(CART, service_port(8080, "web", "web"), labels=found, has_selector=has_selector)
    plan = World(local(live, endpoints(labels={}))).plan()
    assert words(plan) == ["leave Service shop/cart"]
    assert reasons(plan) == ["local_service"]
    assert not only(plan, Leave).fails


@cases("found", {"no label": {}, "the label with another value": {KIND: "false"}, "only our source": {FROM: "prod"}})
def test_a_local_service_that_nobody_wants_is_not_even_mentioned(found: dict[str, str]) -> None:
    plan = World(local(service(labels=found), endpoints(labels={})), services=()).plan()
    assert [step for step in plan.steps if step.ref.kind != "Service" or not isinstance(step, Leave)] == []
    assert plan.writes == ()


# --- order and counting -----------------------------------------------------------------------------------------


def test_steps_come_in_the_order_of_the_keys_and_service_before_endpoints() -> None:
    keys = [Key(namespace, name) for namespace in "cab" for name in ("z", "x", "y", "w")]
    plan = World(local(), services=tuple(remote(key) for key in keys)).plan()
    services = [f"create {kind} {key}" for key in sorted(keys) for kind in ("Service", "Endpoints")]
    assert words(plan) == ["create Namespace a", "create Namespace b", "create Namespace c", *services]


def test_deletes_come_in_the_order_of_the_keys() -> None:
    keys = [Key("shop", name) for name in ("h", "b", "e", "a", "g", "c", "f", "d")]
    plan = World(local(*(mirror(key) for key in keys)), services=()).plan()
    assert words(plan) == [f"delete Service {key}" for key in sorted(keys)]


@cases(
    "live, managed",
    {
        "ours": ([mirror()], 1),
        "the original's": ([mirror(labels=labels(source=None))], 1),
        "of another source": ([mirror(labels=labels(source="stage"))], 0),
        "of another source, with endpoints of ours": ([mirror(labels=labels(source="stage")), endpoints()], 0),
        "a manual service with endpoints of ours": ([service(labels={KIND: "true"}), endpoints()], 1),
        "a manual service without endpoints": ([service(labels={KIND: "true"})], 0),
        "a manual service with endpoints of others": ([service(labels={KIND: "true"}), endpoints(labels={})], 0),
        "one that lost its label": ([service(), endpoints()], 1),
        "somebody's": ([service()], 0),
        "ours, with its endpoints": ([mirror(), endpoints()], 1),
        "two": ([mirror(), mirror(TILL)], 2),
    },
)
def test_what_counts_as_managed(live: list[Any], managed: int) -> None:
    assert World(local(*live)).plan().managed_services == managed
