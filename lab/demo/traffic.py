"""Nodes, pods and callers for the two clusters, where the machine allows them."""

from __future__ import annotations

import shutil
import subprocess
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.controlplane import ControlPlane, NoControlPlane
from lab.dataplane import Call, Cluster, Load, Node, Pod, Tally, data_planes, machine
from lab.dataplane.build import binary
from lab.demo import terminal
from lab.demo.shell import Door, programs
from lab.demo.world import LOCAL_NODE, LOST, REMOTE_NODES, Places

SERVED = (("shop", "web"), ("shop", "coupons"), ("shop", "search"), ("shop", "admin"), ("infra", "dns"))
RATE = 100  # calls a second
PERIOD = 50  # the calls that a period has at least
# Without curl, our own caller does: it prints each answer as JSON.
CALLER = ("curl", "-sS") if shutil.which("curl", path=machine.environment()["PATH"]) else ("dataplane", "call")


@dataclass(frozen=True)
class Traffic:
    """Both clusters with their nodes, and the pods on the node that the story loses."""

    remote: Cluster
    local: Cluster
    doomed: Sequence[Pod]

    @property
    def caller(self) -> Node:
        """The local node from which the story calls."""
        return self.local.node(LOCAL_NODE)

    @property
    def places(self) -> Places:
        """The addresses that the story speaks of."""
        nodes = tuple(node.host.ipv4 for node in self.remote.nodes.values())
        return Places(nodes, self.caller.host.sandboxes[0].ipv4)

    def settle(self) -> None:
        """Return when all nodes and the DNS of both clusters have what was written before."""
        for cluster in (self.remote, self.local):
            cluster.settle()

    def check(self) -> None:
        """Raise ControlPlaneError if a component of the data plane has ended by itself."""
        for cluster in (self.remote, self.local):
            cluster.check()

    def door(self, folder: Path) -> Door:
        """Return the way to a shell on the local node."""
        return Door(str(folder), LOCAL_NODE, self.caller.command(folder=folder), programs(binary()))

    def type(self, url: str, folder: Path) -> None:
        """Call as somebody would by hand in that shell, and show the command and what it prints."""
        words = [*CALLER, url]
        terminal.prompt(" ".join(words), on=LOCAL_NODE)
        door = self.door(folder)
        command = door.command(*words)
        done = subprocess.run(command, env=door.environment(), capture_output=True, text=True, check=False)
        terminal.output(done.stdout + done.stderr)

    def lose_node(self) -> None:
        """Cut a node off. Its pods are not ready any more, as its cluster says after a while."""
        self.remote.node(LOST).die()
        for pod in self.doomed:
            pod.ready("False")

    @contextmanager
    def calls(self, url: str) -> Iterator[Periods]:
        """Call all the time while the block runs."""
        with self.caller.load(url, rate=RATE, options=("--timeout=2s",)) as load:
            periods = Periods(load)
            yield periods
        periods.end()


class Periods:
    """Calls that go on, in periods that each have a name. Without a load, nothing is counted."""

    def __init__(self, load: Load | None = None) -> None:
        self.tallies: dict[str, Tally] = {}
        self._load = load
        self._begun: dict[str, float] = {}

    def go_on(self, name: str, deed: Callable[[], None] = lambda: None) -> None:
        """Begin a period, which lasts until the next one, with a deed. Return when enough calls of it have ended."""
        self._begun[name] = time.time()
        deed()
        if self._load:
            self._load.go_on(PERIOD)

    def end(self) -> None:
        """Share the calls out among the periods. What was in flight at the first change belongs to that change."""
        assert self._load
        names, begun = [*self._begun], [*self._begun.values()]
        found: dict[str, list[Call]] = {name: [] for name in names}
        for call in self._load.tally.calls:
            moment = call.at if call.at + call.took < begun[1] else max(call.at, begun[1])
            found[names[max(bisect_right(begun, moment) - 1, 0)]].append(call)
        self.tallies = {name: Tally(calls) for name, calls in found.items()}


@contextmanager
def traffic(remote: ControlPlane, local: ControlPlane) -> Iterator[Traffic | None]:
    """Give the clusters nodes, DNS, and pods for their services; or say why this machine cannot, and yield None."""
    try:
        machine.check()
        binary()
    except NoControlPlane as error:
        terminal.line()
        terminal.line(f"Without traffic: {error}.")
        yield None
        return
    terminal.line()
    terminal.say(
        "Each node is a network namespace with a real kube-proxy, each pod a small server. CoreDNS knows the names."
    )
    with data_planes({remote: REMOTE_NODES, local: (LOCAL_NODE,)}) as (there, here):
        found = Traffic(there, here, _start_pods(there, here))
        found.settle()
        yield found


def _start_pods(remote: Cluster, local: Cluster) -> list[Pod]:
    """Start the pods of all services, and return those on the node that the story loses."""
    local.pod("shop", "search", on=LOCAL_NODE)
    pods = {node: [remote.pod(namespace, app, on=node) for namespace, app in SERVED] for node in REMOTE_NODES}
    return pods[LOST]
