"""The story of one Service: why it is mirrored or not, which nodes serve it, and what a run would do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from barrelman_sync.model.local import Local, LocalNamespace
from barrelman_sync.model.names import EndpointPort, Key, Kind
from barrelman_sync.model.remote import Node, ServingNodes
from barrelman_sync.model.selector import parse_selector
from barrelman_sync.model.settings import EndpointRules, Output, Scope
from barrelman_sync.planning.reasons import Exclusion, NotServing, Reason
from barrelman_sync.planning.steps import Create, Delete, Update
from barrelman_sync.planning.story import Verdict
from barrelman_sync.report.explanation import print_story
from barrelman_sync.report.story_document import story_document
from barrelman_sync.report.story_text import story_lines
from tests.schema import valid_story
from tests.values.builders import (
    ANNOTATIONS,
    CART,
    FROM,
    FROM_UID,
    MIRROR_LABELS,
    NODES,
    SCOPE,
    TILL,
    ZONE,
    World,
    cases,
    endpoints,
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
)
from tests.values.strategies import KEYS, worlds
from tests.values.test_laws import LAW

NOTHING = local()
SYSTEM = Key("kube-system", "dns")


def last_line(world: World, key: Key = CART, limit: int = 100) -> str:
    """Return the sum of the story, without the name of the Service."""
    *_, last = story_lines(world.story(key, limit))
    name, _, told = last.partition(": ")
    assert name == str(key)
    return told


# --- the whole ----------------------------------------------------------------------------------------------------


def test_the_story_of_a_new_mirror() -> None:
    world = World(
        local(namespaces=[LocalNamespace("web")]),
        services=(remote(Key("new", "cart"), port(), port(81, 0, "admin"), local_traffic=False),),
        nodes=(*(replace(node, labels={ZONE: "z1"}) for node in NODES), node("c", "10.0.0.3", ready="False")),
    )
    assert [*story_lines(world.story(Key("new", "cart")))] == [
        "Service new/cart",
        "  in the remote prod: type NodePort; http:80/TCP nodePort 30080, admin:81/TCP no nodePort",
        "    ok  a name that Kubernetes allows",
        "    ok  a type that is mirrored",
        "    ok  not in an ignored namespace",
        "    ok  not ruled out by --namespace",
        "    ok  not ruled out by --service-selector",
        "    ok  not annotated to be ignored",
        "    ok  not a mirror itself",
        "    ok  not a manual service",
        "    ok  not being deleted",
        "    ok  has a node port",
        "    ok  ports and session affinity that Kubernetes allows",
        "  in the local cluster: no Service of this name, and no such namespace",
        "  nodes: 2 of 3 serve the Service",
        "    ok  a  10.0.0.1  zone z1",
        "    ok  b  10.0.0.2  zone z1",
        "    no  c  10.0.0.3  not ready",
        "  plan:",
        "    + Namespace     new",
        "    + Service       new/cart  ClusterIP http:80/TCP->30080",
        "    + Endpoints     new/cart  10.0.0.1 10.0.0.2 : 30080/TCP",
        "  warning: port admin/TCP of Service new/cart is skipped: the port has no node port in the remote",
        "new/cart: the remote asks for a mirror; a run would create the Namespace, the Service and the Endpoints",
    ]


def test_the_story_of_a_mirror_that_is_as_wanted() -> None:
    *_, here, served, nodes, a, b, plan, same, also, last = story_lines(World().story())
    assert here == "  in the local cluster: a mirror of this remote; type ClusterIP; http:80/TCP->30080"
    assert served == "    Endpoints cart  10.0.0.1 10.0.0.2 : 30080/TCP  (managed by barrelman-sync)"
    assert (nodes, a, b) == ("  nodes: 2 of 2 serve the Service", "    ok  a  10.0.0.1", "    ok  b  10.0.0.2")
    assert [plan, same, also] == [
        "  plan:",
        "    = Service       shop/cart  the object is as wanted",
        "    = Endpoints     shop/cart  the object is as wanted",
    ]
    assert last == "shop/cart: the remote asks for a mirror; a run would change nothing"


# --- the verdict ---------------------------------------------------------------------------------------------------

SELECTED = replace(SCOPE, service_selector=parse_selector("tier=web"))


@cases(
    "world, told",
    {
        "its type": (
            World(NOTHING, (remote(type="ClusterIP"),)),
            "no mirror: type ClusterIP; a run would change nothing",
        ),
        "a load balancer": (
            World(services=(remote(type="LoadBalancer"),)),
            (
                "no mirror: type LoadBalancer, see --include-loadbalancers;"
                " a run would delete the Service and the Endpoints"
            ),
        ),
        "its namespace": (
            World(NOTHING, (remote(),), scope=replace(SCOPE, namespaces=frozenset({"web"}))),
            "no mirror: outside --namespace; a run would change nothing",
        ),
        "its labels": (
            World(services=(remote(),), scope=SELECTED),
            "no mirror: does not match --service-selector; a run would delete the Service and the Endpoints",
        ),
        "its annotation": (
            World(NOTHING, (remote(ignored=True),)),
            "no mirror: the remote Service is annotated to be ignored; a run would change nothing",
        ),
        "its ports": (
            World(NOTHING, (remote(CART, port(node_port=0)),)),
            "no mirror: the remote Service has no node port; a run would change nothing",
        ),
        "only here": (
            World(services=()),
            "the remote has no Service of this name; a run would delete the Service and the Endpoints",
        ),
        "a manual service": (
            World(local(manual())).but(services=()),
            "a manual service, which needs no Service in the remote; a run would create the Endpoints",
        ),
        "a local Service in the way": (
            World(local(service())),
            (
                "the remote asks for a mirror, but the Service is left: a local Service with this name already exists;"
                " a run would change nothing"
            ),
        ),
        "a terminating namespace": (
            World(local(namespaces=[LocalNamespace("shop", terminating=True)])),
            (
                "the remote asks for a mirror, but the Service is left: namespace shop is terminating;"
                " a run would change nothing"
            ),
        ),
        "a mirror of another source": (
            World(local(mirror(labels={**MIRROR_LABELS, FROM: "stage"}, annotations={}))),
            "the remote asks for a mirror, but the Service is left: mirrored from stage; a run would change nothing",
        ),
        "a mirror that a user took over": (
            World(local(mirror(has_selector=True), endpoints())),
            "the remote asks for a mirror; a run would release the Service, delete the Endpoints",
        ),
        "no node": (
            World(nodes=()),
            "the remote asks for a mirror, but the endpoints are kept: no node can be used; a run would change nothing",
        ),
        "a manual service with a selector": (
            World(local(manual(has_selector=True))).but(services=()),
            (
                "a manual service, which needs no Service in the remote, but the Service is left: a selector is set, so"
                " Kubernetes manages the endpoints; a run would change nothing"
            ),
        ),
        "nothing anywhere": (World(NOTHING, ()), "neither cluster has a Service of this name"),
        "nothing, but something near": (
            World(local(service(Key("web", "cart"))), (remote(Key("shop", "carts")),)),
            "neither cluster has a Service of this name; near it: shop/carts, web/cart",
        ),
    },
)
def test_the_sum(world: World, told: str) -> None:
    assert last_line(world) == told
    valid_story(story_document(world.story()))


def test_an_ignored_namespace() -> None:
    told = "no mirror: ignored namespace kube-system; a run would change nothing"
    assert last_line(World(NOTHING, (remote(SYSTEM),)), SYSTEM) == told


def test_what_a_guard_holds_back() -> None:
    """The guard judges the whole plan, not only the steps of this Service."""
    both = World(local(mirror(), endpoints(), mirror(TILL), endpoints(TILL)), services=())
    assert last_line(both, limit=2).endswith("a run would delete the Service and the Endpoints")
    lines = [*story_lines(both.story(limit=1))]
    assert lines[-1] == (
        "shop/cart: the remote has no Service of this name;"
        " a run would hold back the delete of the Service and the Endpoints"
    )
    (held,) = [line for line in lines if line.startswith("    ! Service")]
    told = "delete held back: 2 of 2 managed services would be removed, more"
    assert told in held


def test_every_rule_is_asked_and_the_first_that_is_not_passed_decides() -> None:
    world = World(NOTHING, (remote(SYSTEM, port(node_port=0), ignored=True),), scope=SELECTED)
    story = world.story(SYSTEM)
    failed = [answer.rule for answer in story.answers if answer.why_not]
    assert failed == ["ignored_namespace", "not_selected", "ignored", "no_node_port"]
    assert story.verdict is Verdict.NOT_ELIGIBLE
    assert [line for line in story_lines(story) if line.startswith("    no")] == [
        "    no  ignored namespace kube-system",
        "    no  does not match --service-selector",
        "    no  the remote Service is annotated to be ignored",
        "    no  the remote Service has no node port",
    ]


# --- what is here --------------------------------------------------------------------------------------------------


@cases(
    "world, told",
    {
        "nothing": (World(NOTHING), "no Service of this name"),
        "no namespace": (World(replace(NOTHING, namespaces={})), "no Service of this name, and no such namespace"),
        "a terminating namespace": (
            World(local(namespaces=[LocalNamespace("shop", terminating=True)])),
            "no Service of this name, and the namespace is terminating",
        ),
        "a Service of a user": (
            World(local(service(has_selector=True))),
            "a Service that barrelman-sync does not manage; type ClusterIP; http:80/TCP->30080; has a selector",
        ),
        "a manual service": (World(local(manual())), "a manual service; type ClusterIP; http:80/TCP->30080"),
        "a manual service of another source": (
            World(local(manual(labels={"tfw.io/barrelman": "true", FROM: "stage"}))),
            "a manual service, served from another remote, stage; type ClusterIP; http:80/TCP->30080",
        ),
        "a mirror of the original": (
            World(local(mirror(labels={"tfw.io/barrelman": "managed-resource"}, annotations={}))),
            "a mirror of this remote; type ClusterIP; http:80/TCP->30080",
        ),
        "a mirror of a cluster without a name": (
            World(local(mirror(labels={"tfw.io/barrelman": "managed-resource"}, annotations={FROM_UID: "x"}))),
            "a mirror of another remote, the cluster with uid x; type ClusterIP; http:80/TCP->30080",
        ),
        "a mirror of this cluster under another name": (
            World(local(mirror(labels={**MIRROR_LABELS, FROM: "old"}, annotations=ANNOTATIONS))),
            "a mirror of this very cluster under the name old; type ClusterIP; http:80/TCP->30080",
        ),
        "a mirror of another cluster of this name": (
            World(local(mirror(annotations={FROM_UID: "another"}))),
            "a mirror of another cluster that is called prod, too (uid another); type ClusterIP; http:80/TCP->30080",
        ),
        "all that a Service can be": (
            World(local(replace(service(headless=True, ignored=True, deleting=True), ports=()))),
            (
                "a Service that barrelman-sync does not manage; type ClusterIP; no ports; headless;"
                " annotated to be ignored; being deleted"
            ),
        ),
    },
)
def test_what_is_here(world: World, told: str) -> None:
    (line,) = [line for line in story_lines(world.story()) if line.startswith("  in the local cluster: ")]
    assert line.removeprefix("  in the local cluster: ") == told
    valid_story(story_document(world.story()))


def test_endpoints_without_addresses_are_here() -> None:
    """Kubernetes makes such ones when a Service gets a selector that matches no pod."""
    empty = World(local(mirror(), endpoints(addresses=(), ports=())))
    assert "    Endpoints cart  no addresses  (managed by barrelman-sync)" in [*story_lines(empty.story())]


# --- the nodes -----------------------------------------------------------------------------------------------------

THREE = tuple(node(name, f"10.0.0.{number}") for number, name in enumerate("abc", 1))
LOCAL_TRAFFIC = World(NOTHING, (remote(local_traffic=True),), THREE)


@cases(
    "world, answers",
    {
        "all serve": (World(NOTHING, nodes=THREE), {"a": None, "b": None, "c": None}),
        "one is excluded": (
            World(NOTHING, nodes=(*THREE[:2], node("c", "10.0.0.3", deleting=True))),
            {"a": None, "b": None, "c": Exclusion.DELETING},
        ),
        "one has another family only": (
            World(NOTHING, nodes=(*THREE[:2], node("c", "fd00::3"))),
            {"a": None, "b": None, "c": NotServing.NO_ADDRESS},
        ),
        "endpoints on one node": (
            LOCAL_TRAFFIC.but(serving={CART: ServingNodes(frozenset({"b"}), frozenset({"c"}))}),
            {"a": NotServing.NO_ENDPOINT, "b": None, "c": NotServing.NO_ENDPOINT},
        ),
        "endpoints that terminate": (
            LOCAL_TRAFFIC.but(serving={CART: ServingNodes(frozenset(), frozenset({"c"}))}),
            {"a": NotServing.NO_ENDPOINT, "b": NotServing.NO_ENDPOINT, "c": None},
        ),
        "no endpoints": (LOCAL_TRAFFIC, dict.fromkeys("abc", NotServing.NO_ENDPOINT)),
        "nobody knows where endpoints are": (
            LOCAL_TRAFFIC.but(serving=None, local=local(mirror(), endpoints(addresses=("10.0.0.1",)))),
            {"a": None, "b": NotServing.UNKNOWN, "c": NotServing.UNKNOWN},
        ),
        "no node is used": (
            World(nodes=(node(ready="False"),)),
            {"a": Exclusion.NOT_READY},
        ),
        "a Service without mirror": (World(NOTHING, (remote(ignored=True),)), {}),
        "a Service that is left": (World(local(service())), {}),
        "a mirror that goes": (World(services=()), {}),
        "a mirror that stays until the grace is over": (World(services=(), grace=60), {"a": None, "b": None}),
        "a mirror whose delete is held back": (
            World(local(mirror(), endpoints(), mirror(TILL)), services=(), nodes=NODES),
            {"a": None, "b": None},
        ),
        "a mirror whose delete is held back, with endpoints that were not read": (
            World(
                local(mirror(), endpoints(addresses=("10.0.0.1",)), mirror(TILL)),
                (remote(type="LoadBalancer", local_traffic=True),),
                NODES,
            ),
            {"a": None, "b": NotServing.HELD_BACK},
        ),
    },
)
def test_which_nodes_serve(world: World, answers: dict[str, Any]) -> None:
    story = world.story(limit=1)
    assert {answer.node: answer.why_not for answer in story.nodes} == answers
    valid_story(story_document(story))


def test_no_node_serves_a_mirror_whose_create_is_held_back() -> None:
    """Its node port belongs to a mirror whose delete a guard holds back."""
    taken = mirror(CART, service_port(node_port=30080), type="NodePort")
    wanted = remote(TILL, port(node_port=30080))
    world = World(local(taken, endpoints()), (wanted,), NODES, scope=replace(SCOPE, nodeports=True))
    told = [*story_lines(world.story(TILL, limit=0))]
    assert "  nodes: a run gives the Service no endpoints" in told
    assert told[-1].endswith(
        "node port 30080 of shop/cart, whose step is held back;"
        " a run would hold back the create of the Service and the Endpoints"
    )


@cases("slices", {"Endpoints": False, "slices": True})
def test_the_nodes_that_are_not_picked(slices: bool) -> None:  # noqa: FBT001
    world = World(NOTHING, nodes=THREE, rules=EndpointRules(slices, 1))
    story = world.story()
    (create,) = [step for step in story.steps if step.ref.kind in (Kind.ENDPOINTS, Kind.SLICE)]
    assert isinstance(create, Create)
    serving = [answer.addresses for answer in story.nodes if answer.why_not is None]
    assert serving == [create.wanted.content.addresses]  # type: ignore[union-attr]
    assert sorted(str(answer.why_not) for answer in story.nodes) == ["None", "not_picked", "not_picked"]
    assert "  nodes: 1 of 3 serve the Service, at most 1 (see --max-endpoints)" in [*story_lines(story)]


@cases(
    "world",
    {
        "endpoints are kept": World(nodes=()),
        "a guard holds the delete back": World(services=(), nodes=()),
    },
)
def test_a_remote_without_nodes_is_told(world: World) -> None:
    """The Service keeps its endpoints, so it would be wrong to say that a run gives it none."""
    assert "  nodes: the remote lists no node" in [*story_lines(world.story())]


@cases(
    "here, told",
    {
        "endpoints": (local(mirror(), endpoints()), "  nodes: 0 of 1 serve the Service; its endpoints are kept"),
        "none": (NOTHING, "  nodes: 0 of 1 serve the Service"),
    },
)
def test_endpoints_that_are_kept_although_no_node_is_used(here: Local, told: str) -> None:
    """Callers may still be answered, so nobody should read that they are not."""
    assert told in [*story_lines(World(here, nodes=(node(ready="False"),)).story())]


def test_a_node_may_have_only_the_family_that_endpoints_do_not_serve() -> None:
    """One Endpoints object has one family: the primary one."""
    world = World(local(mirror(families=("IPv6", "IPv4")), endpoints(addresses=("fd00::1",))))
    told = "    no  a  10.0.0.1  no address of an IP family in which the Service is served"
    assert told in [*story_lines(world.story())]


def test_the_limit_is_one_for_each_family() -> None:
    nodes = (*THREE, *(node(f"{each.name}6", f"fd00::{number}") for number, each in enumerate(THREE, 1)))
    world = World(
        local(mirror(families=("IPv4", "IPv6"))), nodes=nodes, rules=EndpointRules(slices=True, max_endpoints=1)
    )
    told = "  nodes: 2 of 6 serve the Service, at most 1 for each IP family (see --max-endpoints)"
    assert told in [*story_lines(world.story())]


def test_a_dual_stack_service_is_served_at_both_addresses() -> None:
    live = mirror(families=("IPv4", "IPv6"))
    both = Node("a", ("10.0.0.1", "10.0.0.9", "fd00::1"), "True")
    story = World(local(live), nodes=(both,), rules=EndpointRules(slices=True)).story()
    assert [answer.addresses for answer in story.nodes] == [("10.0.0.1", "fd00::1")]


def test_slices_of_this_service_are_here() -> None:
    found = local(mirror())
    world = World(replace(found, slices={CART: (slice_of("cart-barrelman-ipv4-0", "10.0.0.1"),)}))
    assert ("    EndpointSlice cart-barrelman-ipv4-0  10.0.0.1 : 30080/TCP  (managed by barrelman-sync)") in [
        *story_lines(world.story())
    ]


def test_text_shows_the_first_nodes_of_each_kind() -> None:
    many = tuple(node(f"n{number:03}", f"10.0.1.{number}") for number in range(30))
    lost = tuple(node(f"x{number:03}", f"10.0.2.{number}", ready="False") for number in range(12))
    story = World(NOTHING, nodes=(*many, *lost)).story()
    lines = [line for line in story_lines(story) if line.startswith(("    ok  n0", "    no", "    ok  2"))]
    assert lines[9:12] == ["    ok  n009  10.0.1.9", "    ok  20 more", "    no  x000  10.0.2.0  not ready"]
    assert lines[-1] == "    no  2 more  not ready"
    assert len(story_document(story)["nodes"]) == 42


# --- how it is printed ---------------------------------------------------------------------------------------------


def test_text_of_others_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    world = World(NOTHING, (remote(type="\x1b[2J\nshop/cart: all is well"),))
    print_story(world.story(), Output.TEXT, color=False)
    out = capsys.readouterr().out
    assert "type \\x1b[2J shop/cart: all is well;" in out
    assert not [line for line in out.splitlines()[:-1] if line.startswith("shop/cart")]


def test_the_plan_is_colored_and_the_last_line_is_bold(capsys: pytest.CaptureFixture[str]) -> None:
    print_story(World(NOTHING).story(), Output.TEXT, color=True)
    *lines, service, endpoints, last = capsys.readouterr().out.splitlines()
    assert last.startswith("\x1b[1mshop/cart: ")
    assert service.startswith("\x1b[32m    + Service ")
    assert endpoints.startswith("\x1b[32m    + Endpoints ")
    assert not any("\x1b" in line for line in lines)


# --- laws ----------------------------------------------------------------------------------------------------------


@LAW
@given(worlds())
def test_a_story_agrees_with_the_plan(world: World) -> None:
    """Nothing is decided twice: the verdict, the steps and the nodes are those of the run."""
    plan, desired = world.guarded(1), world.desired
    ineligible = {key for keys in desired.not_eligible.values() for key in keys}
    for key in KEYS:
        story = world.story(key, limit=1)
        assert [step for step in story.steps if step.ref.kind != Kind.NAMESPACE] == [
            step for step in plan.steps if step.ref.service == key and step.ref.kind != Kind.NAMESPACE
        ]
        assert (story.verdict is Verdict.WANTED) == (key in desired.mirrors)
        assert (story.verdict is Verdict.SKIPPED) == (key in desired.skipped)
        assert (story.verdict is Verdict.NOT_ELIGIBLE) == (key in ineligible)
        for step in story.steps:
            if isinstance(step, Create) and step.ref.kind == Kind.SERVICE:
                assert story.verdict is Verdict.WANTED
            if isinstance(step, Delete) and step.why.reason is Reason.NOT_IN_REMOTE:
                assert story.remote is None
        assert "{" not in "".join(story_lines(story))
        valid_story(story_document(story))


@LAW
@given(worlds())
def test_the_nodes_of_a_story_are_those_of_the_endpoints(world: World) -> None:
    used = {address for pool in world.choice.pools.values() for address in pool.addresses}
    for key in KEYS:
        story = world.story(key)
        written = {
            address
            for step in story.steps
            if isinstance(step, Create | Update) and step.ref.kind in (Kind.ENDPOINTS, Kind.SLICE)
            for address in step.wanted.content.addresses  # type: ignore[union-attr]
        }
        serving = {address for answer in story.nodes if not answer.why_not for address in answer.addresses}
        assert written & used <= serving <= used
        if story.nodes:
            assert {answer.node for answer in story.nodes} == {node.name for node in world.nodes}


def test_a_namespace_is_told_with_the_service_that_needs_it() -> None:
    keys = Key("new", "a"), Key("new", "b")
    world = World(NOTHING, (*map(remote, keys), remote(Key("web", "a"))))
    assert [word(step) for step in world.story(keys[1]).steps] == [
        "create Namespace new",
        "create Service new/b",
        "create Endpoints new/b",
    ]


def test_warnings_are_those_of_this_service_and_of_the_run() -> None:
    ports = port(), port(81, 0, "admin")
    lost = tuple(node(name, f"10.0.0.{number}", ready="Unknown") for number, name in enumerate("ab", 1))
    world = World(NOTHING, (remote(CART, *ports), remote(TILL, *ports)), lost)
    assert [str(why.reason) for why in world.story().warnings] == ["port_skipped", "assumed_ready"]


def test_ports_that_a_service_loses_are_told() -> None:
    old = EndpointPort("old", "TCP", 30080)
    world = World(local(mirror(CART, service_port(name="old")), endpoints(ports=(old,))))
    assert last_line(world) == "the remote asks for a mirror; a run would update the Endpoints and the Service"


def test_another_scope_is_another_story() -> None:
    world = World(
        NOTHING, (remote(type="LoadBalancer"),), scope=Scope("prod", "uid of prod", include_loadbalancers=True)
    )
    assert last_line(world) == "the remote asks for a mirror; a run would create the Service and the Endpoints"
