"""What tests look at, and what users do by hand."""

from __future__ import annotations

from collections.abc import Mapping

from lab.controlplane import ControlPlane, Object
from lab.controlplane.objects import port, service

MARKER, SOURCE = "tfw.io/barrelman", "tfw.io/barrelman-source"
SOURCE_UID = "tfw.io/barrelman-source-uid"
MANAGED_BY, ENDPOINTS_MANAGED_BY = "app.kubernetes.io/managed-by", "endpoints.kubernetes.io/managed-by"
MIRROR, MANUAL = {MARKER: "managed-resource"}, {MARKER: "true"}
IGNORE = {MARKER: "ignore"}


def manual(namespace: str, name: str, target: int | str, **more: object) -> Object:
    """Return a user's own Service that asks for endpoints."""
    labels = {**MANUAL, **_mapping(more.pop("labels", {}))}
    fields = {"type": "ClusterIP", "selector": None, **more}
    return service(namespace, name, port(80, targetPort=target), labels=labels, **fields)  # type: ignore[arg-type]


def node_port(namespace: str, name: str, number: int, **more: object) -> Object:
    """Return a NodePort Service with one port."""
    return service(namespace, name, port(80, "http", nodePort=number), **more)  # type: ignore[arg-type]


def mirror_of(cluster: ControlPlane, namespace: str, name: str) -> Object:
    """Return a Service that has to be a mirror."""
    found = cluster.api.get("Service", name, namespace)
    assert labels(found)[MARKER] == "managed-resource"
    return found


def is_there(cluster: ControlPlane, namespace: str, name: str) -> tuple[bool, bool]:
    """Say whether there is a Service of that name, and whether there are Endpoints."""
    service, endpoints = (cluster.api.find(kind, name, namespace) for kind in ("Service", "Endpoints"))
    return service is not None, endpoints is not None


def labels(obj: Object) -> dict[str, str]:
    """Return the labels."""
    return dict(obj["metadata"].get("labels", {}))


def annotations_of(obj: Object) -> dict[str, str]:
    """Return the annotations."""
    return dict(obj["metadata"].get("annotations", {}))


def ports(obj: Object) -> list[tuple[str, str, int, int]]:
    """Return name, protocol, number and target of each port of a Service, sorted."""
    return sorted(
        (entry.get("name", ""), entry["protocol"], entry["port"], entry["targetPort"]) for entry in obj["spec"]["ports"]
    )


def node_ports(obj: Object) -> list[int]:
    """Return the node ports of a Service, in the order of its ports' names."""
    ordered = sorted(obj["spec"]["ports"], key=lambda entry: str(entry.get("name", "")))
    return [entry["nodePort"] for entry in ordered if "nodePort" in entry]


def ips(cluster: ControlPlane, namespace: str, name: str) -> list[str]:
    """Return the addresses in the Endpoints, in their order."""
    found = cluster.api.find("Endpoints", name, namespace) or {}
    return [address["ip"] for subset in found.get("subsets", ()) for address in subset.get("addresses", ())]


def endpoint_ports(cluster: ControlPlane, namespace: str, name: str) -> list[tuple[str, str, int]]:
    """Return name, protocol and number of each port in the Endpoints, in their order."""
    subsets = cluster.api.get("Endpoints", name, namespace)["subsets"]
    return [(entry.get("name", ""), entry["protocol"], entry["port"]) for part in subsets for entry in part["ports"]]


def edit(
    cluster: ControlPlane, namespace: str, name: str, change: Object, *, kind: str = "Service", manager: str = "kubectl"
) -> Object:
    """Change an object as `kubectl edit` does; None removes a field."""
    named = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}
    return cluster.api.patch(named, change, manager=f"{manager}-edit")


def relabel(cluster: ControlPlane, namespace: str, name: str, **changed: str | None) -> Object:
    """Set or remove the label tfw.io/barrelman as `marker` says, and the source as `source` says."""
    keys = {"marker": MARKER, "source": SOURCE}
    return edit(cluster, namespace, name, {"metadata": {"labels": {keys[key]: changed[key] for key in changed}}})


def set_ports(cluster: ControlPlane, namespace: str, name: str, *wanted: Object) -> Object:
    """Give a Service other ports."""
    return edit(cluster, namespace, name, {"spec": {"ports": list(wanted)}})


def set_conditions(cluster: ControlPlane, name: str, **statuses: str) -> None:
    """Set the conditions of a node."""
    node = cluster.api.get("Node", name)
    node["status"]["conditions"] = [{"type": kind, "status": status} for kind, status in statuses.items()]
    cluster.api.replace_status(node)


def unchanged(before: Object, after: Object) -> bool:
    """Say whether nobody wrote the object."""
    return bool(before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"])


def _mapping(value: object) -> Mapping[str, str]:
    assert isinstance(value, dict)
    return value
