"""What endpoints a mirror or manual service gets, and when it keeps or loses them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from barrelman_sync.model.local import LocalEndpoints, LocalNamespace, LocalService, LocalSlice
from barrelman_sync.model.names import EndpointPort, Key, Kind, Ref, Revision
from barrelman_sync.model.remote import ServingNodes
from barrelman_sync.model.settings import EndpointRules, Scope
from barrelman_sync.model.wanted import WantedEndpoints
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.steps import Create, Delete, Leave, Update
from tests.values.builders import (
    ADDRESSES,
    CART,
    ENDPOINTS_LABELS,
    ENDPOINTS_MANAGER,
    FROM,
    FROM_UID,
    KIND,
    MANAGER,
    NODES,
    PROD,
    SCOPE,
    SLICE_MANAGER,
    World,
    cases,
    endpoints,
    endpoints_of,
    local,
    manual,
    mirror,
    node,
    port,
    reasons,
    remote,
    service,
    service_port,
    slice_of,
    words,
)

API_SERVER = Key("default", "kubernetes")
FROM_STAGE = {**ENDPOINTS_LABELS, FROM: "stage"}
UNNAMED = {name: value for name, value in ENDPOINTS_LABELS.items() if name != FROM}


def wanted_endpoints(world: World) -> WantedEndpoints:
    (found,) = (
        step.wanted
        for step in world.plan().steps
        if isinstance(step, Create | Update) and isinstance(step.wanted, WantedEndpoints)
    )
    return found


# --- of a mirror ------------------------------------------------------------------------------------------------


def test_endpoints_carry_the_nodes_and_the_ports_by_name_and_protocol() -> None:
    ports = port(80, 30080, "web", "TCP", "http"), port(53, 30053, "dns", "UDP"), port(53, 30053, "dns-tcp", "TCP")
    found = wanted_endpoints(World(local(), services=(remote(CART, *ports),)))
    assert found.content.addresses == ("10.0.0.1", "10.0.0.2")
    assert found.content.ports == (
        EndpointPort("dns", "UDP", 30053),
        EndpointPort("dns-tcp", "TCP", 30053),
        EndpointPort("web", "TCP", 30080, "http"),
    )
    assert (found.ref.key, found.content.origin, found.content.owner_uid) == (CART, PROD, None)


def test_endpoints_of_a_mirror_that_is_there_name_its_uid() -> None:
    assert wanted_endpoints(World(local(mirror()))).content.owner_uid == "uid of shop/cart"


@cases(
    "live, paths",
    {
        "an address less": (endpoints(addresses=("10.0.0.1",)), ["subsets.addresses"]),
        "an address more": (endpoints(addresses=("10.0.0.1", "10.0.0.2", "10.0.0.3")), ["subsets.addresses"]),
        "empty": (endpoints(addresses=()), ["subsets.addresses"]),
        "another port": (endpoints(ports=(EndpointPort("http", "TCP", 30081),)), ["subsets.ports"]),
        "another protocol": (endpoints(ports=(EndpointPort("http", "UDP", 30080),)), ["subsets.ports"]),
        "another name": (endpoints(ports=(EndpointPort("web", "TCP", 30080),)), ["subsets.ports"]),
        "another appProtocol": (endpoints(ports=(EndpointPort("http", "TCP", 30080, "h2c"),)), ["subsets.ports"]),
        "two subsets": (endpoints(regular=False), ["subsets"]),
        "no owner": (endpoints(owners=frozenset()), ["metadata.ownerReferences"]),
        "the owner of an earlier Service": (endpoints(owners=frozenset({"old"})), ["metadata.ownerReferences"]),
        "taken over by Kubernetes": (
            endpoints(labels={**ENDPOINTS_LABELS, ENDPOINTS_MANAGER: "endpoint-controller"}),
            [f"metadata.labels[{ENDPOINTS_MANAGER}]"],
        ),
        "the original's": (
            endpoints(labels={KIND: "true"}),
            [f"metadata.labels[{MANAGER}]", f"metadata.labels[{ENDPOINTS_MANAGER}]", f"metadata.labels[{FROM}]"],
        ),
        "another source": (endpoints(labels=FROM_STAGE), [f"metadata.labels[{FROM}]"]),
    },
)
def test_endpoints_that_differ_are_updated(live: LocalEndpoints, paths: list[str]) -> None:
    plan = World(local(mirror(), live)).plan()
    assert words(plan) == ["unchanged Service shop/cart", "update Endpoints shop/cart"]
    (update,) = (step for step in plan.steps if isinstance(step, Update))
    assert [change.path for change in update.changes] == paths
    assert update.live == live


@cases(
    "live",
    {
        "as they are": endpoints(),
        "managed-by set by Helm": endpoints(labels={**ENDPOINTS_LABELS, MANAGER: "Helm"}),
        "a second owner": endpoints(owners=frozenset({"uid of shop/cart", "uid of an operator"})),
    },
)
def test_endpoints_are_left_as_they_are(live: LocalEndpoints) -> None:
    assert words(World(local(mirror(), live)).plan()) == [
        "unchanged Service shop/cart",
        "unchanged Endpoints shop/cart",
    ]


def test_endpoints_follow_a_mirror_that_changes() -> None:
    world = World(services=(remote(CART, port(80, 30099)),))
    assert words(world.plan()) == ["update Service shop/cart", "update Endpoints shop/cart"]
    assert wanted_endpoints(world).content.ports == (EndpointPort("http", "TCP", 30099),)


def test_stray_endpoints_are_taken_for_a_new_mirror() -> None:
    world = World(local(endpoints(labels={}, owners=frozenset())))
    assert words(world.plan()) == ["create Service shop/cart", "update Endpoints shop/cart"]
    assert wanted_endpoints(world).content.owner_uid is None


def test_the_order_of_nodes_is_no_difference() -> None:
    assert World(nodes=NODES[::-1]).plan() == World().plan()


def test_addresses_are_sorted_and_unique() -> None:
    nodes = [node(f"n{n}", f"10.0.0.{n}") for n in (9, 3, 12, 7, 1, 5)] + [node("twin", "10.0.0.9")]
    found = wanted_endpoints(World(local(), nodes=tuple(nodes)))
    assert found.content.addresses == ("10.0.0.1", "10.0.0.12", "10.0.0.3", "10.0.0.5", "10.0.0.7", "10.0.0.9")


# --- no node ----------------------------------------------------------------------------------------------------

NONE_FIT = (node("a", ready="False"), node("b", deleting=True))


@cases("nodes", {"none is fit": NONE_FIT, "none is listed": ()})
def test_without_nodes_endpoints_stay_and_the_run_fails(nodes: Any) -> None:
    plan = World(nodes=nodes).plan()
    assert words(plan) == ["unchanged Service shop/cart", "leave Endpoints shop/cart"]
    kept = plan.steps[1]
    assert kept == Leave(Ref(Kind.ENDPOINTS, CART, CART), Why(Reason.NO_NODE))
    assert isinstance(kept, Leave)
    assert kept.fails


def test_without_nodes_a_new_mirror_is_created_without_endpoints() -> None:
    assert words(World(local(), nodes=NONE_FIT).plan()) == ["create Service shop/cart", "leave Endpoints shop/cart"]


def test_without_nodes_an_unwanted_mirror_still_goes() -> None:
    assert words(World(services=(), nodes=NONE_FIT).plan()) == [
        "delete Service shop/cart",
        "delete Endpoints shop/cart",
    ]


# --- families ---------------------------------------------------------------------------------------------------

DUAL_NODES = (node("a", "10.0.0.1", "fd00::1"), node("b", "10.0.0.2", "fd00::2"))
V4, V6 = ("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")


@cases(
    "families, expected",
    {"IPv4": (("IPv4",), V4), "IPv6": (("IPv6",), V6), "IPv6 first": (("IPv6", "IPv4"), V6), "unknown": ((), V4)},
)
def test_the_first_family_of_the_service_decides(families: Any, expected: tuple[str, ...]) -> None:
    world = World(local(mirror(families=families), endpoints(addresses=())), nodes=DUAL_NODES)
    assert wanted_endpoints(world).content.addresses == expected


@cases("families, expected", {"IPv4": (("IPv4",), V4), "IPv6": (("IPv6",), V6), "IPv6 first": (("IPv6", "IPv4"), V6)})
def test_a_new_service_gets_the_family_of_the_api_server(families: Any, expected: tuple[str, ...]) -> None:
    world = World(local(service(API_SERVER, families=families)), nodes=DUAL_NODES)
    assert wanted_endpoints(world).content.addresses == expected


@pytest.mark.parametrize("slices", [False, True])
def test_a_second_family_without_nodes_is_told_and_fails_nothing(*, slices: bool) -> None:
    plan = World(local(mirror(families=("IPv4", "IPv6"))), rules=EndpointRules(slices=slices)).plan()
    assert reasons(plan) == ["family_unserved"]
    assert not any(step.fails for step in plan.steps if isinstance(step, Leave))


def test_endpoints_stay_as_long_as_no_node_has_an_address_of_their_family() -> None:
    """Slices of the other family do not replace them."""
    world = World(local(mirror(families=("IPv4", "IPv6")), endpoints()), nodes=(node("a", "fd00::1"),))
    plan = world.but(rules=EndpointRules(slices=True)).plan()
    assert words(plan) == [
        "unchanged Service shop/cart",
        "leave Endpoints shop/cart",
        "create EndpointSlice shop/cart-barrelman-ipv6-0",
    ]


def test_without_an_address_of_the_family_endpoints_stay_and_the_run_fails() -> None:
    plan = World(local(mirror(families=("IPv6",)), endpoints())).plan()
    assert reasons(plan) == ["no_address"]
    assert [step.fails for step in plan.steps if isinstance(step, Leave)] == [True]


# --- of a manual service ----------------------------------------------------------------------------------------


def asked(live: LocalService, *found: LocalEndpoints, **fields: Any) -> World:
    """Return a world in which the remote has nothing, and a local Service asks for endpoints."""
    return World(local(live, *found), services=(), **fields)


def test_a_manual_service_gets_endpoints_and_nothing_else() -> None:
    ports = service_port(8080, 31000, "web"), service_port(53, 31053, "dns", "UDP", app_protocol="dns")
    world = asked(manual(CART, *ports))
    assert words(world.plan()) == ["create Endpoints shop/cart"]
    assert wanted_endpoints(world).content.ports == (
        EndpointPort("dns", "UDP", 31053, "dns"),
        EndpointPort("web", "TCP", 31000),
    )
    assert wanted_endpoints(world).content.owner_uid == "uid of shop/cart"


@cases("live", {"as it is": manual(), "headless": manual(headless=True), "NodePort": manual(type="NodePort")})
def test_a_manual_service_that_has_its_endpoints_is_unchanged(live: LocalService) -> None:
    assert words(asked(live, endpoints_of(live)).plan()) == ["unchanged Endpoints shop/cart"]


def test_a_manual_service_wins_over_a_mirror_and_still_gets_endpoints() -> None:
    plan = World(local(manual(), endpoints(addresses=()))).plan()
    assert words(plan) == ["leave Service shop/cart", "update Endpoints shop/cart"]


@cases(
    "live, found, reason",
    {
        "a target by name": (
            manual(CART, service_port(80, "web")),
            endpoints(),
            "named_target_port",
        ),
        "two targets by name": (
            manual(CART, service_port(80, "web"), service_port(81, "admin", "x"), service_port(82, 1, "y")),
            endpoints(),
            "named_target_port",
        ),
        "its label names another source": (
            manual(labels={KIND: "true", FROM: "stage"}),
            endpoints(),
            "served_by_other_source",
        ),
        "no label, its endpoints name another": (
            manual(),
            endpoints(labels=FROM_STAGE, annotations={}),
            "served_by_other_source",
        ),
        "no label, its endpoints name another cluster of our name": (
            manual(),
            endpoints(annotations={FROM_UID: "another"}),
            "other_cluster",
        ),
        "no label, its endpoints say only that they are of another cluster": (
            manual(),
            endpoints(labels=UNNAMED, annotations={FROM_UID: "another"}),
            "served_by_other_source",
        ),
        "its label names us, its endpoints another cluster of our name": (
            manual(labels={KIND: "true", FROM: "prod"}),
            endpoints(annotations={FROM_UID: "another"}),
            "other_cluster",
        ),
        "being deleted": (manual(deleting=True), endpoints(), "deleting"),
    },
)
def test_a_manual_service_is_left_with_the_reason(live: LocalService, found: LocalEndpoints, reason: str) -> None:
    plan = asked(live, replace(found, addresses=())).plan()
    assert (words(plan), reasons(plan)) == (["leave Service shop/cart"], [reason])


@cases(
    "live, scope",
    {
        "annotated": (manual(ignored=True), SCOPE),
        "in an ignored namespace": (manual(), replace(SCOPE, ignored_namespaces=frozenset({"shop"}))),
    },
)
def test_ignoring_is_about_mirroring_so_a_manual_service_is_served(live: LocalService, scope: Scope) -> None:
    """As the original's README says: it is a user who asks for these endpoints."""
    plan = asked(live, endpoints(addresses=()), scope=scope).plan()
    assert words(plan) == ["update Endpoints shop/cart"]


