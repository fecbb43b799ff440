"""Small values to build cases from, in one place, so that a new field of the model changes no test.

Labels and names are spelled out here: a renamed constant would leave every object of every user behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from barrelman_sync.cluster.managed_fields import holders_of
from barrelman_sync.model.local import Local, LocalEndpoints, LocalNamespace, LocalService, LocalSlice
from barrelman_sync.model.names import Affinity, EndpointPort, Key, Origin, Revision, ServicePort
from barrelman_sync.model.remote import Node, Remote, RemotePort, RemoteService, ServingNodes
from barrelman_sync.model.settings import DeleteLimit, EndpointRules, NodeRules, Safety, Scope
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.desired import Desired, desired_mirrors
from barrelman_sync.planning.guards import hold_back
from barrelman_sync.planning.nodes import NodeChoice, choose_nodes
from barrelman_sync.planning.plan import make_plan
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Delete, HeldBack, Leave, Plan, Release, Step
from barrelman_sync.planning.story import Story, story_of

KIND = "tfw.io/barrelman"
FROM = "tfw.io/barrelman-source"
FROM_UID = "tfw.io/barrelman-source-uid"
MARK = "tfw.io/barrelman-orphaned-since"
MANAGER = "app.kubernetes.io/managed-by"
ENDPOINTS_MANAGER = "endpoints.kubernetes.io/managed-by"
SLICE_MANAGER = "endpointslice.kubernetes.io/managed-by"
ZONE = "topology.kubernetes.io/zone"

PROD = Origin("prod", "uid of prod")
SCOPE = Scope("prod", source_uid="uid of prod")
NO_AFFINITY = Affinity()
CART = Key("shop", "cart")
TILL = Key("shop", "till")

MIRROR_LABELS = {KIND: "managed-resource", FROM: "prod", MANAGER: "barrelman-sync"}
ENDPOINTS_LABELS = {KIND: "true", FROM: "prod", MANAGER: "barrelman-sync", ENDPOINTS_MANAGER: "barrelman-sync"}

ANNOTATIONS = {FROM_UID: "uid of prod"}

NOW = 1795773600  # 2026-11-27T10:00:00Z

ADDRESSES = ("10.0.0.1", "10.0.0.2")


def cases(names: str, rows: Mapping[str, object]) -> pytest.MarkDecorator:
    """Return a table whose ids read as sentences."""
    return pytest.mark.parametrize(names, list(rows.values()), ids=list(rows))


# --- the remote cluster -----------------------------------------------------------------------------------------


def port(
    number: int = 80, node_port: int = 30080, name: str = "http", protocol: str = "TCP", app_protocol: str | None = None
) -> RemotePort:
    return RemotePort(name, protocol, number, node_port, app_protocol)


def remote(key: Key = CART, *ports: RemotePort, **fields: Any) -> RemoteService:
    """Return a Service that is to be mirrored."""
    return RemoteService(key, **{"type": "NodePort", "ports": ports or (port(),), **fields})


def node(name: str = "a", *addresses: str, **fields: Any) -> Node:
    """Return a node that is used."""
    return Node(name, addresses or ("10.0.0.1",), **{"ready": "True", **fields})


NODES = (node("a", ADDRESSES[0]), node("b", ADDRESSES[1]))


# --- the local cluster ------------------------------------------------------------------------------------------


def service_port(
    number: int = 80, target: int | str = 30080, name: str = "http", protocol: str = "TCP", **fields: Any
) -> ServicePort:
    return ServicePort(name, protocol, number, target, **fields)


def service(key: Key = CART, *ports: ServicePort, **fields: Any) -> LocalService:
    """Return somebody's Service."""
    return LocalService(key, Revision(f"uid of {key}", "1"), ports=tuple(sorted(ports or (service_port(),))), **fields)


def mirror(key: Key = CART, *ports: ServicePort, **fields: Any) -> LocalService:
    """Return the mirror that a run from `prod` makes of `remote(key)`."""
    made = service(key, *ports, **{"labels": MIRROR_LABELS, "annotations": ANNOTATIONS, **fields})
    return with_holders(made) if "managed_fields" in fields else held_by(made, "barrelman-sync", "Apply")


def marked(since: str, key: Key = CART, *ports: ServicePort, **fields: Any) -> LocalService:
    """Return a mirror that waits for its delete."""
    return mirror(key, *ports, **{"annotations": {**ANNOTATIONS, MARK: since}, **fields})


def manual(key: Key = CART, *ports: ServicePort, **fields: Any) -> LocalService:
    """Return a Service that asks for endpoints."""
    return service(key, *ports, **{"labels": {KIND: "true"}, **fields})


def endpoints(key: Key = CART, **fields: Any) -> LocalEndpoints:
    """Return the Endpoints that a run from `prod` makes for `remote(key)` and NODES."""
    defaults = {
        "addresses": ADDRESSES,
        "ports": (EndpointPort("http", "TCP", 30080),),
        "labels": ENDPOINTS_LABELS,
        "annotations": ANNOTATIONS,
        "owners": frozenset({f"uid of {key}"}),
    }
    return LocalEndpoints(key, Revision(f"uid of endpoints {key}", "1"), **{**defaults, **fields})


