"""Finds what would fail in a run, before the first run: access to both clusters, permissions, and node ports."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import NamedTuple

from barrelman_sync.access.connect import connect_local, locate_remote, with_remote_name
from barrelman_sync.access.http import connect
from barrelman_sync.access.token import TokenAccess
from barrelman_sync.cluster.access_review import account_name, has_answered, is_allowed
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.cluster.reading import list_remote, read_identity, read_local
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.errors import ConfigurationError, RunError
from barrelman_sync.model.settings import Kubeconfig, Scope, Settings
from barrelman_sync.planning.desired import desired_mirrors
from barrelman_sync.planning.nodes import choose_nodes
from barrelman_sync.planning.situation import name_in_use
from barrelman_sync.preflight.node_ports import check_node_ports
from barrelman_sync.preflight.permissions import REMOTE_NEEDS, Need, local_needs, rbac_rules
from barrelman_sync.report.messages import message, nodes_used, refused_name
from barrelman_sync.report.preflight import Check, Topic

LOCAL_PART = 1 / 3
"""How much of the time the local cluster gets; the remote one has more questions to answer."""
REVIEWS_PART = 1 / 2
"""How much of a cluster's time the questions about our account and permissions get."""


class Side(NamedTuple):
    """A cluster that answered. `uid` identifies the cluster; None if the cluster did not tell."""

    client: ClusterClient
    uid: str | None


Checks = Generator[Check, None, Side | None]


def preflight(settings: Settings, deadline: Deadline) -> Iterator[Check]:
    """Checks all that a run needs and yields each result as it comes. Writes nothing."""
    needs = local_needs(dry_run=settings.run.dry_run, create_namespaces=settings.scope.create_namespaces)
    # A part of the time, so that a local cluster that does not answer does not hide what the remote one would say.
    share = deadline.share(LOCAL_PART)
    local = yield from _side("local", lambda: connect_local(settings, share), needs)
    remote = yield from _remote(settings, deadline)
    if local and remote and local.uid and remote.uid:
        yield _different(local.uid, remote.uid)
    if remote:
        scope = yield from _name(settings, local, remote)
        if scope:
            yield from _node_ports(settings, scope, remote.client, deadline)


def _remote(settings: Settings, deadline: Deadline) -> Checks:
    """As `_side`. Whose token Google gives for a GKE cluster is told even if the cluster refuses the token."""
    try:
        found: Kubeconfig | TokenAccess = locate_remote(settings, deadline)
    except (ConfigurationError, RunError) as error:
        yield _failed(Topic.ACCESS, "remote", "no access", error)
        return None
    if isinstance(found, TokenAccess):
        what = f"remote cluster: found at {found.server} as the Google account {found.account}"
        yield Check(Topic.ACCOUNT, passed=True, what=what, side="remote", facts={"googleAccount": found.account})
    return (yield from _side("remote", lambda: connect(found, "remote", deadline), REMOTE_NEEDS))


def _side(name: str, make: Callable[[], ClusterClient], needs: tuple[Need, ...]) -> Checks:
    """Whether a cluster answers and grants us the permissions that a run needs. Returns the cluster if it answers."""
    try:
        client = make()
    except (ConfigurationError, RunError) as error:
        yield _failed(Topic.ACCESS, name, "no access", error)
        return None
    uid, check = _identity(name, client)
    yield check
    if uid is None and check.topic is Topic.ACCESS:
        return None
    reviews = client.with_share(REVIEWS_PART)
    if account := account_name(reviews):
        what = f"{name} cluster: it knows us as {account}"
        yield Check(Topic.ACCOUNT, passed=True, what=what, side=name, facts={"account": account})
    yield from _permissions(name, reviews, needs)
    return Side(client, uid)


def _identity(name: str, client: ClusterClient) -> tuple[str | None, Check]:
    """The uid that identifies the cluster, and what came of the question."""
    try:
        uid = read_identity(client)
    except ClusterError as error:
        if has_answered(error):
            return None, _failed(Topic.IDENTITY, name, f"connected to {client.name}, but not identified", error)
        return None, _failed(Topic.ACCESS, name, "no access", error)
    what = f"{name} cluster: connected to {client.name} at {client.server} (uid of kube-system: {uid})"
    return uid, Check(Topic.ACCESS, passed=True, what=what, side=name)


