"""What holds for every state of both clusters: laws, each tried on many worlds by Hypothesis."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from barrelman_sync.model.local import Local, LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import Family, Key
from barrelman_sync.model.remote import RemotePort, RemoteService
from barrelman_sync.model.wanted import Mirror, WantedEndpoints, WantedSlice
from barrelman_sync.planning.node_ports import node_ports_taken
from barrelman_sync.planning.reasons import KEEPING
from barrelman_sync.planning.result import Report
from barrelman_sync.planning.steps import Create, Delete, HeldBack, Leave, Plan, Step, Update
from barrelman_sync.report.document import as_json, document
from barrelman_sync.report.text import plan_lines, summary_line
from tests.values.builders import (
    FROM,
    FROM_UID,
    KIND,
    MARK,
    SCOPE,
    ZONE,
    World,
    local,
    mirror,
    node,
    service,
    service_port,
)
from tests.values.simulator import after
from tests.values.strategies import is_for_us, is_ignored, is_off_limits, is_plain, may_write, port_worlds, worlds

T = TypeVar("T")
LAW = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=set(Phase) - {Phase.explain},  # it takes minutes
)


def then(world: World, plan: Plan) -> World:
    return world.but(local=after(world.local, plan))


# --- 1 and 2: a second run writes nothing, and all that can be is as the remote asks ------------------------------


@LAW
@given(worlds())
def test_a_run_converges(world: World) -> None:
    first = world.plan()
    later = then(world, first)
    later = after_renames(later, first, later.plan())
    assert later.plan().writes == ()
    for wanted in world.desired.mirrors.values():
        if not is_blocked(world, wanted) and wanted.key not in keeping_names(first):
            assert as_wanted(later.local.services[wanted.key], wanted)
            assert_served(later, wanted)
    left = {key for key, live in later.local.services.items() if may_write(later, live)}
    assert_wait(later, left - world.desired.mirrors.keys())
    gone = world.local.services.keys() - later.local.services.keys()
    assert gone & {*later.local.endpoints, *later.local.slices} == set()


def after_renames(later: World, first: Plan, second: Plan) -> World:
    """Return the world after the second run, which only takes names from Endpoints that the first gave two names."""
    renamed = set() if later.rules.slices else {step.ref.key for step in first.writes if is_rename(step)}
    for step in second.writes:
        assert step.ref.service in renamed
        assert isinstance(step, Update)
        assert isinstance(step.live, LocalEndpoints | LocalSlice)
        (change,) = step.changes
        assert change.path in {"subsets.ports", "ports"}
        assert isinstance(step.wanted, WantedEndpoints | WantedSlice)
        assert set(step.wanted.content.ports) < set(step.live.ports)
    return then(later, second)


def keeping_names(plan: Plan) -> set[Key]:
    """Return the mirrors whose ports keep their names because their endpoints are kept."""
    left = [step for step in plan.steps if isinstance(step, Leave) and step.why.reason in KEEPING]
    kept = {step.ref.key for step in left if step.ref.kind == "Endpoints"}
    return {step.ref.key for step in left if step.ref.kind == "Service"} & kept


def is_rename(step: Step) -> bool:
    """Return whether a port of a mirror gets another name."""
    if not isinstance(step, Update) or not isinstance(step.wanted, Mirror) or not isinstance(step.live, LocalService):
        return False
    before = {(port.port, port.protocol): port.name for port in step.live.ports}
    return any(before.get((port.port, port.protocol), port.name) != port.name for port in step.wanted.ports)


def assert_wait(later: World, unwanted: set[Key]) -> None:
    """Check that mirrors which are not wanted are marked, and gone after the grace."""
    marks = {datetime.fromisoformat(later.local.services[key].annotations[MARK]).timestamp() for key in unwanted}
    assert all(later.now - later.grace < mark <= later.now for mark in marks)
    over = later.but(now=later.now + int(later.grace))
    assert unwanted.isdisjoint(then(over, over.plan()).local.services)


@LAW
@given(worlds())
def test_a_mirror_that_waits_stays_as_it_is_and_keeps_endpoints(world: World) -> None:
    later = then(world, world.plan())
    for key, live in later.local.services.items():
        if MARK in live.annotations and may_write(later, live) and is_plain(live):
            before = world.local.services[key]
            same = replace(live, revision=before.revision, labels=before.labels, annotations=before.annotations)
            assert same == before
            assert live.labels == {**before.labels, FROM: "prod"}
            assert addresses(later.local, key) or not addresses(world.local, key)


def addresses(found: Local, key: Key) -> set[str]:
    """Return the addresses of all endpoints of a Service, whoever wrote them."""
    endpoints = [found.endpoints[key]] if key in found.endpoints else []
    return {address for item in (*endpoints, *found.slices.get(key, ())) for address in item.addresses}


def is_blocked(world: World, wanted: Mirror) -> bool:
    """Return whether something that is not ours to change stands in the way of a mirror."""
    live = world.local.services.get(wanted.key)
    if live is not None:
        return not may_write(world, live) or not is_plain(live)
    namespace = wanted.key.namespace
    return namespace == "gone" or (namespace == "new" and not world.scope.create_namespaces)


def as_wanted(live: LocalService, wanted: Mirror) -> bool:
    labels = (live.labels.get(KIND), live.labels.get(FROM))
    same = (live.type, live.ports, live.affinity) == (wanted.type, wanted.ports, wanted.affinity)
    return same and MARK not in live.annotations and labels == ("managed-resource", "prod")


def assert_served(later: World, wanted: Mirror) -> None:
    """Check that a mirror has the nodes that it should have, and the remote's node ports."""
    family = (*later.local.services[wanted.key].families, "IPv4")[0]
    if pool := dict(later.choice.pools).get(family):
        addresses, ports = served(later.local, wanted.key, slices=later.rules.slices, family=family)
        assert addresses <= set(pool.addresses)
        assert len(addresses) == min(pool.size, later.rules.max_endpoints or pool.size)
        assert ports == {(port.name, port.protocol, port.target_port) for port in wanted.ports}
        assert_zones(later, wanted.key, family)