def test_a_manual_service_in_a_terminating_namespace_is_left() -> None:
    shop = LocalNamespace("shop", terminating=True)
    plan = World(local(manual(), namespaces=[shop]), services=()).plan()
    assert (words(plan), reasons(plan)) == (["leave Service shop/cart"], ["namespace_terminating"])


@cases(
    "live, found",
    {
        "its label names us, its endpoints another": (manual(labels={KIND: "true", FROM: "prod"}), FROM_STAGE),
        "endpoints of Kubernetes that copied a foreign source": (
            manual(),
            {**FROM_STAGE, ENDPOINTS_MANAGER: "endpoint-controller"},
        ),
        "endpoints of the user": (manual(), {}),
        "the original's endpoints": (manual(), {KIND: "true"}),
    },
)
def test_endpoints_of_a_manual_service_are_taken(live: LocalService, found: dict[str, str]) -> None:
    assert words(asked(live, endpoints(labels=found)).plan()) == ["update Endpoints shop/cart"]


CANNOT = {
    "has_selector": manual(has_selector=True),
    "external_name": manual(type="ExternalName"),
}


@pytest.mark.parametrize("reason", CANNOT)
def test_a_manual_service_that_cannot_have_endpoints_loses_ours(reason: str) -> None:
    plan = asked(CANNOT[reason], endpoints()).plan()
    assert words(plan) == ["leave Service shop/cart", "delete Endpoints shop/cart"]
    assert reasons(plan) == [reason, reason]
    assert [step.guarded for step in plan.steps if isinstance(step, Delete)] == [True]


