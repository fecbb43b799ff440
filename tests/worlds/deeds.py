"""What happens to clusters between runs: what users, their tools, the original and Kubernetes' nodes do.

A deed works on a simulated cluster as on a real one. What the API server refuses, does not happen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, Protocol

from hypothesis import strategies as st

from lab.controlplane.api import ApiError
from lab.controlplane.objects import endpoints, node, port, service
from tests.worlds.contract import MARKER, ORPHANED, SOURCE, UID
from tests.worlds.fields import Object

NAMESPACES = ("shop", "web", "kube-system", "new")
"""Two ordinary ones, an ignored one, and one that only a remote cluster has from the start."""
PLACES = (("shop", "a"), ("shop", "b"), ("shop", "c"), ("web", "a"), ("kube-system", "a"), ("new", "a"))
NODES = ("n0", "n1", "n2", "n3")


class Api(Protocol):
    """What a deed needs of a cluster: `lab.controlplane.api.Api` has it, and `tests.worlds.cluster.Cluster`."""

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None: ...
    def list(self, kind: str) -> list[Object]: ...
    def create(self, obj: Object, *, manager: str = ...) -> Object: ...
    def patch(self, obj: Object, change: Object, *, manager: str = ...) -> Object: ...
    def delete(self, kind: str, name: str, namespace: str = "") -> object: ...


# --- Services ---------------------------------------------------------------------------------------------------

SHAPES = (
    (("http", "TCP", 80),),
    (("", "TCP", 80),),
    (("web", "TCP", 80),),
    (("http", "TCP", 8080),),
    (("http", "TCP", 80), ("dns", "UDP", 53)),
    (("dns", "TCP", 53), ("dns-udp", "UDP", 53)),
)
"""Ports with name, protocol and number."""


def rarely(usual: Any, *rare: Any) -> st.SearchStrategy[Any]:
    """Return a choice in which the rare ones are in the middle: Hypothesis prefers both ends."""
    return st.sampled_from([*[usual] * 3, *rare, *[usual] * 3])


SERVICES = st.fixed_dictionaries(
    {
        "type": rarely("NodePort", "LoadBalancer", "ClusterIP", "ExternalName"),
        "ports": st.sampled_from(SHAPES),
        "number": st.integers(0, 7),
        "affinity": rarely({}, {"sessionAffinity": "ClientIP"}),
        "selector": rarely({"app": "x"}, None),
        "marker": rarely(None, "true", "managed-resource"),
        "ignore": rarely(None, "ignore"),
        "team": st.sampled_from([None, "shop"]),
        "local": rarely({}, {"externalTrafficPolicy": "Local"}),
    }
)


def _ports(shape: tuple[tuple[str, str, int], ...], number: int, *, node_ports: bool) -> list[Object]:
    return [
        port(
            at,
            name,
            protocol=protocol,
            targetPort=8080,
            **({"nodePort": 30000 + (number + n) % 8} if node_ports else {}),
        )
        for n, (name, protocol, at) in enumerate(shape)
    ]


def put_service(api: Api, place: tuple[str, str], wanted: Mapping[str, Any]) -> None:
    """Create a Service of somebody's own, or make the one that is there like it."""
    typed = wanted["type"] in {"NodePort", "LoadBalancer"}
    policy = wanted["local"] if typed else {"externalTrafficPolicy": None}
    spec = {"type": wanted["type"], "selector": wanted["selector"], **wanted["affinity"], **policy}
    if wanted["type"] == "ExternalName":
        spec["externalName"] = "example.com"
    obj = service(*place, *_ports(wanted["ports"], wanted["number"], node_ports=typed), **spec)
    obj["metadata"] |= {"labels": {}, "annotations": {}}
    if wanted["marker"]:
        obj["metadata"]["labels"] = {MARKER: wanted["marker"]}
    if wanted["team"]:
        obj["metadata"]["labels"]["team"] = wanted["team"]
    if wanted["ignore"]:
        obj["metadata"]["annotations"] = {MARKER: wanted["ignore"]}
    with contextlib.suppress(ApiError):
        if api.find("Namespace", place[0]) is None:
            api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place[0]}})
        if api.find("Service", place[1], place[0]) is None:
            api.create(obj, manager="kubectl-create")
        else:
            affinity = {"sessionAffinity": "None", "sessionAffinityConfig": None, "externalName": None}
            api.patch(obj, {**obj, "spec": {**affinity, **obj["spec"], "selector": wanted["selector"]}})


def delete(api: Api, kind: str, place: tuple[str, str]) -> None:
    with contextlib.suppress(ApiError):
        api.delete(kind, place[1], place[0])