def assert_zones(later: World, key: Key, family: Family) -> None:
    """Check that the slices of a Service have the zones of its nodes if the user asked for them, and no others."""
    asked = later.rules.prefer_same_zone
    zones = {address: found.labels.get(ZONE, "") for found in later.nodes if asked for address in found.addresses}
    for item in later.local.slices.get(key, ()):
        if item.family == family:
            assert [*item.zones] in ([zones.get(address, "") for address in item.addresses], [])
            assert item.zones or not any(zones.get(address) for address in item.addresses)


def served(later: Local, key: Key, *, slices: bool, family: Family) -> tuple[set[str], set[tuple[str, str, int]]]:
    """Return addresses and ports by which a Service is served in a family."""
    found = [item for item in later.slices.get(key, ()) if item.family == family] if slices else [later.endpoints[key]]
    assert all(item.owners >= {later.services[key].revision.uid} for item in found)
    ports = {(port.name, port.protocol, port.port) for item in found for port in item.ports}
    return {address for item in found for address in item.addresses}, ports


# --- 3: what is not ours stays ------------------------------------------------------------------------------------


@LAW
@given(worlds())
def test_what_is_not_ours_stays_as_it_is(world: World) -> None:
    plan = world.plan()
    assert "gone" not in {step.ref.key.namespace for step in plan.writes}
    for step in plan.writes:
        assert_may_be_written(world, step)
    later = then(world, plan).local
    for key, live in world.local.services.items():
        if not may_write(world, live):
            assert later.services[key] == live
        elif not is_plain(live):
            assert_only_our_metadata_went(later.services[key], live)


def is_ours_to_serve(world: World, step: Step) -> bool:
    """Return whether the endpoints of a Service may be written: of our mirror, or where it asks us for them."""
    live = world.local.services.get(step.ref.service)
    if live is None:
        return step.ref.service in world.desired.mirrors
    asks = live.labels.get(KIND) in {"true", "managed-resource"}
    if is_off_limits(world, live) or (is_ignored(live) and not asks):
        return False
    return not asks or is_for_us(world, holder(world, live))


def holder(world: World, live: LocalService) -> LocalService | LocalEndpoints | LocalSlice:
    """Return the object that says whose a Service is: a mirror itself; at a manual service, endpoints of its source."""
    if live.labels.get(KIND) != "true":
        return live
    found = world.local.endpoints.get(live.key)
    ours = found and found.labels.get("endpoints.kubernetes.io/managed-by") == "barrelman-sync"
    slices = (item for item in world.local.slices.get(live.key, ()) if item.manager == "barrelman-sync")
    managed: list[LocalEndpoints | LocalSlice] = [*([found] if found and ours else []), *slices]
    told = (item for item in managed if item.labels.get(FROM) or item.annotations.get(FROM_UID))
    asked = live.labels.get(FROM)
    return next((item for item in told if asked in {None, item.labels.get(FROM)}), live)