@pytest.mark.parametrize("reason", CANNOT)
@cases(
    "found",
    {"another source's": FROM_STAGE, "Kubernetes' own": {ENDPOINTS_MANAGER: "endpoint-controller"}, "a user's": {}},
)
def test_endpoints_of_others_stay_there(reason: str, found: dict[str, str]) -> None:
    plan = asked(CANNOT[reason], endpoints(labels=found)).plan()
    assert words(plan) == ["leave Service shop/cart"]


# --- the label goes ---------------------------------------------------------------------------------------------


@cases("found", {"no label": {}, "another value": {KIND: "false"}, "only the source is left": {FROM: "prod"}})
def test_endpoints_of_ours_go_with_the_label(found: dict[str, str]) -> None:
    plan = asked(service(labels=found), endpoints()).plan()
    assert words(plan) == ["delete Endpoints shop/cart"]
    assert reasons(plan) == ["label_removed"]
    assert [step.guarded for step in plan.steps if isinstance(step, Delete)] == [True]


def test_what_is_going_already_is_not_deleted_again() -> None:
    assert asked(service(), endpoints(deleting=True)).plan().writes == ()
    assert World(local(mirror(), endpoints(deleting=True)), services=()).plan().writes[1:] == ()


def test_a_mirror_that_loses_its_label_loses_the_endpoints_and_stays() -> None:
    plan = World(local(service(), endpoints())).plan()
    assert words(plan) == ["leave Service shop/cart", "delete Endpoints shop/cart"]


