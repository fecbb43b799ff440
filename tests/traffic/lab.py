"""Two clusters that carry traffic, as a test of traffic speaks of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.controlplane import Object
from lab.controlplane.objects import port, service
from lab.dataplane import Cluster, Load, Pod, Tally
from tests.scenarios.command import Run, Sync

NAMESPACE, NAME = "shop", "web"
URL = f"http://{NAME}.{NAMESPACE}.svc.cluster.local/"
BAR = "http://bar.foo.svc.cluster.local/"  # the example of docs/migration.md
EXCLUDE = {"node.kubernetes.io/exclude-from-external-load-balancers": "true"}  # a label
HTTP = port(80, "http", targetPort=8080)


@dataclass(frozen=True)
class Lab:
    """Both clusters, the command that mirrors remote services to local, and what tells a figure at the end."""

    remote: Cluster
    local: Cluster
    sync: Sync
    tell: Callable[[str, Tally], None]

    def settle(self) -> None:
        """Return when all that was written before has come to the nodes of both clusters, and to their DNS."""
        for cluster in (self.remote, self.local):
            cluster.settle()

    def mirror(self, *options: str, exit_code: int = 0) -> Run:
        """Run barrelman-sync, and return when what it wrote has come to the local nodes."""
        run = self.sync(*options)
        assert run.exit_code == exit_code, run
        self.local.settle()
        return run

    def call(self, url: str = URL, count: int = 1, *options: str) -> Tally:
        """Call by name from the first local node, one call after the other."""
        return next(iter(self.local.nodes.values())).call(url, count, *options)

    def load(self, *urls: str, seconds: float = 10) -> Load:
        """Return calls by name from the first local node, which go on while the `with` block does.

        `seconds` is how long each may take: so long that a busy machine fails none. Give 2 where nobody should answer:
        nodes of the lab forget an unanswered attempt after 3 seconds, and may send the next one elsewhere.
        """
        node = next(iter(self.local.nodes.values()))
        return node.load(*(urls or (URL,)), options=(f"--timeout={seconds:g}s",))


def serve(
    cluster: Cluster,
    *ports: Object,
    namespace: str = NAMESPACE,
    name: str = NAME,
    nodes: Sequence[str] = (),
    **spec: Any,
) -> list[Pod]:
    """Create a NodePort Service in the cluster, with a pod on each of the nodes (default: on all)."""
    cluster.plane.add(service(namespace, name, *(ports or (HTTP,)), **spec))
    pods = [cluster.pod(namespace, name, on=node) for node in nodes or cluster.nodes]
    cluster.settle()
    return pods


def lost(calls: Tally) -> set[str]:
    """Return how calls of two seconds failed. A busy DNS may need these seconds, which says nothing of nodes."""
    return set(calls.errors) - {"no_answer_from_dns"}