def says_it_is_ours(world: World, key: Key) -> bool:
    """Return whether an Endpoints object says so itself, or is managed by us at a Service that asks this source."""
    found, service = world.local.endpoints[key], world.local.services[key]
    asks_us = service.labels.get(KIND) == "true" and FROM in service.labels and is_for_us(world, holder(world, service))
    manager = found.labels.get("endpoints.kubernetes.io/managed-by")
    return manager == "barrelman-sync" and (asks_us or is_for_us(world, found))


def assert_may_be_written(world: World, step: Step) -> None:
    live = world.local.services.get(step.ref.service)
    if step.ref.kind == "Service" and live is not None:
        assert may_write(world, live)
    if step.ref.kind in {"Endpoints", "EndpointSlice"}:
        assert is_ours_to_serve(world, step)
    if step.ref.kind == "Endpoints" and isinstance(step, Delete) and live and not may_write(world, live):
        has_our_label = live.labels.get(KIND) in {"true", "managed-resource"}
        is_served = has_our_label and not live.has_selector and live.type != "ExternalName"
        assert (is_served and world.rules.slices) or says_it_is_ours(world, step.ref.key)


def assert_only_our_metadata_went(later: LocalService, live: LocalService) -> None:
    labels = {name: value for name, value in live.labels.items() if value == "Helm"}
    released = replace(later, revision=live.revision, managed_fields=live.managed_fields, holders=live.holders)
    assert released == replace(live, labels=labels, annotations={})


# --- 4: the order of what is listed is irrelevant -----------------------------------------------------------------


def shuffled(items: Mapping[Key, T], by: random.Random) -> dict[Key, T]:
    return dict(by.sample(list(items.items()), len(items)))


def mixed(world: World, by: random.Random) -> World:
    """Return the same world, as another API server might list it."""
    found = world.local
    services = [replace(item, ports=tuple(by.sample(item.ports, len(item.ports)))) for item in world.services]
    return world.but(
        local=replace(
            found,
            services=shuffled(found.services, by),
            endpoints=shuffled(found.endpoints, by),
            slices=shuffled(found.slices, by),
            namespaces=dict(by.sample(list(found.namespaces.items()), len(found.namespaces))),
        ),
        services=tuple(by.sample(services, len(services))),
        nodes=tuple(by.sample(world.nodes, len(world.nodes))),
    )


def told(world: World, limit: int) -> tuple[str, ...]:
    report = Report("prod", world.guarded(limit), world.desired, world.choice, dry_run=True)
    return (*plan_lines(report), summary_line(report), as_json(document(report)))