@cases(
    "found",
    {
        "of another source": FROM_STAGE,
        "of Kubernetes, with labels of ours": {**ENDPOINTS_LABELS, ENDPOINTS_MANAGER: "endpoint-controller"},
        "of the original": {KIND: "true"},
        "of a user": {},
    },
)
def test_endpoints_of_others_stay_where_nobody_asks(found: dict[str, str]) -> None:
    assert asked(service(), endpoints(labels=found, annotations={})).plan().steps == ()


@cases(
    "found, reason",
    {
        "another cluster of our name": (endpoints(annotations={FROM_UID: "another"}), "other_cluster"),
        "this cluster under another name": (endpoints(labels=FROM_STAGE), "other_name"),
    },
)
def test_endpoints_that_no_other_run_need_delete_are_told_where_nobody_asks(found: LocalEndpoints, reason: str) -> None:
    plan = asked(service(), found).plan()
    assert (words(plan), reasons(plan)) == (["leave Endpoints shop/cart"], [reason])
    outside = asked(service(), found, scope=replace(SCOPE, namespaces=frozenset({"web"})))
    assert outside.plan().steps == ()


@cases("live, reason", {"annotated": (service(ignored=True), "ignored"),
                        "being deleted": (service(deleting=True), "deleting")})  # fmt: skip
