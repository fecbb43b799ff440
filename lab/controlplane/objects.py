"""Kubernetes objects for tests, as plain dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.controlplane.api import Object

ZONE = "topology.kubernetes.io/zone"


def node(
    name: str,
    *ips: str,
    conditions: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    taints: Sequence[str] = (),
) -> Object:
    """Return a Node with these InternalIPs, Ready unless `conditions` say otherwise; a taint is "key:Effect"."""
    statuses = conditions if conditions is not None else {"Ready": "True"}
    keys_and_effects = [taint.rpartition(":") for taint in taints]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": _metadata(name, labels=labels),
        "spec": {"taints": [{"key": key, "effect": effect} for key, _, effect in keys_and_effects]},
        "status": {
            "addresses": [{"type": "InternalIP", "address": ip} for ip in ips or ("10.0.0.1",)],
            "conditions": [{"type": kind, "status": status} for kind, status in statuses.items()],
        },
    }


def namespace(name: str, **labels: str) -> Object:
    """Return a Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(name, labels=labels)}


def port(number: int, name: str = "", *, protocol: str = "TCP", **more: object) -> Object:
    """Return a port of a Service; `more` are its other fields, such as nodePort and targetPort."""
    return {"port": number, "protocol": protocol, **({"name": name} if name else {}), **more}


def service(
    namespace: str,
    name: str,
    *ports: Object,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **spec: object,
) -> Object:
    """Return a NodePort Service that selects app=NAME. `spec` sets other fields, or removes one (None)."""
    fields = {"type": "NodePort", "selector": {"app": name}, "ports": list(ports or (port(80),)), **spec}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name, namespace, labels=labels, annotations=annotations),
        "spec": {key: value for key, value in fields.items() if value is not None},
    }


def endpoints(namespace: str, name: str, *ips: str, ports: Sequence[Object] = ()) -> Object:
    """Return Endpoints with these addresses, all ready."""
    subset = {"addresses": [{"ip": ip} for ip in ips], "ports": list(ports or (port(80),))}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": _metadata(name, namespace),
        "subsets": [subset] if ips else [],
    }


def pod(namespace: str, name: str, ip: str, *, node_name: str, labels: Mapping[str, str]) -> Object:
    """Return a Pod that runs on the node and is ready."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(name, namespace, labels=labels),
        "spec": {"nodeName": node_name, "containers": [{"name": "main", "image": "none"}]},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _metadata(name: str, namespace: str = "", **maps: Mapping[str, str] | None) -> Object:
    given = {key: dict(value) for key, value in maps.items() if value}
    return {"name": name, **({"namespace": namespace} if namespace else {}), **given}
