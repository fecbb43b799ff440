"""A preflight in a network of its own, where the nodes' addresses are ours: `unshare -rn python -m tests.wire.lab`.

Arguments: the options of the run. DENIED in the environment has what the two clusters do not allow, such as
`local delete services, remote list nodes`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.wire.commands import Sides, invoke
from tests.wire.fakeapi import Answer, Exchange, FakeApi
from tests.wire.objects import node_port

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
ANSWERING, SILENT = "10.0.0.1", "10.0.0.2"
NODE_PORT = 30080


def main() -> None:
    """Print what the run says, and end as it ends."""
    for command in ("ip link set lo up", f"ip address add {ANSWERING}/32 dev lo"):
        subprocess.run(command.split(), check=True)
    denied = [text.strip() for text in os.environ["DENIED"].split(",")]
    with (
        socket.create_server((ANSWERING, NODE_PORT)),
        tempfile.TemporaryDirectory() as folder,
        FakeApi() as local,
        FakeApi() as remote,
    ):
        sides = Sides(local, remote, Path(folder))
        for side, api in (("local ", local), ("remote ", remote)):
            api.rule_for_ever("POST", REVIEWS, reviews({text.removeprefix(side) for text in denied}))
        remote.store.add(node_port("cart", node_port=NODE_PORT))
        result = invoke(*sides.arguments, *sys.argv[1:])
        print(result.output, end="")
    sys.exit(result.exit_code)


def reviews(denied: set[str]) -> Answer:
    """Answer as the API server does."""

    def answer(exchange: Exchange) -> None:
        asked = exchange.request_now.json["spec"]["resourceAttributes"]
        allowed = f"{asked['verb']} {asked['resource']}" not in denied
        exchange.send(201, json.dumps({"status": {"allowed": allowed}}).encode(), "application/json")

    return answer


if __name__ == "__main__":
    main()