def test_endpoints_of_ours_stay_at_a_service_that_is_off_limits(live: LocalService, reason: str) -> None:
    plan = asked(live, endpoints()).plan()
    assert (words(plan), reasons(plan)) == (["leave Endpoints shop/cart"], [reason])


def test_endpoints_without_a_service_are_left_to_the_garbage_collector() -> None:
    assert World(local(endpoints()), services=()).plan().steps == ()


# --- ignored: the Service stays, its endpoints follow the nodes -------------------------------------------------

IGNORED: dict[str, dict[str, Any]] = {
    "ignored": {"local": local(mirror(CART, service_port(81, 30081), ignored=True), endpoints(addresses=()))},
    "ignored_namespace": {
        "local": local(mirror(CART, service_port(81, 30081)), endpoints(addresses=())),
        "scope": replace(SCOPE, ignored_namespaces=frozenset({"shop"})),
    },
}


@pytest.mark.parametrize("reason", IGNORED)
@cases("services", {"wanted": (remote(),), "not wanted": ()})
def test_the_endpoints_of_an_ignored_mirror_follow_the_nodes_on_its_own_ports(reason: str, services: Any) -> None:
    world = World(**IGNORED[reason], services=services)
    assert words(world.plan()) == ["leave Service shop/cart", "update Endpoints shop/cart"]
    assert reasons(world.plan()) == [reason]
    assert wanted_endpoints(world).content.addresses == ADDRESSES
    assert wanted_endpoints(world).content.ports == (EndpointPort("http", "TCP", 30081),)


def test_an_ignored_mirror_with_local_traffic_keeps_to_the_serving_nodes() -> None:
    scope = replace(SCOPE, ignored_namespaces=frozenset({"shop"}))
    serving = {CART: ServingNodes(frozenset({"b"}))}
    world = World(local(mirror(), endpoints()), scope=scope, services=(remote(local_traffic=True),), serving=serving)
    assert wanted_endpoints(world).content.addresses == ADDRESSES[1:]


def test_an_ignored_mirror_that_has_a_selector_loses_our_endpoints_and_stays() -> None:
    plan = World(local(mirror(has_selector=True, ignored=True), endpoints())).plan()
    assert words(plan) == ["leave Service shop/cart", "leave Endpoints shop/cart", "delete Endpoints shop/cart"]
    assert reasons(plan) == ["ignored", "has_selector", "has_selector"]


