"""Worlds for the laws: any local state beside any remote one, small enough to collide often."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from barrelman_sync.model.local import Local, LocalEndpoints, LocalNamespace, LocalService, LocalSlice
from barrelman_sync.model.names import Affinity, EndpointPort, Key, Revision, ServicePort
from barrelman_sync.model.remote import Node, RemotePort, RemoteService
from barrelman_sync.model.selector import parse_selector
from barrelman_sync.model.settings import EndpointRules, Scope
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.desired import desired_mirrors
from tests.values.builders import (
    ANNOTATIONS,
    ENDPOINTS_MANAGER,
    FROM,
    FROM_UID,
    KIND,
    MANAGER,
    MARK,
    SCOPE,
    ZONE,
    World,
    endpoints_of,
    held_by,
    local,
    mirror,
    service_port,
    with_holders,
)

NAMESPACES = ("shop", "web", "kube-system", "gone", "new")
"""Two ordinary ones, an ignored one, one that is terminating, one that is missing."""
KEYS = (Key("shop", "a"), Key("shop", "b"), Key("web", "a"), *(Key(name, "a") for name in NAMESPACES[2:]))
T = TypeVar("T")
SHAPES = (("http", "TCP", 80), ("", "TCP", 80), ("dns", "UDP", 53), ("dns-tcp", "TCP", 53), ("http", "TCP", 8080))
SOURCES = ("prod", "stage", "old", None)
AFFINITIES = st.sampled_from([Affinity(), Affinity("ClientIP", 10800), Affinity("ClientIP", 60)])


def mostly(usual: T, *rare: T, times: int = 4) -> st.SearchStrategy[T]:
    """Return a choice in which the rare ones are in the middle: Hypothesis prefers both ends."""
    return st.sampled_from([*[usual] * times, *rare, *[usual] * times])


RARELY = mostly(False, True, times=8)  # noqa: FBT003
FAMILIES = mostly(("IPv4",), ("IPv6",), ("IPv4", "IPv6"), (), times=3)


def _almost(wanted: Mirror, tweak: dict[str, Any], mark: dict[str, str]) -> LocalService:
    """Return the mirror as a run leaves it, but for one field of its first port, and for a mark."""
    first, *others = wanted.ports
    made = mirror(wanted.key, replace(first, **tweak), *others, affinity=wanted.affinity)
    return replace(made, annotations={**made.annotations, **mark})


def _numbered(node: Node, n: int) -> Node:
    return replace(node, name=f"n{n}", addresses=tuple(address % n for address in node.addresses))


def _targeted(found: list[tuple[str, str, int]], target: int | str) -> tuple[ServicePort, ...]:
    return tuple(sorted(ServicePort(name, protocol, number, target) for name, protocol, number in found))


def _local(
    services: dict[Key, LocalService],
    endpoints: dict[Key, LocalEndpoints],
    slices: dict[Key, list[tuple[str, tuple[str | None, dict[str, str]], tuple[str, ...], tuple[str, ...]]]],
) -> Local:
    return Local(
        cluster_id="local",
        namespaces={name: LocalNamespace(name, terminating=name == "gone") for name in NAMESPACES if name != "new"},
        services={
            key: replace(live, key=key, revision=Revision(f"uid of {key}", "1")) for key, live in services.items()
        },
        endpoints={key: _endpoints(key, live) for key, live in endpoints.items()},
        slices={key: tuple(_slice(key, *live) for live in sorted(found, key=str)) for key, found in slices.items()},
    )


def _endpoints(key: Key, live: LocalEndpoints) -> LocalEndpoints:
    owners = frozenset(owner.replace("%s", str(key)) for owner in live.owners)
    return replace(live, key=key, revision=Revision(f"uid of endpoints {key}", "1"), owners=owners)


def _slice(
    key: Key, name: str, origin: tuple[str | None, dict[str, str]], addresses: tuple[str, ...], zones: tuple[str, ...]
) -> LocalSlice:
    source, annotations = origin
    manager = "barrelman-sync" if name.startswith("barrelman") else "endpointslice-controller.k8s.io"
    labels = {"endpointslice.kubernetes.io/managed-by": manager, "kubernetes.io/service-name": key.name}
    place = Key(key.namespace, f"{key.name}-{name}")
    return LocalSlice(
        place,
        key,
        Revision(f"uid of {place}", "1"),
        "IPv6" if "ipv6" in name else "IPv4",
        zones=zones[: len(addresses)],
        addresses=addresses,
        labels=labels | ({FROM: source} if source else {}),
        annotations=annotations,
    )


BOOLEANS = st.booleans()
"""Strategies are made once, here: to make one anew for each draw takes ten times as long as the draw."""

# Names are unique, and there is at most one port of a number and protocol; one that is alone needs no name.
PORTS = st.lists(
    st.sampled_from(SHAPES), min_size=1, max_size=3, unique_by=(lambda shape: shape[0], lambda shape: shape[1:])
).map(lambda ports: ports if len(ports) == 1 else [port for port in ports if port[0]])

NODES = st.lists(
    st.builds(
        Node,
        name=st.just(""),
        addresses=mostly(("10.0.0.%d",), ("10.0.0.%d", "fd00::1%d"), ()),
        ready=mostly("True", "Unknown", "False", None),
        deleting=RARELY,
        network_unavailable=RARELY,
        labels=st.sampled_from([{ZONE: "a"}, {ZONE: "b"}, {}]),
    ),
    min_size=1,
    max_size=4,
).map(lambda found: tuple(_numbered(node, n) for n, node in enumerate(found)))

REMOTE_SERVICE = st.builds(
    RemoteService,
    key=st.just(KEYS[0]),
    type=mostly("NodePort", "LoadBalancer", "ClusterIP"),
    ports=PORTS.map(lambda found: tuple(RemotePort(*shape, 0) for shape in found)),
    affinity=AFFINITIES,
    marker=mostly(None, "true", "managed-resource"),
    has_selector=BOOLEANS,
    labels=mostly({"tier": "web"}, {}),
    ignored=RARELY,
    deleting=RARELY,
)

# Labels that we may write, each of them there or not, ours or not.
LABELS = st.fixed_dictionaries(
    {
        KIND: mostly("managed-resource", "true", "true", "true", "false", None, times=3),
        FROM: mostly("prod", "stage", "old", None, times=2),
        MANAGER: st.sampled_from(["barrelman-sync", "Helm", None]),
        ENDPOINTS_MANAGER: st.sampled_from(["barrelman-sync", "endpoint-controller", None]),
    }
).map(lambda found: {name: value for name, value in found.items() if value is not None})

HIDING: st.SearchStrategy[dict[str, str]] = mostly(
    {}, {"service.kubernetes.io/headless": ""}, {"endpointslice.kubernetes.io/skip-mirror": "true"}
)

# A grace of an hour: two marks are as it should be, one of them is over; others are of no use.
GRACES = st.sampled_from([0.0, 3600.0])
MARKS: st.SearchStrategy[dict[str, str]] = mostly(
    {}, *({MARK: found} for found in ("2026-11-27T09:30:00Z", "2026-11-27T08:00:00Z", "2027-01-01T00:00:00Z", "soon"))
)

UIDS: st.SearchStrategy[dict[str, str]] = mostly({}, ANNOTATIONS, {FROM_UID: "another"}, {FROM_UID: ""}, times=1)

TARGETS: st.SearchStrategy[int | str] = st.sampled_from([30000, 30001, 31000, "web"])

LOCAL_SERVICE = st.builds(
    LocalService,
    key=st.just(KEYS[0]),
    revision=st.just(Revision("", "1")),
    type=mostly("ClusterIP", "NodePort", "NodePort", "LoadBalancer", "ExternalName"),
    ports=st.builds(_targeted, PORTS, TARGETS),
    affinity=AFFINITIES,
    labels=LABELS.map(lambda found: {name: value for name, value in found.items() if name != ENDPOINTS_MANAGER}),
    annotations=st.builds(lambda ours, mark: ours | mark, UIDS, MARKS),
    has_selector=RARELY,
    headless=RARELY,
    ignored=RARELY,
    deleting=RARELY,
    families=FAMILIES,
)

ENDPOINTS = st.builds(
    LocalEndpoints,
    key=st.just(KEYS[0]),
    revision=st.just(Revision("", "1")),
    addresses=st.sampled_from([(), ("10.0.0.0",), ("10.0.0.0", "10.0.0.1"), ("192.168.1.1",)]),
    ports=st.sampled_from([(), (EndpointPort("http", "TCP", 30000),)]),
    regular=BOOLEANS,
    labels=st.builds(lambda ours, hiding: ours | hiding, LABELS, HIDING),
    annotations=UIDS,
    owners=st.sampled_from([frozenset[str](), frozenset({"uid of %s"}), frozenset({"uid of an operator"})]),
)

# Slices of ours, of another source of ours, and of Kubernetes' controller.
SLICES = st.lists(
    st.tuples(
        st.sampled_from(["barrelman-ipv4-0", "barrelman-ipv4-3", "barrelman-ipv6-0", "x7kq2"]),
        st.tuples(st.sampled_from(SOURCES), UIDS),
        st.sampled_from([(), ("10.0.0.0",), ("10.0.0.0", "10.0.0.1")]),
        st.sampled_from([(), ("a", "b"), ("b", "")]),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda found: found[0],
)

PRESENT = [key for key in KEYS if key.namespace != "new"]
LOCALS = st.builds(
    _local,
    st.dictionaries(st.sampled_from(PRESENT), LOCAL_SERVICE, min_size=1, max_size=5),
    st.dictionaries(st.sampled_from(PRESENT), ENDPOINTS, max_size=4),
    st.dictionaries(st.sampled_from(PRESENT), SLICES, max_size=2),
)

# Distinct node ports of one pool in any of some orders: of remote Services, and of mirrors that may be written.
NUMBERS = st.builds(
    lambda start, step: [30000 + (start + n * step) % 61 for n in range(61)], st.integers(0, 60), st.integers(1, 3)
)

REMOTE_SERVICES = st.dictionaries(st.sampled_from(KEYS), REMOTE_SERVICE, min_size=2, max_size=6)
SCOPES = st.builds(
    Scope,
    source=st.just("prod"),
    source_uid=st.just("uid of prod"),
    adopted_source=st.sampled_from([None, "old"]),
    namespaces=mostly(frozenset[str](), frozenset({"shop", "new"})),
    service_selector=mostly((), parse_selector("tier=web"), times=1),
    include_loadbalancers=BOOLEANS,
    nodeports=BOOLEANS,
    create_namespaces=BOOLEANS,
)
RULES = st.builds(
    lambda mode, limit: EndpointRules(mode != "Endpoints", limit, mode == "slices with zones"),
    st.sampled_from(["Endpoints", "slices", "slices with zones"]),
    st.sampled_from([0, 1, 2, 250]),
)
# One field of a port in which a mirror differs from the wanted one.
TWEAK: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"protocol": "SCTP"}, {"app_protocol": "h2c"}, {"name": "other"}, {"target_port": 1}, {"port": 1}]
)
ENDPOINTS_TWEAK: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"owners": frozenset({"another"})}, {"regular": False}, {"addresses": ()}, {"labels": {KIND: "true"}}]
)
GONE = st.sets(st.sampled_from(KEYS[:3]), max_size=2)
"""Remote Services that are gone since, with or without a mirror."""
CONVERGED = st.sets(st.sampled_from(KEYS[:3]), max_size=2)


@st.composite
def worlds(draw: st.DrawFn, *, nodeports: bool | None = None) -> World:
    """Return both clusters: some Services are as a run leaves them, others in any other state."""
    scope = draw(SCOPES)
    if nodeports is not None:
        scope = replace(scope, nodeports=nodeports)
    services = _with_node_ports(draw(REMOTE_SERVICES), draw(NUMBERS))
    found = draw(LOCALS)
    mirrors = desired_mirrors(services, scope).mirrors
    converged = draw(CONVERGED) & mirrors.keys()
    made = {key: _almost(mirrors[key], draw(TWEAK), draw(MARKS)) for key in sorted(converged)}
    served = {
        key: endpoints_of(live, **{"addresses": ("10.0.0.0",), **draw(ENDPOINTS_TWEAK)}) for key, live in made.items()
    }
    merged = replace(found, services={**found.services, **made}, endpoints={**found.endpoints, **served})
    nodes = () if draw(RARELY) else draw(NODES)
    gone = draw(GONE)
    services = tuple(service for service in services if service.key not in gone)
    world = World(merged, services, nodes, scope, draw(RULES), grace=draw(GRACES))
    return world.but(local=_allocated(world, draw(NUMBERS)))


def _with_node_ports(services: Mapping[Key, RemoteService], numbers: Iterable[int]) -> tuple[RemoteService, ...]:
    """Give each port a number of its own; TCP and UDP of one number share it."""
    free = iter(numbers)
    made = []
    for key, service in services.items():
        shared = {port.port: next(free) for port in service.ports}
        ports = tuple(replace(port, node_port=shared[port.port]) for port in service.ports)
        made.append(replace(service, key=key, ports=ports))
    return tuple(made)


def _allocated(world: World, numbers: Iterable[int]) -> Local:
    """Give node ports to those Services that have a type for it: from the pool only where we may write."""
    free, foreign = iter(numbers), iter(range(32000, 32500))
    services = {}
    for key, live in world.local.services.items():
        source = free if may_write(world, live) and is_plain(live) else foreign
        typed = live.type in {"NodePort", "LoadBalancer"}
        ports = tuple(replace(port, node_port=next(source) if typed else 0) for port in live.ports)
        services[key] = _held(replace(live, ports=tuple(sorted(ports))), next(free))
    return replace(world.local, services=services)


def _held(live: LocalService, chance: int) -> LocalService:
    """Return the Service as held by us, by the original, by both or by nobody; who, is left to chance."""
    ours, theirs = held_by(live, "barrelman-sync", "Apply"), held_by(live, "barrelman")
    both = json.dumps([*json.loads(theirs.managed_fields), *json.loads(ours.managed_fields)]).encode()
    return with_holders((ours, theirs, replace(live, managed_fields=both), live)[chance % 4])


def may_write(world: World, live: LocalService) -> bool:
    """Return whether this is a mirror for this run; said here again, on purpose, in other words than the plan's."""
    ours = live.labels.get(KIND) == "managed-resource"
    return ours and is_for_us(world, live) and not is_off_limits(world, live) and not is_ignored(live)