def rename_service(api: Api, number: int, place: tuple[str, str]) -> None:
    """Give a Service another name: a new Service gets its node ports."""
    found = [obj for obj in api.list("Service") if (obj["metadata"]["namespace"], obj["metadata"]["name"]) in PLACES]
    if not found:
        return
    old = found[number % len(found)]
    kept = {part: old["spec"][part] for part in ("type", "ports", "selector") if part in old["spec"]}
    delete(api, "Service", (old["metadata"]["namespace"], old["metadata"]["name"]))
    delete(api, "Service", place)
    with contextlib.suppress(ApiError):
        api.create(service(*place, **{"selector": None, **kept}))


def anew(service: Object) -> Object:
    """Return a Service as somebody creates it once more, after it was deleted."""
    kept = ("name", "namespace", "labels", "annotations")
    return {**service, "metadata": {name: service["metadata"][name] for name in kept if name in service["metadata"]}}


def rename_port(api: Api, number: int, name: str) -> None:
    """Give the first port of a Service another name."""
    services = [obj for obj in api.list("Service") if obj["metadata"]["namespace"] in NAMESPACES]
    if services:
        found = services[number % len(services)]
        first, *others = found["spec"].get("ports") or [{}]
        with contextlib.suppress(ApiError):
            api.patch(found, {"spec": {"ports": [{**first, "name": name}, *others]}})


# --- edits ------------------------------------------------------------------------------------------------------


MANAGED_BY = "app.kubernetes.io/managed-by"
EDITS: Mapping[str, Object] = {
    "ask for endpoints": {"metadata": {"labels": {MARKER: "true"}}},
    "mark as mirror": {"metadata": {"labels": {MARKER: "managed-resource"}}},
    "take the mark off": {"metadata": {"labels": {MARKER: None}}},
    "name another source": {"metadata": {"labels": {SOURCE: "other"}}},
    "name a former source": {"metadata": {"labels": {SOURCE: "old"}}},
    "name source prod": {"metadata": {"labels": {SOURCE: "prod"}}},
    "name no source": {"metadata": {"labels": {SOURCE: None}}},
    "say another uid": {"metadata": {"annotations": {UID: "another"}}},
    "say no uid": {"metadata": {"annotations": {UID: None}}},
    "adopt by Helm": {"metadata": {"labels": {MANAGED_BY: "Helm"}, "annotations": {"meta.helm.sh/release-name": "x"}}},
    "take managed-by off": {"metadata": {"labels": {MANAGED_BY: None}}},
    "orphaned long ago": {"metadata": {"annotations": {ORPHANED: "2020-02-29T12:00:00Z"}}},
    "orphaned in the future": {"metadata": {"annotations": {ORPHANED: "2090-01-01T00:00:00Z"}}},
    "orphaned who knows when": {"metadata": {"annotations": {ORPHANED: "soon"}}},
    "not orphaned": {"metadata": {"annotations": {ORPHANED: None}}},
    "a label of their own": {"metadata": {"labels": {"team": "shop"}, "annotations": {"note": "keep"}}},
    "ignore": {"metadata": {"annotations": {MARKER: "ignore"}}},
    "no longer ignore": {"metadata": {"annotations": {MARKER: None}}},
    "select pods": {"spec": {"selector": {"app": "x"}}},
    "select none": {"spec": {"selector": None}},
    "another port": {"spec": {"ports": [port(81, "http", targetPort=8080)]}},
    "another target": {"spec": {"ports": [port(80, "http", targetPort=30005)]}},
    "a target by name": {"spec": {"ports": [port(80, "http", targetPort="web")]}},
    "one more port": {"spec": {"ports": [port(80, "http", targetPort=30001), port(90, "admin", targetPort=9090)]}},
    "affinity": {"spec": {"sessionAffinity": "ClientIP"}},
    "external addresses": {"spec": {"externalIPs": ["203.0.113.7"]}},
    "type NodePort": {"spec": {"type": "NodePort"}},
    "type LoadBalancer": {"spec": {"type": "LoadBalancer"}},
    "type ClusterIP": {"spec": {"type": "ClusterIP"}},
    "type ExternalName": {"spec": {"type": "ExternalName", "externalName": "example.com", "clusterIP": None}},
}
"""What somebody may do to a Service of the local cluster."""
MANAGERS = ("kubectl-edit", "helm", "barrelman", "barrelman-sync")


