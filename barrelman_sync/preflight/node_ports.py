"""Whether the node ports of the remote cluster can be reached. Between two clusters, a firewall usually blocks them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.cluster.ready_endpoints import ready_endpoints
from barrelman_sync.deadline import CONNECT_SECONDS, Deadline
from barrelman_sync.model.names import Key
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.nodes import NodeChoice
from barrelman_sync.preflight.probing import Answer, Target, probe
from barrelman_sync.report.preflight import Check, Topic

PROBED_NODES = 3
PROBED_SERVICES = 3
_SHOWN = 3
_MOST_SERVICES = 100
"""Among so many Services, one should have a ready endpoint. One request asks for all of them."""
_OPEN = "Allow traffic from the local cluster's nodes and pods to the remote nodes' node ports (30000-32767)."

Ready = Mapping[Key, frozenset[str]]
"""The nodes with ready endpoints, for each Service that has ready endpoints."""


class Probe(NamedTuple):
    """A node port of a Service, at one node."""

    service: Key
    node: str
    target: Target


def check_node_ports(
    client: ClusterClient, nodes: NodeChoice, mirrors: Iterable[Mirror], deadline: Deadline
) -> Iterator[Check]:
    """Tries a few node ports at a few nodes. What cannot be tried is told, too."""
    by_tcp, others = _by_protocol(mirrors)
    if others:
        yield _note(f"node ports of {_some(others)} not tested: UDP and SCTP do not tell whether a packet arrives")
    ready: Ready | None = None
    if by_tcp and nodes.used:
        try:
            ready = ready_endpoints(client, [mirror.key for mirror in by_tcp])
        except ClusterError as error:
            what = "remote cluster: EndpointSlices cannot be listed, so Services without endpoints are tested, too"
            yield Check(Topic.LISTS, passed=False, what=what, advice=str(error), side="remote")
    probes = [*_probes(by_tcp, nodes, ready)]
    if probes:
        yield from _tested(probes, nodes, deadline)
    else:
        yield _note(f"no node port tested: {_why_none(by_tcp, nodes)}")


def _by_protocol(mirrors: Iterable[Mirror]) -> tuple[list[Mirror], list[Mirror]]:
    """The first mirrors that have a TCP port, at most _MOST_SERVICES; and all that have none."""
    by_tcp: list[Mirror] = []
    others: list[Mirror] = []
    for mirror in mirrors:
        (others if _tcp_port(mirror) is None else by_tcp).append(mirror)
    return by_tcp[:_MOST_SERVICES], others


def _tcp_port(mirror: Mirror) -> int | None:
    """The first node port of the remote Service that speaks TCP."""
    return next((int(port.target_port) for port in mirror.ports if port.protocol == "TCP"), None)


def _probes(mirrors: Iterable[Mirror], nodes: NodeChoice, ready: Ready | None) -> Iterator[Probe]:
    """A few nodes for each of a few Services, out of those that should answer. `ready` is None if it is not known."""
    candidates = (found for mirror in mirrors if (found := [*_probes_of(mirror, nodes, ready)]))
    for probes in islice(candidates, PROBED_SERVICES):
        yield from probes


def _probes_of(mirror: Mirror, nodes: NodeChoice, ready: Ready | None) -> Iterator[Probe]:
    port = _tcp_port(mirror)
    if port is None or (ready is not None and mirror.key not in ready) or (ready is None and mirror.local_traffic):
        return
    for pool in nodes.pools.values():
        # With externalTrafficPolicy Local, the other nodes drop the packets.
        serving = pool.only(ready[mirror.key]) if ready is not None and mirror.local_traffic else pool
        for address in serving.addresses[:PROBED_NODES]:
            yield Probe(mirror.key, nodes.names.get(address, ""), Target(address, port))


def _tested(probes: list[Probe], nodes: NodeChoice, deadline: Deadline) -> Iterator[Check]:
    """Which nodes are tried, then what each node port answered."""
    tried = dict.fromkeys(f"{found.node} ({found.target.address})" for found in probes)
    names = {found.node for found in probes}
    yield _note(f"node ports tried at {', '.join(tried)}: {len(names)} of {nodes.used} used nodes")
    answers = probe((found.target for found in probes), deadline)
    for found in probes:
        yield _result(found, answers[found.target], deadline)


def _result(found: Probe, answer: Answer, deadline: Deadline) -> Check:
    target = f"{found.target.address} on node port {found.target.port} ({found.service})"
    facts: dict[str, str | int] = {
        "node": found.node,
        "address": found.target.address,
        "port": found.target.port,
        "namespace": found.service.namespace,
        "service": found.service.name,
    }
    if answer.reached:
        refused = " refused at once: reachable, no firewall drops it" if answer.code else ""
        what = f"connection to {target}{refused}"
        return Check(Topic.NODE_PORT, passed=True, what=what, side="remote", facts=facts)
    advice = f"{_reason(answer, deadline)}. {_OPEN}"
    what = f"no connection to {target}"
    return Check(Topic.NODE_PORT, passed=False, what=what, advice=advice, side="remote", facts=facts)


def _reason(answer: Answer, deadline: Deadline) -> str:
    if answer.code is not None:
        return os.strerror(answer.code)
    if why := deadline.over():
        return f"No answer, {why}"
    return f"No answer in {CONNECT_SECONDS:g} s"


def _why_none(by_tcp: list[Mirror], nodes: NodeChoice) -> str:
    if not nodes.used:
        return "no node is used"
    if not by_tcp:
        return "no Service to mirror has a TCP port"
    first = "the first " if len(by_tcp) == _MOST_SERVICES else ""
    return f"none of {first}{len(by_tcp)} Services with a TCP port has a ready endpoint at a used node"


def _some(mirrors: list[Mirror]) -> str:
    """The first of the mirrors by name, and how many more there are."""
    names = ", ".join(str(mirror.key) for mirror in mirrors[:_SHOWN])
    more = len(mirrors) - _SHOWN
    return f"{names} and {more} more" if more > 0 else names


def _note(text: str) -> Check:
    return Check(Topic.NODE_PORTS, passed=True, what=f"remote cluster: {text}", side="remote")
