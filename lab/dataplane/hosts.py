"""The addresses in the private network, and the commands that wire it up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

BRIDGE = "br0"
GATEWAY4, GATEWAY6 = "10.77.0.1", "fd77::1"
SANDBOXES = 2  # on each node


@dataclass(frozen=True)
class Sandbox:
    """The network namespace of one pod, on a node."""

    name: str
    ipv4: str
    ipv6: str


@dataclass(frozen=True)
class Host:
    """The network namespace of one node, and those of its pods. `number` is the last part of the node's addresses."""

    name: str
    number: int

    @property
    def ipv4(self) -> str:
        return f"10.77.0.{self.number}"

    @property
    def ipv6(self) -> str:
        return f"fd77::{self.number}"

    @property
    def sandboxes(self) -> tuple[Sandbox, ...]:
        """The places for pods, each with a server in it."""
        return tuple(
            Sandbox(f"{self.name}-{place}", f"10.78.{self.number}.{place + 1}", f"fd78:{self.number}::{place + 1}")
            for place in range(1, SANDBOXES + 1)
        )

    @property
    def pods4(self) -> str:
        """The range of the pods' IPv4 addresses."""
        return f"10.78.{self.number}.0/24"

    @property
    def pods6(self) -> str:
        """The range of the pods' IPv6 addresses."""
        return f"fd78:{self.number}::/64"


def bridge(*addresses: str) -> Iterator[str]:
    """Yield the commands that make the bridge, with more addresses of its own for servers."""
    yield "ip link set lo up"
    yield f"ip link add {BRIDGE} type bridge"
    for address in (f"{GATEWAY4}/24", *(f"{address}/24" for address in addresses)):
        yield f"ip address add {address} dev {BRIDGE}"
    yield f"ip address add {GATEWAY6}/64 dev {BRIDGE} nodad"
    yield f"ip link set {BRIDGE} up"


def node(host: Host, neighbors: Iterable[Host]) -> Iterator[str]:
    """Yield the commands that make a node's namespace. `neighbors` are the nodes whose pods it can reach.

    These are all other nodes, as in one VPC: an answer must find its way to a caller in a pod of the other cluster.
    """
    yield f"ip netns add {host.name}"
    yield f"ip link add {host.name} type veth peer name eth0 netns {host.name}"
    yield f"ip link set {host.name} master {BRIDGE} up"
    yield f"ip -n {host.name} link set lo up"
    yield f"ip -n {host.name} address add {host.ipv4}/24 dev eth0"
    yield f"ip -n {host.name} address add {host.ipv6}/64 dev eth0 nodad"
    yield f"ip -n {host.name} link set eth0 up"
    # A packet to a ClusterIP must have a route, or it never comes to the rules that give it another destination.
    yield f"ip -n {host.name} route add default via {GATEWAY4}"
    yield f"ip -n {host.name} -6 route add default via {GATEWAY6}"
    for other in neighbors:
        yield f"ip -n {host.name} route add {other.pods4} via {other.ipv4}"
        yield f"ip -n {host.name} -6 route add {other.pods6} via {other.ipv6}"
    yield _set(host.name, "net/ipv4/ip_forward", 1)
    yield _set(host.name, "net/ipv6/conf/all/forwarding", 1)
    # A connection attempt to a dead node is remembered for 120 s, and a new one from the same port is sent there once
    # more (docs/how-traffic-flows.md). Tests that count calls cannot wait for so long.
    yield _set(host.name, "net/netfilter/nf_conntrack_tcp_timeout_syn_sent", 3)


def pods(host: Host) -> Iterator[str]:
    """Yield the commands that make the namespaces of a node's pods."""
    yield f"ip -n {host.name} link add cni0 type bridge"
    yield f"ip -n {host.name} address add 10.78.{host.number}.1/24 dev cni0"
    yield f"ip -n {host.name} address add fd78:{host.number}::1/64 dev cni0 nodad"
    yield f"ip -n {host.name} link set cni0 up"
    for sandbox in host.sandboxes:
        yield f"ip netns add {sandbox.name}"
        yield f"ip -n {host.name} link add {sandbox.name} type veth peer name eth0 netns {sandbox.name}"
        yield f"ip -n {host.name} link set {sandbox.name} master cni0 up"
        yield f"ip -n {sandbox.name} link set lo up"
        yield f"ip -n {sandbox.name} address add {sandbox.ipv4}/24 dev eth0"
        yield f"ip -n {sandbox.name} address add {sandbox.ipv6}/64 dev eth0 nodad"
        yield f"ip -n {sandbox.name} link set eth0 up"
        yield f"ip -n {sandbox.name} route add default via 10.78.{host.number}.1"
        yield f"ip -n {sandbox.name} -6 route add default via fd78:{host.number}::1"


def ways_back(host: Host) -> Iterator[str]:
    """Yield the commands that let the servers on the bridge answer the node's pods."""
    yield f"ip route add {host.pods4} via {host.ipv4}"
    yield f"ip -6 route add {host.pods6} via {host.ipv6}"


def _set(namespace: str, key: str, value: int) -> str:
    return f"ip netns exec {namespace} sh -c 'echo {value} > /proc/sys/{key}'"