def edit(api: Api, number: int, change: str, manager: str) -> None:
    """Change one of the Services, most often one that barrelman-sync knows."""
    services = [obj for obj in api.list("Service") if obj["metadata"]["namespace"] in NAMESPACES]
    marked = [obj for obj in services if MARKER in (obj["metadata"].get("labels") or {})]
    if found := [*marked, *marked, *services]:
        with contextlib.suppress(ApiError):
            api.patch(found[number % len(found)], EDITS[change], manager=manager)


SLICE_MANAGER = "endpointslice.kubernetes.io/managed-by"
MARKS = {(SLICE_MANAGER, "barrelman-sync"), ("endpoints.kubernetes.io/managed-by", "barrelman-sync")}
MEDDLING: Mapping[str, Object | None] = {
    "delete": None,
    "take all labels off": {"metadata": {"labels": None}},
    "take the marks off": {"metadata": {"labels": {MARKER: None, SOURCE: None}}},
    "another source": {"metadata": {"labels": {SOURCE: "other"}}},
    "another uid": {"metadata": {"annotations": {UID: "another"}}},
    "another manager": {"metadata": {"labels": {SLICE_MANAGER: "x", "endpoints.kubernetes.io/managed-by": "x"}}},
    "another Service": {"metadata": {"labels": {"kubernetes.io/service-name": "b"}}},
    "hide": {"metadata": {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}},
    "no owner": {"metadata": {"ownerReferences": None}},
    "a zone": {"endpoints": [{"addresses": ["10.1.0.1"], "conditions": {"ready": True}, "zone": "a"}]},
    "no address": {"subsets": [], "endpoints": []},
    "a label of their own": {"metadata": {"labels": {"team": "shop"}, "annotations": {"note": "keep"}}},
}
"""What somebody may do to Endpoints and EndpointSlices of the local cluster."""


def meddle(api: Api, kind: str, number: int, how: str) -> None:
    listed = api.list(kind)
    ours = [obj for obj in listed if MARKS & (obj["metadata"].get("labels") or {}).items()]
    found = [*ours, *ours, *listed]
    if not found:
        return
    obj, change = found[number % len(found)], MEDDLING[how]
    with contextlib.suppress(ApiError):
        if change is None:
            api.delete(kind, obj["metadata"]["name"], obj["metadata"]["namespace"])
        else:
            other = "endpoints" if kind == "Endpoints" else "subsets"
            fitting = {name: value for name, value in change.items() if name != other}
            if fitting:
                api.patch(obj, fitting, manager="kubectl-edit")


def original_was_here(api: Api, place: tuple[str, str], number: int, source: str | None) -> None:
    """Create what the original makes, a mirror and its Endpoints; or with a source what we made under that name."""
    namespace, name = place
    named = {SOURCE: source} if source else {}
    mark = {MARKER: "managed-resource", **named}
    ports = [port(80, "http", targetPort=30000 + number)]
    mirror = service(namespace, name, *ports, labels=mark, type="ClusterIP", selector=None)
    served = endpoints(namespace, name, "10.0.0.1", ports=[port(30000 + number, "http")])
    served["metadata"]["labels"] = {MARKER: "true", **named}
    for obj in (mirror, served):
        with contextlib.suppress(ApiError):
            api.create(obj, manager="barrelman")


# --- nodes ------------------------------------------------------------------------------------------------------

STATES: Mapping[str, Mapping[str, Any]] = {
    "ready": {},
    "in zone a": {"labels": {"topology.kubernetes.io/zone": "a"}},
    "in zone b": {"labels": {"topology.kubernetes.io/zone": "b"}},
    "not ready": {"conditions": {"Ready": "False"}},
    "unknown": {"conditions": {"Ready": "Unknown"}},
    "excluded": {"labels": {"node.kubernetes.io/exclude-from-external-load-balancers": ""}},
    "drained": {"labels": {"operation.gke.io/type": "drain"}},
    "virtual": {"labels": {"type": "virtual-kubelet"}},
    "scaled down": {"taints": ["ToBeDeletedByClusterAutoscaler:NoSchedule"]},
}


def put_node(api: Api, name: str, state: str | None, network: int) -> None:
    """Make a node so, or remove it (None). The address is the cluster's and the node's own."""
    with contextlib.suppress(ApiError):
        if api.find("Node", name) is not None:
            api.delete("Node", name)
        if state is not None:
            made = node(name, f"10.{network}.0.{1 + NODES.index(name)}", **STATES[state])
            created = api.create(made)
            if hasattr(api, "replace_status"):  # a real server takes the status of a node on its own
                api.replace_status({**created, "status": made["status"]})
