"""A node: its object in the API, and the namespace that stands for the machine."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from lab.controlplane import Api, Object
from lab.controlplane.objects import ZONE, node
from lab.dataplane import calls
from lab.dataplane.build import binary
from lab.dataplane.hosts import Host
from lab.dataplane.network import Network

# All packets are dropped without a word, as when a machine dies. An interface that is down would answer: unreachable.
# Those of the node with itself are not, so that its kube-proxy keeps its connection, and works once the node is back.
DIE = """
add table inet dead
add chain inet dead in { type filter hook prerouting priority -500; policy drop; }
add rule inet dead in iifname lo accept
add chain inet dead out { type filter hook output priority -500; policy drop; }
add rule inet dead out oifname lo accept
"""
REVIVE = "delete table inet dead"
RATE = 100  # calls a second


class Node:
    """One node of a cluster. Its deeds take effect at the API, in the network, or both, as each one says."""

    def __init__(self, host: Host, api: Api, network: Network, resolver: Path) -> None:
        """Take the parts; `resolver` is the resolv.conf of the node and its pods."""
        self.host = host
        self.name = host.name
        self._api = api
        self._network = network
        self._resolver = resolver
        self._loads = count()
        self._dead = False
        self.left = False
        """Whether the object was deleted, and kube-proxy may have ended."""

    # --- its object in the API

    def join(self, *, zone: str = "", dual_stack: bool = True) -> None:
        """Create the object, or replace it: Ready, with its addresses, and without what a test set."""
        addresses = (self.host.ipv4, self.host.ipv6) if dual_stack else (self.host.ipv4,)
        obj = node(self.name, *addresses, labels={ZONE: zone} if zone else None)
        write = self._api.replace if self._api.find("Node", self.name) else self._api.create
        self._api.replace_status({**write(obj), "status": obj["status"]})
        self.left = False

    def ready(self, status: str) -> None:
        """Set the condition Ready to True, False or Unknown; nothing happens in the network."""
        self._status(lambda found: found.update(conditions=[{"type": "Ready", "status": status}]))

    def label(self, **labels: str | None) -> None:
        """Set labels, or remove those that are None."""
        self._api.patch(self._named(), {"metadata": {"labels": labels}})

    def zone(self) -> str:
        """Return the zone that the label says; empty if there is no such label."""
        return str(self._api.get("Node", self.name)["metadata"].get("labels", {}).get(ZONE, ""))

    def taint(self, *keys: str) -> None:
        """Set the taints, with the effect NoSchedule; none takes all off."""
        taints = [{"key": key, "effect": "NoSchedule"} for key in keys]
        self._api.patch(self._named(), {"spec": {"taints": taints or None}})

    def leave(self) -> None:
        """Delete the object. The rules of the network stay, but kube-proxy may end, as that of 1.37 does."""
        self._api.delete("Node", self.name)
        self.left = True

    # --- the machine

    def die(self) -> None:
        """Drop all packets of the machine, without a word; the object in the API stays as it is."""
        self._network.run([*self._network.enter_namespace(self.name), "nft", "--file", "-"], DIE)
        self._dead = True

    def revive(self) -> None:
        """Undo `die`."""
        if self._dead:
            self._network.run([*self._network.enter_namespace(self.name), "nft", REVIVE])
            self._dead = False

    # --- calls from the node, with the DNS of its cluster

    def command(self, *words: str | Path, folder: Path = Path("/"), place: int = 0) -> list[str]:
        """Return the whole command that runs these words in the folder, on the node or at one of its places."""
        namespace = self.host.sandboxes[place - 1].name if place else self.name
        return [*self._network.enter_host(namespace, self._resolver, folder), *map(str, words)]

    def call(self, url: str, count: int = 1, *options: str, place: int = 0) -> calls.Tally:
        """Call a URL so often, one call after the other. The schemes are http and udp (udp://name:port).

        The caller is in the node's own network, or at one of the node's places for pods.
        """
        words = self.command(binary(), "call", f"--count={count}", *options, url, place=place)
        return calls.read(self._network.run(words).splitlines())

    def load(self, *urls: str, rate: int = RATE, options: tuple[str, ...] = ()) -> calls.Load:
        """Return calls to these URLs in turn, so many a second, which begin and end with the `with` block."""
        output = self._resolver.with_name(f"{self.name}-load-{next(self._loads)}.jsonl")
        return calls.Load(self.command(binary(), "call", f"--rate={rate}", *options, *urls), output)

    def knows(self, name: str) -> bool:
        """Say whether the name resolves here."""
        found = self._network.run([*self.command("sh", "-c", '"$@" || true', "-", binary(), "resolve", name)])
        return bool(found.strip())

    def rules(self) -> str:
        """Return all rules of the node, as nft prints them."""
        return self._network.run([*self._network.enter_namespace(self.name), "nft", "list", "ruleset"])

    def _status(self, change: Callable[[Object], None]) -> None:
        obj = self._api.get("Node", self.name)
        change(obj["status"])
        self._api.replace_status(obj)

    def _named(self) -> Object:
        return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name}}