def endpoints_of(live: LocalService, **fields: Any) -> LocalEndpoints:
    """Return the Endpoints that a run from `prod` makes for a Service with these ports."""
    ports = sorted(EndpointPort(p.name, p.protocol, int(p.target_port), p.app_protocol) for p in live.ports)
    return endpoints(live.key, **{"ports": tuple(ports), "owners": frozenset({live.revision.uid}), **fields})


def slice_of(name: str, *addresses: str, key: Key = CART, **fields: Any) -> LocalSlice:
    """Return an EndpointSlice that a run from `prod` makes for `remote(key)`."""
    labels = {
        FROM: "prod",
        MANAGER: "barrelman-sync",
        SLICE_MANAGER: "barrelman-sync",
        "kubernetes.io/service-name": key.name,
    }
    defaults = {
        "ports": (EndpointPort("http", "TCP", 30080),),
        "labels": labels,
        "annotations": ANNOTATIONS,
        "owners": frozenset({f"uid of {key}"}),
    }
    revision = Revision(f"uid of {name}", "1")
    return LocalSlice(Key(key.namespace, name), key, revision, "IPv4", addresses=addresses, **{**defaults, **fields})


def local(*objects: LocalService | LocalEndpoints, namespaces: Iterable[LocalNamespace] = ()) -> Local:
    """Return a cluster with these objects, their namespaces and the namespace shop."""
    names = {"shop", *(found.key.namespace for found in objects)}
    return Local(
        cluster_id="local",
        namespaces={name: LocalNamespace(name, f"uid of {name}") for name in names} | {n.name: n for n in namespaces},
        services={found.key: found for found in objects if isinstance(found, LocalService)},
        endpoints={found.key: found for found in objects if isinstance(found, LocalEndpoints)},
    )


def field_set(ports: Iterable[ServicePort], affinity: Affinity = NO_AFFINITY) -> dict[str, Any]:
    """Return the part of managedFields that stands for these ports and this affinity."""
    keys: dict[str, Any] = {
        f'k:{{"port":{p.port},"protocol":"{p.protocol}"}}': {".": {}, "f:name": {}, "f:port": {}} for p in ports
    }
    config: dict[str, Any] = {"f:sessionAffinityConfig": {"f:clientIP": {"f:timeoutSeconds": {}}}}
    return {"f:ports": keys, "f:type": {}, "f:sessionAffinity": {}, **(config if affinity.timeout is not None else {})}


def held(manager: str, operation: str = "Update", **spec: Any) -> dict[str, Any]:
    """Return an entry of managedFields; `spec` is what follows the `f:` of each field."""
    fields = {"f:spec": {f"f:{name}": value for name, value in spec.items()}}
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


def held_by(live: LocalService, manager: str, operation: str = "Update") -> LocalService:
    """Return the same Service, all of whose fields one manager holds."""
    entry = held(manager, operation)
    fields = {"f:spec": field_set(live.ports, live.affinity)}
    return with_holders(replace(live, managed_fields=json.dumps([{**entry, "fieldsV1": fields}]).encode()))


def with_holders(live: LocalService) -> LocalService:
    """Return the same Service as it is read: the holders are what its managed fields say."""
    return replace(live, holders=holders_of(live.managed_fields, live.ports, live.affinity))


# --- a run ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """Both clusters and what the user wants; by default all is as it should be."""

    local: Local = field(default_factory=lambda: local(mirror(), endpoints()))
    services: tuple[RemoteService, ...] = (remote(),)
    nodes: tuple[Node, ...] = NODES
    scope: Scope = SCOPE
    rules: EndpointRules = EndpointRules()
    serving: Mapping[Key, ServingNodes] | None = field(default_factory=dict)
    grace: float = 0.0
    now: int = NOW

    @property
    def desired(self) -> Desired:
        return desired_mirrors(self.services, self.scope, self.local.services)

    @property
    def choice(self) -> NodeChoice:
        return choose_nodes(self.nodes, NodeRules())

    @property
    def situation(self) -> Situation:
        return Situation(
            self.local, self.desired, self.choice, self.scope, self.rules, self.serving, self.grace, self.now
        )

    def plan(self) -> Plan:
        return make_plan(self.situation)

    def guarded(self, limit: int) -> Plan:
        """Return the plan with deletes held back if they are more than this."""
        return hold_back(self.plan(), Safety(DeleteLimit(limit, None)), self.choice.listed)

    def story(self, key: Key = CART, limit: int = 100) -> Story:
        """Return what `--explain` tells about a Service."""
        found = Remote(self.scope.source_uid, self.nodes, self.services, self.serving)
        return story_of(key, self.situation, found, self.guarded(limit))

    def but(self, **fields: Any) -> World:
        return replace(self, **fields)


def wanted(world: World, key: Key = CART) -> Mirror:
    return world.desired.mirrors[key]


def word(step: Step) -> str:
    """Return one step as a short sentence, such as `create Service shop/cart`."""
    return f"{type(step).__name__.lower()} {step.ref.kind} {step.ref.key}"


def words(plan: Plan) -> list[str]:
    return [word(step) for step in plan.steps]


def reasons(plan: Plan) -> list[str]:
    """Return the reasons of all steps whose action alone does not say why."""
    told = (step for step in plan.steps if isinstance(step, Delete | Release | Leave | HeldBack))
    return [str(step.why.reason) for step in told]


def all_unchanged(plan: Plan) -> bool:
    return plan.steps != () and all(word(step).startswith("unchanged ") for step in plan.steps)