def is_for_us(world: World, found: LocalService | LocalEndpoints | LocalSlice) -> bool:
    """Return whether an object is of this source: adopted by name, or ours or of nobody and of no other cluster."""
    named, uid = found.labels.get(FROM), found.annotations.get(FROM_UID) or None
    if named is not None and named == world.scope.adopted_source:
        return True
    return named in {None, "prod"} and uid in {None, "uid of prod"}


def is_off_limits(world: World, live: LocalService) -> bool:
    outside = world.scope.namespaces and live.key.namespace not in world.scope.namespaces
    return bool(outside) or live.deleting or live.key.namespace == "gone"


def is_ignored(live: LocalService) -> bool:
    return live.ignored or live.key.namespace == "kube-system"


def is_plain(live: LocalService) -> bool:
    """Return whether it is no real Service of somebody."""
    return not live.has_selector and not live.headless and live.type != "ExternalName"


# --- node ports -------------------------------------------------------------------------------------------------


@st.composite
def port_worlds(draw: st.DrawFn) -> World:
    """Return mirrors with node ports, wanted with the same ones in another order, with others, or not at all."""
    count = draw(st.integers(2, 6))
    keys = [Key("shop", f"s{n}") for n in range(count)]
    numbers = list(range(30000, 30000 + count + 1))
    have, want = draw(st.permutations(numbers)), draw(st.permutations(numbers))
    ports_each = draw(st.integers(1, 2))
    there = [key for key in keys if draw(st.integers(0, 4))]
    asked = [key for key in keys if draw(st.integers(0, 4))]
    live = [
        mirror(key, *_ports(have[n : n + 1] + [have[n] + 100] * (ports_each - 1)), type="NodePort")
        for n, key in enumerate(there)
    ]
    services = tuple(
        RemoteService(
            key,
            "NodePort",
            tuple(
                RemotePort(f"p{i}", "TCP", 80 + i, number)
                for i, number in enumerate([want[n]] + [want[len(asked) - n - 1] + 100] * (ports_each - 1))
            ),
        )
        for n, key in enumerate(asked)
    )
    scope = replace(SCOPE, nodeports=True)
    return World(local(*live), services, (Node("a", ("10.0.0.1",), "True"),), scope)


def _ports(numbers: Iterable[int]) -> tuple[ServicePort, ...]:
    return tuple(service_port(80 + i, number, f"p{i}", node_port=number) for i, number in enumerate(numbers))
