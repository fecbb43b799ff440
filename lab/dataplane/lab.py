"""The whole laboratory: control planes with nodes, and a private network between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.controlplane import ControlPlane, ControlPlaneError, wait_until
from lab.controlplane.processes import Process
from lab.dataplane import hosts, machine
from lab.dataplane.build import binary
from lab.dataplane.cluster import START_SECONDS, Cluster
from lab.dataplane.hosts import Host
from lab.dataplane.network import Network, network


@contextmanager
def data_planes(nodes: Mapping[ControlPlane, Sequence[str]]) -> Iterator[tuple[Cluster, ...]]:
    """Give each control plane nodes with these names, in a private network. All of it ends with the block.

    Raises NoDataPlane if the machine does not allow it.
    """
    machine.check()
    with ExitStack() as stack:
        net = stack.enter_context(network())
        clusters = []
        groups = [
            [Host(name, 10 * number + place) for place, name in enumerate(names, 1)]
            for number, names in enumerate(nodes.values(), 1)
        ]
        dns = [f"10.77.0.{200 + number}" for number in range(len(groups))]
        net.wire(_wiring(groups, dns))
        _relay(net, list(nodes), [host.name for group in groups for host in group], stack)
        for plane, group, address in zip(nodes, groups, dns, strict=True):
            cluster = Cluster(plane, net, group, address)
            stack.callback(cluster.stop)
            cluster.join()
            cluster.start()
            clusters.append(cluster)
        for cluster in clusters:
            cluster.settle()
        yield tuple(clusters)


def _wiring(groups: Sequence[Sequence[Host]], dns: Sequence[str]) -> Iterator[str]:
    yield from hosts.bridge(*dns)
    every = [host for group in groups for host in group]
    for host in every:
        yield from hosts.node(host, [other for other in every if other is not host])
        yield from hosts.pods(host)
        yield from hosts.ways_back(host)


def _relay(net: Network, planes: Sequence[ControlPlane], names: Sequence[str], stack: ExitStack) -> None:
    """Let the nodes reach the API servers, which listen outside on loopback, under the same addresses."""
    to = ",".join(plane.url.removeprefix("https://") for plane in planes)
    paths = [f"/proc/{net.keeper}/ns/net", *(f"/run/netns/{name}" for name in names)]
    command: list[str | Path] = [*net.enter_outside(), binary(), "relay", f"--to={to}", *paths]
    relay = Process("the relay", command, planes[0].folder / "relay.log")
    stack.callback(relay.stop, grace=0)

    def ready() -> bool:
        if (code := relay.exit_code()) is not None:
            raise ControlPlaneError(f"{relay.name} ended with {code}; its log ends:\n{relay.tail()}")
        return "ready" in relay.tail()

    wait_until(ready, "the relay to the API servers", START_SECONDS, interval=0.1)
