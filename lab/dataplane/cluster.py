"""A cluster with a data plane: a control plane, kube-proxy on each node, pods behind the nodes, and CoreDNS."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from lab.controlplane import ControlPlane, ControlPlaneError, wait_until
from lab.controlplane.objects import ZONE, pod, port, service
from lab.controlplane.processes import Process
from lab.dataplane import late
from lab.dataplane.build import binary as dataplane
from lab.dataplane.hosts import Host, Sandbox
from lab.dataplane.marker import Marker, endpoint, endpoint_slice
from lab.dataplane.network import Network
from lab.dataplane.node import Node

DNS, DNS_NAMESPACE = "kube-dns", "kube-system"
POD_PORTS = (8080, 8081, 8082)  # every pod answers on these, TCP and UDP
# A question that is lost, or answered too late, is asked four more times.
RESOLVER = "search svc.cluster.local cluster.local\noptions ndots:5 timeout:1 attempts:5\n"
ZONES = ("zone-a", "zone-b", "zone-c")
START_SECONDS = 180  # a limit for a busy machine; usually 2
NUMBERS = count()  # of markers; those of all clusters differ


@dataclass(frozen=True)
class Pod:
    """A pod: its object in the API, and the sandbox whose server answers for it."""

    cluster: Cluster
    namespace: str
    name: str
    by: str

    def ready(self, status: str) -> None:
        """Set the condition Ready to True or False; the server answers on."""
        obj = self.cluster.plane.api.get("Pod", self.name, self.namespace)
        obj["status"]["conditions"] = [{"type": "Ready", "status": status}]
        self.cluster.plane.api.replace_status(obj)

    def terminate(self) -> None:
        """Delete the object gracefully: it is there, and the server answers on, until it leaves."""
        self.cluster.plane.api.delete("Pod", self.name, self.namespace, gracePeriodSeconds="3600")

    def leave(self) -> None:
        """Delete the object; the server answers on, as one does that shuts down gracefully."""
        self.cluster.plane.api.delete("Pod", self.name, self.namespace, gracePeriodSeconds="0")


class Cluster:
    """A control plane with nodes that carry traffic. `join` puts into the API what a test starts with."""

    def __init__(self, plane: ControlPlane, network: Network, hosts: Sequence[Host], dns: str) -> None:
        """Take the parts and start nothing; CoreDNS will have the address `dns` on the bridge."""
        self.plane = plane
        self.api = plane.api
        self._network = network
        self._dns = dns
        self._pods = count(1)
        self._processes: dict[str, Process] = {}
        resolver = plane.folder / "resolv.conf"
        self.nodes: Mapping[str, Node] = {host.name: Node(host, plane.api, network, resolver) for host in hosts}
        resolver.write_text(f"nameserver {self._dns_service_ip()}\n{RESOLVER}")

    def node(self, name: str) -> Node:
        """Return one node."""
        return self.nodes[name]

    # --- what is in the cluster

    def join(self) -> None:
        """Create the objects of the nodes, each in a zone of its own, and of DNS."""
        for found, zone in zip(self.nodes.values(), ZONES, strict=False):
            found.revive()
            found.join(zone=zone, dual_stack=self.plane.dual_stack)
        ports = [port(53, "dns-tcp"), port(53, "dns", protocol="UDP")]
        ip = self._dns_service_ip()
        self.plane.add(service(DNS_NAMESPACE, DNS, *ports, type="ClusterIP", clusterIP=ip, selector=None))
        self.api.create(endpoint_slice(DNS_NAMESPACE, DNS, "IPv4", [endpoint(self._dns)], ports))

    def reset(self) -> None:
        """Empty the cluster, and bring it back to what `join` makes.

        A node's object stays, because its kube-proxy would end with it. A node that left gets a new kube-proxy.
        """
        left = [node for node in self.nodes.values() if node.left]
        for node in left:
            self._stop(_proxy_name(node))
        self.plane.reset(kept=["Node"])
        self.join()
        if left:
            self._start_proxies(left)

    def pod(self, namespace: str, app: str, on: str, place: int = 1) -> Pod:
        """Create a pod with the label app=APP on a node: Running and Ready, and answering at once.

        Each node has two places, and several pods may share one. The first port has the name http.
        """
        sandbox = self.nodes[on].host.sandboxes[place - 1]
        name = f"{app}-{next(self._pods)}"
        obj = pod(namespace, name, sandbox.ipv4, node_name=on, labels={"app": app})
        obj["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": POD_PORTS[0]}]
        if self.plane.dual_stack:
            obj["status"]["podIPs"].append({"ip": sandbox.ipv6})
        self.plane.add(obj)
        return Pod(self, namespace, name, sandbox.name)

    def settle(self) -> None:
        """Return when the controllers, kube-proxy on each node, and DNS have the Services and endpoints written before.

        kube-proxy has the zone of its node then, too.
        """
        self.plane.settle()
        marker = Marker(next(NUMBERS), ZONES)
        try:
            families = marker.create(self.api)
            for node in self.nodes.values():
                if not node.left:
                    has = partial(_has, node, node.zone(), marker, families)
                    self._wait(has, f"kube-proxy on {node.name}")
            first = next(iter(self.nodes.values()))
            self._wait(lambda: first.knows(marker.host), f"CoreDNS of {self.plane.name}")
        finally:
            marker.delete(self.api)

    @contextmanager
    def late(self, node: Node, resource: str, seconds: float) -> Iterator[None]:
        """Let kube-proxy on a node see changes of one resource, such as services, so many seconds late."""
        command = late.command(self.plane.component_kubeconfig(), resource, seconds)
        name = f"late-{node.name}"
        self._start(name, [*self._network.enter_namespace(node.name), *command])
        self._stop(_proxy_name(node))
        try:
            self._start_proxies([node], f"--master={late.URL}")
            self.settle()
            yield
        finally:
            self._stop(_proxy_name(node))
            self._stop(name)
            self._start_proxies([node])

    # --- its components

    def start(self) -> None:
        """Start the components, and return when they work. Call `join` first: kube-proxy waits for its node."""
        for node in self.nodes.values():
            for sandbox in node.host.sandboxes:
                self._start(f"pod-{sandbox.name}", self._pod(sandbox))
        kubeconfig = f"--kubeconfig={self.plane.component_kubeconfig()}"
        dns: list[str | Path] = [dataplane(), "dns", f"--bind={self._dns}", kubeconfig]
        self._start(f"coredns-{self.plane.name}", [*self._network.enter(), *dns])
        self._start_proxies(self.nodes.values())

    def stop(self) -> None:
        """Kill the components."""
        for process in reversed(self._processes.values()):
            process.stop(grace=0)

    def check(self) -> None:
        """Raise ControlPlaneError if a component has ended by itself, but for the kube-proxy of a node that left."""
        may_end = {_proxy_name(node) for node in self.nodes.values() if node.left}
        for name, process in self._processes.items():
            if name not in may_end and (code := process.exit_code()) is not None:
                raise ControlPlaneError(f"{process.name} ended with {code}; its log ends:\n{process.tail()}")

    def _start(self, name: str, command: Sequence[str | Path]) -> None:
        self._processes[name] = Process(name, command, self.plane.folder / f"{name}.log")

    def _stop(self, name: str) -> None:
        if process := self._processes.pop(name, None):
            process.stop(grace=0)

    def _start_proxies(self, nodes: Collection[Node], api: str = "") -> None:
        """Start kube-proxy on these nodes, which have no zone until it works.

        Since 1.34, it may miss a zone that is there when it starts, see docs/compatibility.md.
        """
        zones = {node: node.zone() for node in nodes}
        try:
            for node in nodes:
                node.label(**{ZONE: None})
            for node in nodes:
                self._start(_proxy_name(node), self._proxy(node, api))
            self.settle()
        finally:
            for node, zone in zones.items():
                node.label(**{ZONE: zone or None})

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        def holds() -> bool:
            self.check()
            return condition()

        wait_until(holds, what, START_SECONDS, interval=0.1)

    def _pod(self, sandbox: Sandbox) -> list[str | Path]:
        ports = ",".join(map(str, POD_PORTS))
        return [*self._network.enter_namespace(sandbox.name), dataplane(), "pod", f"--ports={ports}", sandbox.name]

    def _proxy(self, node: Node, api: str = "") -> list[str | Path]:
        return [
            *self._network.enter_namespace(node.name),
            self.plane.binary,
            "kube-proxy",
            api or f"--kubeconfig={self.plane.component_kubeconfig()}",
            "--proxy-mode=nftables",
            f"--hostname-override={node.name}",
            # These limits are the whole machine's, and the lab must not change them.
            "--conntrack-max-per-core=0",
            "--conntrack-min=0",
            "--healthz-bind-address=",
            "--metrics-bind-address=",
        ]

    def _dns_service_ip(self) -> str:
        return self.plane.service_ip(10)


def _proxy_name(node: Node) -> str:
    return f"kube-proxy-{node.name}"


def _has(node: Node, zone: str, marker: Marker, families: Sequence[str]) -> bool:
    return marker.is_in(node.rules(), zone, families)