@LAW
@given(worlds(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_the_order_of_what_is_listed_is_irrelevant(world: World, by: random.Random, limit: int) -> None:
    assert mixed(world, by).guarded(limit) == world.guarded(limit)
    assert told(mixed(world, by), limit) == told(world, limit)


# --- 5: node ports ------------------------------------------------------------------------------------------------


@settings(LAW, max_examples=150)
@given(port_worlds())
def test_no_node_port_is_taken_before_it_is_free(world: World) -> None:
    later = then(world, world.plan())  # the simulator refuses a port that is held
    have = {key: {port.node_port for port in live.ports} for key, live in later.local.services.items()}
    assert have == {key: set(wanted.node_ports) for key, wanted in world.desired.mirrors.items()}
    assert later.plan().writes == ()


def ring(length: int) -> World:
    """Return mirrors of which each wants the node port of the next, the last that of the first."""
    keys = [Key("shop", f"s{n}") for n in range(length)]
    live = [
        mirror(key, service_port(80, 30000 + n, node_port=30000 + n), type="NodePort") for n, key in enumerate(keys)
    ]
    wanted = [
        RemoteService(key, "NodePort", (RemotePort("http", "TCP", 80, 30000 + (n + 1) % length),))
        for n, key in enumerate(keys)
    ]
    return World(local(*live), tuple(wanted), (node(),), replace(SCOPE, nodeports=True))


@given(st.integers(2, 7))
def test_rings_of_any_length_are_untied(length: int) -> None:
    world = ring(length)
    assert then(world, world.plan()).plan().writes == ()


# --- 6: two clusters that mirror each other -----------------------------------------------------------------------

Two = dict[str, Local]


def seen_from_afar(cluster: Local) -> tuple[RemoteService, ...]:
    """Return the Services of a cluster as the other one reads them."""
    return tuple(
        RemoteService(
            live.key,
            live.type,
            tuple(RemotePort(port.name, port.protocol, port.port, port.node_port) for port in live.ports),
            live.affinity,
            live.labels.get(KIND),
            has_selector=live.has_selector,
        )
        for live in cluster.services.values()
    )


def synced(two: Two, name: str, *, nodeports: bool) -> Two:
    """Return both clusters after a run in one of them."""
    (other,) = two.keys() - {name}
    world = World(two[name], seen_from_afar(two[other]), (node(),), replace(SCOPE, source=other, nodeports=nodeports))
    return {**two, name: after(two[name], world.plan())}


def without(cluster: Local, lost: set[Key]) -> Local:
    """Return a cluster in which somebody deleted those of these Services that are no mirrors."""
    kept = {key: live for key, live in cluster.services.items() if key not in lost or live.labels.get(KIND)}
    return replace(cluster, services=kept)


def own(key: Key, number: int) -> LocalService:
    return service(key, service_port(80, 8080, node_port=number), type="NodePort", has_selector=True)


PLACES = [Key("shop", name) for name in "abcd"]


@LAW
@given(
    places=st.fixed_dictionaries({name: st.sets(st.sampled_from(PLACES)) for name in ("east", "west")}),
    lost=st.sets(st.sampled_from(PLACES)),
    runs=st.lists(st.sampled_from(["east", "west"]), max_size=4),
    nodeports=st.booleans(),
)
def test_two_clusters_never_resurrect_what_both_lost(
    places: dict[str, set[Key]], lost: set[Key], runs: list[str], *, nodeports: bool
) -> None:
    start = {"east": 30000, "west": 31000}
    two = {
        name: local(*(own(key, start[name] + n) for n, key in enumerate(sorted(found))))
        for name, found in places.items()
    }
    for name in runs:
        two = synced(two, name, nodeports=nodeports)
    two = {name: without(cluster, lost) for name, cluster in two.items()}
    for name in ("east", "west", "east", "west"):
        two = synced(two, name, nodeports=nodeports)
    alive = (places["east"] | places["west"]) - lost
    assert {name: set(cluster.services) for name, cluster in two.items()} == {"east": alive, "west": alive}


# --- 7: guards ----------------------------------------------------------------------------------------------------


def doomed(plan: Plan) -> set[Key]:
    """Return the Services that a plan takes from callers."""
    return {step.ref.service for step in plan.steps if isinstance(step, Delete) and step.guarded}


@LAW
@given(st.one_of(worlds(), worlds(nodeports=True), port_worlds()), st.integers(0, 3))
def test_guards_hold_back_all_deletes_or_none_and_nothing_that_can_go_on(world: World, limit: int) -> None:
    before, held = world.plan(), world.guarded(limit)
    if len(doomed(before)) > limit or (doomed(before) and not world.nodes):
        assert doomed(held) == set()
    else:
        assert held == before
    later = then(world, held)  # the simulator refuses a port that is held
    settled = after_renames(later, held, later.guarded(limit))
    assert settled.guarded(limit).writes == ()
    assert_only_what_has_to_waits(world.local, before, held, node_ports(later.local))


def node_ports(cluster: Local) -> set[int]:
    return {port.node_port for live in cluster.services.values() for port in live.ports if port.node_port}


def fits(live: LocalService | None, wanted: Mirror) -> bool:
    """Return whether endpoints for the wanted Service serve it as it is now, joined by name and protocol."""
    now = {(port.name, port.protocol) for port in live.ports} if live else None
    return now is not None and now <= {(port.name, port.protocol) for port in wanted.ports}


def is_idle_namespace(step: Step, held: Plan) -> bool:
    """Return whether the step creates a namespace for Services that are all held back."""
    if step.ref.kind != "Namespace":
        return False
    created = {other.ref.key.namespace for other in held.steps if isinstance(other, Create)}
    return step.ref.key.name not in created


def assert_only_what_has_to_waits(now: Local, before: Plan, held: Plan, kept: set[int]) -> None:
    """Check that only deletes and what needs a node port that stays were touched, with endpoints not fitting yet."""
    fallback = [added for step in before.steps if isinstance(step, Delete) for added in step.fallback]
    fallback += [added for step in before.steps if isinstance(step, Update) for added in step.before]
    assert all(step.ref.kind != "Service" for step in fallback)
    waiting = set()
    planned = [step for step in before.steps if not is_idle_namespace(step, held)]
    for one, other in zip(planned, [step for step in held.steps if step not in fallback], strict=True):
        if not isinstance(other, HeldBack):
            assert other == one
            continue
        assert other.step == one
        if isinstance(one, Create | Update) and isinstance(one.wanted, Mirror):
            assert node_ports_taken(one) & kept
            waiting |= set() if fits(now.services.get(one.ref.key), one.wanted) else {one.ref.key}
        else:
            assert (isinstance(one, Delete) and one.guarded) or one.ref.service in waiting
