"""Which nodes serve a Service after a run that holds steps back, keeps endpoints, or is between two endpoint modes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from barrelman_sync.model.names import EndpointPort
from barrelman_sync.model.remote import ServingNodes
from barrelman_sync.model.settings import EndpointRules
from barrelman_sync.planning.modes import chosen_mode
from barrelman_sync.planning.reasons import NotServing
from barrelman_sync.report.story_document import story_document
from tests.schema import valid_story
from tests.values.builders import (
    CART,
    KIND,
    SCOPE,
    TILL,
    World,
    cases,
    endpoints,
    endpoints_of,
    local,
    manual,
    mirror,
    node,
    remote,
    service_port,
    slice_of,
)
from tests.values.simulator import after
from tests.values.strategies import KEYS, worlds
from tests.values.test_laws import LAW

THREE = tuple(node(name, f"10.0.0.{number}") for number, name in enumerate("abc", 1))
NODEPORTS = replace(SCOPE, nodeports=True)
TILL_HAS_30080 = mirror(TILL, service_port(node_port=30080), type="NodePort")
CART_HAS_30081 = mirror(CART, service_port(target=30081, node_port=30081), type="NodePort")
LOCAL_TRAFFIC = (remote(local_traffic=True),)
OF_THE_ORIGINAL = (
    mirror(labels={KIND: "managed-resource"}, annotations={}),
    endpoints(labels={KIND: "true"}, annotations={}),
)
OLD_SLICE = (slice_of("cart-barrelman-ipv4-0", "10.0.0.1", "10.0.0.2"),)


@cases(
    "world, answers",
    {
        "a new mirror that is held back": (
            World(local(TILL_HAS_30080, endpoints(TILL)), scope=NODEPORTS),
            {},
        ),
        "a mirror that is held back keeps its nodes, and new ones come": (
            World(
                local(
                    TILL_HAS_30080,
                    endpoints(TILL),
                    CART_HAS_30081,
                    endpoints_of(CART_HAS_30081, addresses=("10.0.0.9",)),
                ),
                scope=NODEPORTS,
            ),
            {"a": None, "b": None, "c": None},
        ),
        "a delete that is held back, with fewer nodes than before": (
            World(local(mirror(), endpoints()), (), rules=EndpointRules(max_endpoints=1)),
            {"a": NotServing.NOT_PICKED, "b": NotServing.NOT_PICKED, "c": None},
        ),
        "a delete that is held back, and nobody asked which nodes have endpoints": (
            World(local(mirror(), endpoints(addresses=("10.0.0.1",))), (remote(local_traffic=True, ignored=True),)),
            {"a": None, "b": NotServing.HELD_BACK, "c": NotServing.HELD_BACK},
        ),
        "a delete that is held back, of a target port by name": (
            World(local(mirror(CART, service_port(target="web")), endpoints()), ()),
            {"a": None, "b": None, "c": NotServing.HELD_BACK},
        ),
        "endpoints of a manual service that no longer asks": (
            World(local(replace(manual(), labels={KIND: "false"}), endpoints(addresses=("10.0.0.1",))), ()),
            {"a": None, "b": None, "c": None},
        ),
        "Endpoints of the original are kept, too": (
            World(local(*OF_THE_ORIGINAL), LOCAL_TRAFFIC),
            {"a": None, "b": None, "c": NotServing.NO_ENDPOINT},
        ),
        "slices that go with the next run lose a node in this one": (
            World(
                replace(local(mirror()), slices={CART: OLD_SLICE}),
                LOCAL_TRAFFIC,
                serving={CART: ServingNodes(frozenset({"b"}), frozenset())},
            ),
            {"a": NotServing.NO_ENDPOINT, "b": None, "c": NotServing.NO_ENDPOINT},
        ),
        "a port that changes its name": (
            World(
                local(
                    mirror(CART, service_port(name="old")),
                    endpoints(ports=(EndpointPort("old", "TCP", 30080),), addresses=("10.0.0.1",)),
                )
            ),
            {"a": None, "b": None, "c": None},
        ),
    },
)
def test_which_nodes_serve_after_the_run(world: World, answers: dict[str, Any]) -> None:
    story = world.but(nodes=THREE).story(limit=0)
    assert {answer.node: answer.why_not for answer in story.nodes} == answers
    valid_story(story_document(story))


NAMES = st.frozensets(st.sampled_from(["n0", "n1", "n2"]))
SERVING = st.none() | st.dictionaries(st.sampled_from(KEYS), st.builds(ServingNodes, NAMES, NAMES))


@LAW
@given(worlds(), st.sets(st.sampled_from(KEYS)), SERVING, st.integers(0, 2))
def test_the_nodes_that_serve_are_those_that_the_endpoints_have_after_the_run(
    world: World, local_traffic: set[Any], serving: dict[Any, ServingNodes] | None, limit: int
) -> None:
    services = tuple(replace(each, local_traffic=each.key in local_traffic) for each in world.services)
    world = world.but(services=services, serving=serving)
    used = {address for pool in world.choice.pools.values() for address in pool.addresses}
    later = replace(world.situation, local=after(world.local, world.guarded(limit)))
    for key in KEYS:
        story = world.story(key, limit)
        serves = {address for answer in story.nodes if not answer.why_not for address in answer.addresses}
        found = later.local.endpoints.get(key)
        of_this_source = later.present_addresses(key)
        every = {
            *(found.addresses if found else ()),
            *(each for slice_ in later.slices(key) for each in slice_.addresses),
        }
        if story.nodes:
            assert of_this_source & used <= serves <= every & used
        most = chosen_mode(world.rules).limit(world.rules.max_endpoints)
        if any(answer.why_not is NotServing.NOT_PICKED for answer in story.nodes):
            assert sum(not answer.why_not for answer in story.nodes) >= most > 0
