"""The objects of the story: what is in the two clusters at first, and what changes in the remote cluster."""

from __future__ import annotations

from lab.controlplane import ControlPlane, wait_until
from lab.controlplane.objects import node, pod, port, service

MARKER = "tfw.io/barrelman"
LOST = "node-c"

REMOTE = (
    node("node-a", "10.0.0.11"),
    node("node-b", "10.0.0.12"),
    node(LOST, "10.0.0.13"),
    service("shop", "web", port(80, "http", nodePort=30080)),
    service("shop", "search", port(80, nodePort=30081)),
    service("shop", "coupons", port(80, nodePort=30082)),
    service("shop", "admin", port(80, nodePort=30083), annotations={MARKER: "ignore"}),
    service("shop", "cache", port(6379), type="ClusterIP"),
    service(
        "infra",
        "dns",
        port(53, "tcp", nodePort=30053),
        port(53, "udp", protocol="UDP", nodePort=30053),
    ),
)
LOCAL = (
    service("shop", "search", type="ClusterIP"),
    service(
        "billing", "ledger", port(8080, targetPort=30900), labels={MARKER: "true"}, type="ClusterIP", selector=None
    ),
    node("local-a", "10.8.0.1"),
    pod("shop", "search-1", "10.9.0.1", node_name="local-a", labels={"app": "search"}),
)


def furnish(remote: ControlPlane, local: ControlPlane) -> None:
    """Create the objects with which the story begins, and wait until the controllers have handled them."""
    remote.add(*REMOTE)
    local.add(*LOCAL)
    wait_until(lambda: _served(local), "the local endpoints of shop/search")


def change(remote: ControlPlane) -> None:
    """Change a node port, delete a service, and let a node stop reporting."""
    web = remote.api.get("Service", "web", "shop")
    web["spec"]["ports"][0]["nodePort"] = 30180
    remote.replace(web)
    remote.api.delete("Service", "coupons", "shop")
    silent = remote.api.get("Node", LOST)
    silent["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    remote.api.replace_status(silent)


def _served(local: ControlPlane) -> bool:
    found = local.api.find("Endpoints", "search", "shop")
    return bool(found and found.get("subsets"))
