"""Kubernetes' controllers for a simulated cluster: endpoints, EndpointSlices, their mirroring, garbage collection."""

from __future__ import annotations

import contextlib
from typing import Any

from lab.controlplane.api import ApiError
from tests.worlds.cluster import Cluster, name_of
from tests.worlds.fields import Object

SLICE_MANAGER = "endpointslice.kubernetes.io/managed-by"
MIRRORING = "endpointslicemirroring-controller.k8s.io"
SERVICE = "kubernetes.io/service-name"
MOST_SUBSETS = 4
"""Endpoints have one subset for each port at the most."""
POD = "192.168.0.7"
POD_NODE = "n0"
"""Where every pod runs."""


def settle(cluster: Cluster) -> None:
    """Let every controller do what there is to do."""
    for key in sorted(cluster.orphaned):
        if cluster.find(*_find(key)):
            cluster.delete(*_find(key))
    cluster.orphaned.clear()
    _collect_garbage(cluster)
    for service in cluster.list("Service"):
        if service["spec"].get("selector") and service["spec"]["type"] != "ExternalName":
            _serve_pods(cluster, service)
    for endpoints in cluster.list("Endpoints"):
        _mirror(cluster, endpoints)
    _collect_garbage(cluster)


def _find(key: tuple[str, str, str]) -> tuple[str, str, str]:
    kind, namespace, name = key
    return kind, name, namespace


def _collect_garbage(cluster: Cluster) -> None:
    while doomed := [key for key, obj in cluster.objects.items() if _is_garbage(cluster, obj)]:
        for key in doomed:
            cluster.delete(*_find(key))


def _is_garbage(cluster: Cluster, obj: Object) -> bool:
    owners = obj["metadata"].get("ownerReferences") or []
    return bool(owners) and not any(_is_there(cluster, owner, obj) for owner in owners)


def _is_there(cluster: Cluster, owner: Object, obj: Object) -> bool:
    found = cluster.find(owner["kind"], owner["name"], obj["metadata"]["namespace"])
    return found is not None and found["metadata"]["uid"] == owner["uid"]


def _serve_pods(cluster: Cluster, service: Object) -> None:
    """Write the Endpoints and the slice of a Service with a selector: one pod answers for each."""
    labels = service["metadata"].get("labels", {})
    ports = [_pod_port(port) for port in service["spec"]["ports"]]
    managed = {**labels, "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
    endpoints = _object(service, "Endpoints", service["metadata"]["name"], managed)
    subsets = [{"addresses": [{"ip": POD}], "ports": ports}]
    _write(cluster, {**endpoints, "subsets": subsets}, "kube-controller-manager")
    marked = {**labels, SERVICE: service["metadata"]["name"], SLICE_MANAGER: "endpointslice-controller.k8s.io"}
    slice_ = _object(service, "EndpointSlice", f"{service['metadata']['name']}-pods", marked)
    content = _content([POD], ports)
    content["endpoints"][0]["nodeName"] = POD_NODE
    _write(cluster, {**_owned(slice_, service), **content}, "kube-controller-manager")


def _pod_port(port: Object) -> Object:
    number = port["targetPort"] if isinstance(port["targetPort"], int) else 8080
    return {"name": port.get("name", ""), "port": number, "protocol": port["protocol"]}


def _mirror(cluster: Cluster, endpoints: Object) -> None:
    """Copy each subset of the Endpoints into a slice, or delete the copies of what is not to be copied."""
    metadata = endpoints["metadata"]
    service = cluster.find("Service", metadata["name"], metadata["namespace"])
    labels = metadata.get("labels", {})
    wanted = service and not service["spec"].get("selector") and "endpointslice.kubernetes.io/skip-mirror" not in labels
    subsets = endpoints.get("subsets") or []
    for number in range(MOST_SUBSETS):
        name = f"{metadata['name']}-copy-{number}"
        if not wanted or number >= len(subsets):
            with contextlib.suppress(ApiError):
                cluster.delete("EndpointSlice", name, metadata["namespace"])
            continue
        marked = {**labels, SERVICE: metadata["name"], SLICE_MANAGER: MIRRORING}
        copied = _object(endpoints, "EndpointSlice", name, marked)
        addresses = [address["ip"] for address in subsets[number].get("addresses", ())]
        content = _content(addresses, subsets[number].get("ports", []))
        _write(cluster, {**_owned(copied, endpoints), **content}, "kube-controller-manager")


def _object(near: Object, kind: str, name: str, labels: Any) -> Object:
    metadata = {"name": name, "namespace": near["metadata"]["namespace"], "labels": labels}
    return {"apiVersion": "v1" if kind == "Endpoints" else "discovery.k8s.io/v1", "kind": kind, "metadata": metadata}


def _owned(obj: Object, owner: Object) -> Object:
    reference = {"apiVersion": "v1", "kind": owner["kind"], "name": owner["metadata"]["name"]}
    owners = [{**reference, "uid": owner["metadata"]["uid"]}]
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": owners}}


def _content(addresses: list[str], ports: list[Object]) -> Object:
    endpoints = [{"addresses": [address], "conditions": {"ready": True}} for address in addresses]
    return {"addressType": "IPv4", "endpoints": endpoints, "ports": [{"name": "", **port} for port in ports]}


def _write(cluster: Cluster, obj: Object, manager: str) -> None:
    live = cluster.objects.get(name_of(obj))
    with contextlib.suppress(ApiError):  # the namespace may be terminating
        if live is None:
            cluster.create(obj, manager=manager)
        else:
            labels = dict.fromkeys(live["metadata"].get("labels", {})) | obj["metadata"].get("labels", {})
            cluster.patch(obj, {**obj, "metadata": {**obj["metadata"], "labels": labels}}, manager=manager)
