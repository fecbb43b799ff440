"""Tells before the first run what would fail in it: access to both clusters, rights, and the way to the node ports."""

import socket
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from barrelman_sync.access.connect import connect_local, connect_remote, with_remote_name
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.deadline import Deadline
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.cluster.reading import list_remote, read_identity
from barrelman_sync.model.errors import ConfigurationError, RunError
from barrelman_sync.model.settings import Settings
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.desired import desired_mirrors
from barrelman_sync.planning.nodes import choose_nodes
from barrelman_sync.preflight.access_review import is_allowed
from barrelman_sync.preflight.permissions import REMOTE_NEEDS, Need, local_needs, rbac_rules
from barrelman_sync.report.messages import nodes_used

PROBED_NODES = 3
PROBED_SERVICES = 3
PROBE_SECONDS = 3.0


class Check(NamedTuple):
    """One thing that was tried; `advice` may have several lines."""

    passed: bool
    what: str
    advice: str = ""


class Side(NamedTuple):
    """A cluster that answered, and the uid that tells which one it is."""

    client: ClusterClient
    uid: str


Checks = Generator[Check, None, Side | None]


def preflight(settings: Settings, deadline: Deadline) -> Iterator[Check]:
    """Tries all that a run needs and yields each result as it comes. Writes nothing."""
    needs = local_needs(dry_run=settings.run.dry_run, create_namespaces=settings.scope.create_namespaces)
    local = yield from _side("local", lambda: connect_local(settings, deadline), needs)
    remote = yield from _side("remote", lambda: connect_remote(settings, deadline), REMOTE_NEEDS)
    if local and remote:
        same = local.uid == remote.uid
        yield Check(not same, "the two are different clusters", "Check the kubeconfigs and contexts." if same else "")
    if remote:
        yield from _node_ports(settings, remote.client, deadline)


def _side(name: str, connect: Callable[[], ClusterClient], needs: tuple[Need, ...]) -> Checks:
    """Whether a side answers, which cluster it is, and whether it lets us do what we need."""
    try:
        client = connect()
        uid = read_identity(client)
    except (ConfigurationError, RunError) as error:
        yield Check(passed=False, what=f"{name} cluster answers", advice=str(error))
        return None
    yield Check(
        passed=True, what=f"{name} cluster answers: {client.name} at {client.server}, kube-system has uid {uid}"
    )
    yield from _rights(name, client, needs)
    return Side(client, uid)


def _rights(name: str, client: ClusterClient, needs: tuple[Need, ...]) -> Iterator[Check]:
    missing = []
    for need in needs:
        try:
            allowed = is_allowed(client, need)
        except ClusterError as error:
            yield Check(passed=False, what=f"{name} cluster tells what it allows", advice=str(error))
            return
        yield Check(allowed, f"{name} cluster allows to {need}")
        missing += [] if allowed else [need]
    if missing:
        advice = f"Rules to add to its ClusterRole:\n{rbac_rules(missing)}"
        yield Check(passed=False, what=f"{name} cluster grants all rights: {len(missing)} are missing", advice=advice)


def _node_ports(settings: Settings, client: ClusterClient, deadline: Deadline) -> Iterator[Check]:
    """One connection each to a few node ports: firewalls between two clusters are closed until somebody opens them."""
    try:
        scope = with_remote_name(settings, client).scope
    except ConfigurationError as error:
        yield Check(passed=False, what="remote cluster has a name for labels", advice=str(error))
        return
    try:
        listed, services = list_remote(client, settings.nodes)
    except ClusterError as error:
        yield Check(passed=False, what="remote nodes and services can be listed", advice=str(error))
        return
    nodes = choose_nodes(listed, settings.nodes)
    yield Check(nodes.used > 0, f"remote cluster: {nodes_used(nodes)}")
    addresses = [address for pool in nodes.pools.values() for address in pool.addresses[:PROBED_NODES]]
    mirrors = desired_mirrors(services, scope).mirrors.values()
    for mirror, port in islice(_tcp_ports(mirrors), PROBED_SERVICES):
        for address in addresses:
            yield _probe(address, port, mirror, deadline)


def _tcp_ports(mirrors: Iterable[Mirror]) -> Iterator[tuple[Mirror, int]]:
    """A TCP port of each Service that every node answers for."""
    for mirror in mirrors:
        ports = [int(port.target_port) for port in mirror.ports if port.protocol == "TCP"]
        if ports and not mirror.local_traffic:
            yield mirror, ports[0]


def _probe(address: str, port: int, mirror: Mirror, deadline: Deadline) -> Check:
    what = f"{address} accepts connections on node port {port} ({mirror.key})"
    if why := deadline.over():
        return Check(passed=False, what=what, advice=f"Not tried, {why}.")
    try:
        socket.create_connection((address, port), min(PROBE_SECONDS, deadline.remaining())).close()
    except OSError as error:
        advice = f"{error}. Open the node ports (30000-32767) of the remote nodes to this cluster's nodes and pods."
        return Check(passed=False, what=what, advice=advice)
    return Check(passed=True, what=what)
