"""A preflight in a network of its own, where the nodes' addresses are ours: `unshare -rn python -m tests.wire.lab`.

Arguments: the options of the run. DENIED in the environment has what the two clusters do not allow, such as
`local delete services, remote list nodes`.

The remote has three nodes, and three Services: cart, which has a ready endpoint, empty, which has none, and dns, which
speaks only UDP. The node ports of empty would answer nowhere.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from barrelman_sync.preflight import probing
from tests.wire import answers
from tests.wire.commands import Sides, invoke
from tests.wire.fakeapi import Answer, Exchange, FakeApi
from tests.wire.objects import node, node_port
from tests.wire.store import Object

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
ANSWERING, SILENT, REFUSING = "10.0.0.1", "10.0.0.2", "10.0.0.3"
NODE_PORT, EMPTY_PORT, DNS_PORT = 30080, 30081, 30053
SILENCE_SECONDS = 2.0
"""How long a preflight waits for SILENT here, less than it does elsewhere."""
NETWORK = (
    "ip link set lo up",
    f"ip address add {ANSWERING}/32 dev lo",
    f"ip address add {REFUSING}/32 dev lo",
    f"ip route add {SILENT}/32 dev lo",  # an address of nobody: the kernel drops what it sends itself for it
)


def main() -> None:
    """Print what the run says, and end as it ends."""
    for command in NETWORK:
        subprocess.run(command.split(), check=True)
    denied = [text.strip() for text in os.environ["DENIED"].split(",")]
    with (
        patch.object(probing, "CONNECT_SECONDS", SILENCE_SECONDS),
        socket.create_server((ANSWERING, NODE_PORT)),
        tempfile.TemporaryDirectory() as folder,
        FakeApi() as local,
        FakeApi() as remote,
    ):
        sides = Sides(local, remote, Path(folder))
        for side, api in (("local ", local), ("remote ", remote)):
            api.rule_for_ever("POST", REVIEWS, reviews({text.removeprefix(side) for text in denied}))
        if "remote list endpointslices" in denied:
            remote.rule_for_ever("GET", SLICES, answers.failure(403))
        remote.store.add(node("c", REFUSING), *services(), ready_slice("cart"))
        result = invoke(*sides.arguments, *sys.argv[1:])
        print(result.output, end="")
    sys.exit(result.exit_code)


def services() -> list[Object]:
    """The Services of the remote."""
    dns = node_port("dns", node_port=DNS_PORT)
    dns["spec"]["ports"][0]["protocol"] = "UDP"
    return [node_port("cart", node_port=NODE_PORT), node_port("empty", node_port=EMPTY_PORT), dns]


def ready_slice(service: str, *nodes: str) -> Object:
    """A slice of a Service in namespace shop with a ready endpoint at each node, or with one that is at no node."""
    endpoints = [{"addresses": ["10.1.0.1"], "nodeName": node} for node in nodes] or [{"addresses": ["10.1.0.1"]}]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"namespace": "shop", "name": service, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [],
    }


def reviews(denied: set[str]) -> Answer:
    """Answer as the API server does."""

    def answer(exchange: Exchange) -> None:
        asked = exchange.request_now.json["spec"]["resourceAttributes"]
        allowed = f"{asked['verb']} {asked['resource']}" not in denied
        exchange.send(201, json.dumps({"status": {"allowed": allowed}}).encode(), "application/json")

    return answer


if __name__ == "__main__":
    main()