def _permissions(name: str, client: ClusterClient, needs: tuple[Need, ...]) -> Iterator[Check]:
    """One check for each permission, and the RBAC rules for all that are missing."""
    missing = []
    for need in needs:
        try:
            allowed = is_allowed(client, need._asdict())
        except ClusterError as error:
            if not has_answered(error):
                yield _failed(Topic.PERMISSION, name, "permissions unknown", error)
                break
            yield _failed(Topic.PERMISSION, name, f"unknown whether we may {need}", error)
            continue
        what = f"{name} cluster: {'may' if allowed else 'may not'} {need}"
        yield Check(Topic.PERMISSION, allowed, what, side=name, facts={"permission": str(need)})
        missing += [] if allowed else [need]
    if missing:
        number = "1 permission" if len(missing) == 1 else f"{len(missing)} permissions"
        advice = f"Add these rules to the ClusterRole in the {name} cluster:\n{rbac_rules(missing)}"
        yield Check(Topic.PERMISSIONS, passed=False, what=f"{name} cluster: {number} missing", advice=advice, side=name)


def _different(local: str, remote: str) -> Check:
    """Whether local and remote are different clusters. If not, a run would mirror a cluster into itself."""
    if local == remote:
        advice = "Check the options that name the two clusters."
        return Check(Topic.CLUSTERS, passed=False, what="local and remote are the same cluster", advice=advice)
    return Check(Topic.CLUSTERS, passed=True, what="local and remote are different clusters")


def _name(settings: Settings, local: Side | None, remote: Side) -> Generator[Check, None, Scope | None]:
    """Under which name and uid a run would mirror. A run would refuse a name that is only a default, and a new one."""
    try:
        scope = replace(with_remote_name(settings, remote.client).scope, source_uid=remote.uid or "")
    except ConfigurationError as error:
        yield _failed(Topic.NAME, "remote", "no usable name", error)
        return None
    if known := _name_in_use(settings, scope, local):
        advice = refused_name(known, scope.source)
        what = f"remote cluster: mirrored already, under the name {known}"
        yield Check(Topic.NAME, passed=False, what=what, advice=advice, side="remote")
    else:
        default = "" if scope.default_name is None else " (the default)"
        uid = f", its uid is {remote.uid}" if remote.uid else ""
        what = f"remote cluster: a run mirrors it under the name {scope.source}{default}{uid}"
        yield Check(Topic.NAME, passed=True, what=what, side="remote")
    return scope


def _name_in_use(settings: Settings, scope: Scope, local: Side | None) -> str | None:
    """See `planning.situation.name_in_use`. None also if the local cluster cannot be read, which other checks tell."""
    if scope.default_name is None or local is None:
        return None
    try:
        found = read_local(local.client, with_slices=settings.endpoints.slices)
    except ClusterError:
        return None
    return name_in_use(found, scope)


def _node_ports(settings: Settings, scope: Scope, client: ClusterClient, deadline: Deadline) -> Iterator[Check]:
    """Whether nodes and Services can be listed, whether a node is used, and what its node ports answer."""
    try:
        listed, services = list_remote(client, settings)
    except ClusterError as error:
        yield _failed(Topic.LISTS, "remote", "nodes and Services cannot be listed", error)
        return
    nodes = choose_nodes(listed, settings.nodes)
    facts = {"listed": nodes.listed, "used": nodes.used}
    what = f"remote cluster: {nodes_used(nodes)}"
    advice = _sentence(message(nodes.why_empty)) if nodes.usable_with_option else ""
    yield Check(Topic.NODES, nodes.used > 0, what, advice=advice, side="remote", facts=facts)
    yield from check_node_ports(client, nodes, desired_mirrors(services, scope).mirrors.values(), deadline)


def _failed(topic: Topic, side: str, what: str, error: Exception) -> Check:
    return Check(topic, passed=False, what=f"{side} cluster: {what}", advice=str(error), side=side)


def _sentence(phrase: str) -> str:
    return f"{phrase[0].upper()}{phrase[1:]}."
