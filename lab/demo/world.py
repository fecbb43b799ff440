"""The objects of the story: what is in the two clusters at first, and what changes in the remote cluster."""

from __future__ import annotations

from dataclasses import dataclass

from lab.controlplane import ControlPlane, wait_until
from lab.controlplane.objects import node, pod, port, service

MARKER = "tfw.io/barrelman"
LOST = "node-c"
REMOTE_NODES = ("node-a", "node-b", LOST)
LOCAL_NODE = "local-a"


@dataclass(frozen=True)
class Places:
    """The addresses of the remote's nodes, and that of the local pod of shop/search."""

    nodes: tuple[str, ...]
    search: str


# Nobody has these addresses: they are of TEST-NET-1 (RFC 5737).
NOWHERE = Places(tuple(f"192.0.2.{number}" for number, _ in enumerate(REMOTE_NODES, 11)), "192.0.2.101")

HTTP = port(80, "http", targetPort=8080)
REMOTE = (
    service("shop", "web", {**HTTP, "nodePort": 30080}),
    service("shop", "search", {**HTTP, "nodePort": 30081}),
    service("shop", "coupons", {**HTTP, "nodePort": 30082}),
    service("shop", "admin", {**HTTP, "nodePort": 30083}, annotations={MARKER: "ignore"}),
    service("shop", "cache", port(6379), type="ClusterIP"),
    service(
        "infra",
        "dns",
        port(53, "tcp", nodePort=30053, targetPort=8081),
        port(53, "udp", protocol="UDP", nodePort=30053, targetPort=8081),
    ),
)
LOCAL = (
    service("shop", "search", HTTP, type="ClusterIP"),
    service(
        "billing", "ledger", port(8080, targetPort=30900), labels={MARKER: "true"}, type="ClusterIP", selector=None
    ),
)


def furnish(remote: ControlPlane, local: ControlPlane) -> None:
    """Create the services with which the story begins."""
    remote.add(*REMOTE)
    local.add(*LOCAL)


def pretend(remote: ControlPlane, local: ControlPlane) -> None:
    """Create nodes and a pod that exist only as objects, and wait until the controllers have handled them.

    The remote's services get no pods, so that a preflight tries no node port.
    """
    remote.add(*(node(name, address) for name, address in zip(REMOTE_NODES, NOWHERE.nodes, strict=True)))
    local.add(
        node(LOCAL_NODE, "192.0.2.21"),
        pod("shop", "search-1", NOWHERE.search, node_name=LOCAL_NODE, labels={"app": "search"}),
    )
    wait_until(lambda: _served(local), "the local endpoints of shop/search")


def silence(remote: ControlPlane) -> None:
    """Let a node stop reporting."""
    silent = remote.api.get("Node", LOST)
    silent["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    remote.api.replace_status(silent)


def change(remote: ControlPlane) -> None:
    """Change a node port, and delete a service."""
    web = remote.api.get("Service", "web", "shop")
    web["spec"]["ports"][0]["nodePort"] = 30180
    remote.replace(web)
    remote.api.delete("Service", "coupons", "shop")


def _served(local: ControlPlane) -> bool:
    found = local.api.find("Endpoints", "search", "shop")
    return bool(found and found.get("subsets"))
