"""Nodes and Services as in large clusters, and quick ways to create thousands of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256

from lab.bench.figures import progress
from lab.controlplane import ControlPlane, Object
from lab.controlplane.objects import namespace, node, port, service

NAMESPACES = 50
ZONES = 3
FIRST_NODE_PORT = 20000
NODE_PORTS = "--service-node-port-range=20000-32767"  # the usual range holds 2,768
THREADS = 8
IMAGES, LABELS = 50, 24


def node_name(number: int) -> str:
    """Return a name in the form that GKE gives to nodes."""
    return f"gke-prod-1-pool-{number % 4}-{_hex('pool', number % 4)[:8]}-{_hex('node', number)[:4]}{number:05}"


def large_node(number: int) -> Object:
    """Return a node as large as a real one: 15 kB, more than half of which is the list of its images."""
    labels = {f"cloud.example.com/gke-label-{index:02}": _hex("label", index)[:24] for index in range(LABELS)}
    zone = {"topology.kubernetes.io/zone": f"europe-west1-{'bcd'[number % ZONES]}"}
    address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    made = node(node_name(number), address, labels=labels | zone)
    made["metadata"]["annotations"] = {f"node.example.com/note-{index}": _hex("note", index) * 2 for index in range(12)}
    made["status"] |= {"conditions": _conditions(), "images": _images()}
    return made


def plain_service(number: int) -> Object:
    """Return a NodePort Service with one port."""
    wanted = port(80, "http", nodePort=FIRST_NODE_PORT + number, appProtocol="http")
    return service(namespace_name(number), f"service-{number:04}", wanted)


def namespace_name(number: int) -> str:
    return f"team-{number % NAMESPACES:02}"


def add_nodes(plane: ControlPlane, numbers: range) -> None:
    """Create nodes. Unlike for other kinds, the server accepts their status in the create."""
    _create(plane, (large_node(number) for number in numbers), f"{len(numbers)} nodes")


def add_services(plane: ControlPlane, numbers: range) -> None:
    """Create Services and the namespaces they need."""
    for number in numbers[:NAMESPACES]:
        if plane.api.find("Namespace", namespace_name(number)) is None:
            plane.api.create(namespace(namespace_name(number)))
    _create(plane, (plain_service(number) for number in numbers), f"{len(numbers)} services")


def remove_node(plane: ControlPlane, number: int) -> None:
    plane.api.delete("Node", node_name(number))


def _create(plane: ControlPlane, objects: Iterable[Object], what: str) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(plane.api.create, objects):
            pass
    progress(f"{what} created in {time.monotonic() - started:.0f} s")


@cache
def _hex(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()


@cache
def _images() -> Sequence[Object]:
    base = "europe-docker.pkg.dev/gke-release/gke-release"
    return [
        {
            "names": [f"{base}/image-{index}@sha256:{_hex('image', index)}", f"{base}/image-{index}:v1.36.{index}"],
            "sizeBytes": 10_000_000 + index,
        }
        for index in range(IMAGES)
    ]


@cache
def _conditions() -> Sequence[Object]:
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure", "KernelDeadlock", "FrequentKubeletRestart")
    at = {"lastHeartbeatTime": "2026-11-23T10:00:00Z", "lastTransitionTime": "2026-11-20T10:00:00Z"}
    fine = [
        {"type": kind, "status": "False", "reason": f"No{kind}", "message": f"kubelet has no {kind}", **at}
        for kind in ("NetworkUnavailable", *pressures)
    ]
    return [*fine, {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is ready", **at}]