# --- from slices to Endpoints -----------------------------------------------------------------------------------

COPIED = frozenset({"uid of endpoints shop/cart"})
"""The owner of what Kubernetes copies of the Endpoints that are there."""


@cases(
    "copies, what",
    {
        "all addresses": ((slice_of("copy", *ADDRESSES, owners=COPIED),), "delete"),
        "all addresses, in two copies": (
            tuple(slice_of(name, name, owners=COPIED) for name in ADDRESSES),
            "delete",
        ),
        "none yet": ((), "update"),
        "not all addresses": ((slice_of("copy", ADDRESSES[0], owners=COPIED),), "update"),
        "of former Endpoints": ((slice_of("copy", *ADDRESSES, owners=frozenset({"former"})),), "update"),
        "other ports": ((replace(slice_of("copy", *ADDRESSES, owners=COPIED), ports=()),), "update"),
    },
)
def test_slices_go_once_the_copies_of_the_endpoints_carry_the_addresses(
    copies: tuple[LocalSlice, ...], what: str
) -> None:
    ours = slice_of("cart-barrelman-ipv4-0", "10.0.0.9")
    world = with_slices(World(), ours)
    plan = world.but(local=replace(world.local, copies={CART: copies})).plan()
    assert words(plan)[1:] == [
        f"{'update' if what == 'delete' else 'unchanged'} Endpoints shop/cart",
        f"{what} EndpointSlice shop/cart-barrelman-ipv4-0",
        *(["leave EndpointSlice shop/cart"] if what == "update" else []),
    ]
    assert reasons(plan) == ["endpoints_take_over" if what == "delete" else "not_copied_yet"]


# --- leftovers and release ------------------------------------------------------------------------------------

CONTROLLER = "endpointslice-controller.k8s.io"


def pods(key: Key = CART) -> LocalSlice:
    """Return a slice that Kubernetes' controller left when a Service lost its selector."""
    labels = {SLICE_MANAGER: CONTROLLER}
    return LocalSlice(Key(key.namespace, f"{key.name}-x7f2k"), key, Revision("u", "1"), "IPv4", labels=labels)


def with_slices(world: World, *slices: LocalSlice) -> World:
    return world.but(local=replace(world.local, slices={CART: slices}))


LEFT = "delete EndpointSlice shop/cart-x7f2k"


@cases(
    "world, expected",
    {
        "with endpoints of ours": (World(), ["unchanged Service shop/cart", "unchanged Endpoints shop/cart", LEFT]),
        "that are kept": (World(nodes=()), ["unchanged Service shop/cart", "leave Endpoints shop/cart", LEFT]),
        "that are kept at a target by name": (
            asked(manual(CART, service_port(80, "web")), endpoints()),
            ["leave Service shop/cart", LEFT],
        ),
        "without any": (World(local(mirror()), nodes=()), ["unchanged Service shop/cart", "leave Endpoints shop/cart"]),
    },
)
def test_slices_of_pods_go_where_endpoints_of_ours_are(world: World, expected: list[str]) -> None:
    """They still draw traffic; but where nothing else serves they may be all that callers have."""
    assert words(with_slices(world, pods()).plan()) == expected


@cases(
    "live",
    {
        "a mirror with a selector": mirror(has_selector=True),
        "a manual service with a selector": manual(has_selector=True, labels={KIND: "true", FROM: "prod"}),
    },
)
def test_where_a_user_serves_all_endpoints_managed_by_us_are_deleted(live: LocalService) -> None:
    """Those of a former source, too, because nobody else would ever delete them."""
    labels = {**FROM_STAGE, SLICE_MANAGER: "barrelman-sync"}
    former = LocalSlice(Key("shop", "a"), CART, Revision("u", "1"), "IPv4", labels=labels)
    plan = with_slices(World(local(live, endpoints(labels=FROM_STAGE))), former).plan()
    assert words(plan)[-2:] == ["delete Endpoints shop/cart", "delete EndpointSlice shop/a"]
