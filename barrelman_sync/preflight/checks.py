"""Finds what would fail in a run, before the first run: access to both clusters, permissions, and node ports."""

import socket
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from barrelman_sync.access.connect import connect_local, connect_remote, with_remote_name
from barrelman_sync.cluster.access_review import is_allowed
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.cluster.reading import list_remote, read_identity
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.errors import ConfigurationError, RunError
from barrelman_sync.model.settings import Settings
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.desired import desired_mirrors
from barrelman_sync.planning.nodes import NodeChoice, choose_nodes
from barrelman_sync.preflight.permissions import REMOTE_NEEDS, Need, local_needs, rbac_rules
from barrelman_sync.report.messages import nodes_used
from barrelman_sync.report.preflight import Check

PROBED_NODES = 3
PROBED_SERVICES = 3
PROBE_SECONDS = 3.0
_OPEN = "Allow traffic from the local cluster's nodes and pods to the remote nodes' node ports (30000-32767)."


class Side(NamedTuple):
    """A cluster that answered. `uid` identifies the cluster."""

    client: ClusterClient
    uid: str


Checks = Generator[Check, None, Side | None]


def preflight(settings: Settings, deadline: Deadline) -> Iterator[Check]:
    """Checks all that a run needs and yields each result as it comes. Writes nothing."""
    needs = local_needs(dry_run=settings.run.dry_run, create_namespaces=settings.scope.create_namespaces)
    local = yield from _side("local", lambda: connect_local(settings, deadline), needs)
    remote = yield from _side("remote", lambda: connect_remote(settings, deadline), REMOTE_NEEDS)
    if local and remote:
        yield _different(local, remote)
    if remote:
        yield from _node_ports(settings, remote.client, deadline)


def _side(name: str, connect: Callable[[], ClusterClient], needs: tuple[Need, ...]) -> Checks:
    """Whether a cluster answers and grants us the permissions that a run needs. Returns the cluster if it answers."""
    try:
        client = connect()
        uid = read_identity(client)
    except (ConfigurationError, RunError) as error:
        yield _failed(f"{name} cluster: no access", error)
        return None
    what = f"{name} cluster: connected to {client.name} at {client.server} (uid of kube-system: {uid})"
    yield Check(passed=True, what=what)
    yield from _permissions(name, client, needs)
    return Side(client, uid)


def _permissions(name: str, client: ClusterClient, needs: tuple[Need, ...]) -> Iterator[Check]:
    """One check for each permission, and the RBAC rules for all that are missing."""
    missing = []
    for need in needs:
        try:
            allowed = is_allowed(client, need._asdict())
        except ClusterError as error:
            yield _failed(f"{name} cluster: permissions unknown", error)
            return
        yield Check(allowed, f"{name} cluster: {'may' if allowed else 'may not'} {need}")
        missing += [] if allowed else [need]
    if missing:
        number = "1 permission" if len(missing) == 1 else f"{len(missing)} permissions"
        advice = f"Add these rules to the ClusterRole in the {name} cluster:\n{rbac_rules(missing)}"
        yield Check(passed=False, what=f"{name} cluster: {number} missing", advice=advice)


def _different(local: Side, remote: Side) -> Check:
    """Whether local and remote are different clusters. If not, a run would mirror a cluster into itself."""
    if local.uid == remote.uid:
        advice = "Check the options that name the two clusters."
        return Check(passed=False, what="local and remote are the same cluster", advice=advice)
    return Check(passed=True, what="local and remote are different clusters")


def _node_ports(settings: Settings, client: ClusterClient, deadline: Deadline) -> Iterator[Check]:
    """Whether a few node ports can be reached. Between two clusters, a firewall usually blocks them at first."""
    try:
        scope = with_remote_name(settings, client).scope
    except ConfigurationError as error:
        yield _failed("remote cluster: no usable name", error)
        return
    try:
        listed, services = list_remote(client, settings.nodes)
    except ClusterError as error:
        yield _failed("remote cluster: nodes and Services cannot be listed", error)
        return
    nodes = choose_nodes(listed, settings.nodes)
    yield Check(nodes.used > 0, f"remote cluster: {nodes_used(nodes)}")
    yield from _probes(nodes, desired_mirrors(services, scope).mirrors.values(), deadline)


def _probes(nodes: NodeChoice, mirrors: Iterable[Mirror], deadline: Deadline) -> Iterator[Check]:
    """One connection to each of a few nodes, for each of a few Services."""
    addresses = [address for pool in nodes.pools.values() for address in pool.addresses[:PROBED_NODES]]
    for mirror, port in islice(_tcp_ports(mirrors), PROBED_SERVICES):
        for address in addresses:
            yield _probe(address, port, mirror, deadline)


def _tcp_ports(mirrors: Iterable[Mirror]) -> Iterator[tuple[Mirror, int]]:
    """Each mirror whose node ports every node answers, with one of its TCP node ports."""
    for mirror in mirrors:
        ports = [int(port.target_port) for port in mirror.ports if port.protocol == "TCP"]
        if ports and not mirror.local_traffic:
            yield mirror, ports[0]


def _probe(address: str, port: int, mirror: Mirror, deadline: Deadline) -> Check:
    """Whether a node port of a remote Service accepts a connection."""
    target = f"{address} on node port {port} ({mirror.key})"
    if why := deadline.over():
        return Check(passed=False, what=f"no connection to {target}", advice=f"Not tried: {why}.")
    try:
        socket.create_connection((address, port), min(PROBE_SECONDS, deadline.remaining())).close()
    except OSError as error:
        return Check(passed=False, what=f"no connection to {target}", advice=f"{error.strerror or error}. {_OPEN}")
    return Check(passed=True, what=f"connection to {target}")


def _failed(what: str, error: Exception) -> Check:
    return Check(passed=False, what=what, advice=str(error))
