"""EndpointSlices as tests look at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from lab.controlplane import ControlPlane, Object
from lab.controlplane.objects import node

SLICES = "--endpoint-slices"
SERVICE_NAME, MANAGED_BY = "kubernetes.io/service-name", "endpointslice.kubernetes.io/managed-by"
OURS = "barrelman-sync"
CONTROLLER = "endpointslice-controller.k8s.io"
MIRRORING = "endpointslicemirroring-controller.k8s.io"


def slices(cluster: ControlPlane, namespace: str, service: str, manager: str = OURS) -> list[Object]:
    """Return the slices of a Service that are managed by this manager, in the order of their names."""
    selector = f"{SERVICE_NAME}={service},{MANAGED_BY}={manager}"
    found = cluster.api.list("EndpointSlice", namespace, labelSelector=selector)
    return sorted(found, key=lambda obj: str(obj["metadata"]["name"]))


def names(found: Iterable[Object]) -> list[str]:
    return [str(obj["metadata"]["name"]) for obj in found]


def addresses(found: Iterable[Object]) -> list[str]:
    """Return all addresses in these slices, in their order."""
    return [ip for obj in found for endpoint in obj["endpoints"] or () for ip in endpoint["addresses"]]


def served(cluster: ControlPlane, namespace: str, service: str) -> dict[str, list[str]]:
    """Return the addresses in each slice of ours by its name."""
    return {obj["metadata"]["name"]: addresses([obj]) for obj in slices(cluster, namespace, service)}


def ports(found: Iterable[Object]) -> list[tuple[str, str, int, str]]:
    """Return name, protocol, number and appProtocol of each port of the slices, sorted."""
    return sorted(
        (port["name"], port["protocol"], port["port"], port.get("appProtocol", ""))
        for obj in found
        for port in obj["ports"] or ()
    )


def slice_object(
    namespace: str, name: str, service: str, *ips: str, manager: str, labels: Mapping[str, str] | None = None
) -> Object:
    """Return a slice of somebody."""
    marked = {SERVICE_NAME: service, **({MANAGED_BY: manager} if manager else {}), **(labels or {})}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": marked},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ip], "conditions": {"ready": True}} for ip in ips],
        "ports": [{"name": "http", "port": 30080, "protocol": "TCP"}],
    }


def add_nodes(cluster: ControlPlane, count: int, zones: int = 3) -> list[str]:
    """Give the cluster many nodes quickly, and return their addresses, sorted; a node's status counts on create."""
    ips = {f"node-{number:04}": f"10.{number >> 8}.{number & 255}.1" for number in range(count)}
    made = [
        node(name, ip, labels={"topology.kubernetes.io/zone": f"zone-{number % zones}"})
        for number, (name, ip) in enumerate(ips.items())
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(cluster.api.create, made))
    return sorted(ips.values())


def node_of(cluster: ControlPlane, ip: str) -> str:
    """Return the name of the node with this address."""
    (name,) = (
        str(obj["metadata"]["name"])
        for obj in cluster.api.list("Node")
        if any(entry["address"] == ip for entry in obj["status"]["addresses"])
    )
    return name
