"""One run, from the lists to the last write. Read this first: every other module is one line of it."""

import logging
from collections.abc import Callable
from dataclasses import replace

from barrelman_sync.apply import apply
from barrelman_sync.cluster.connection import Connection, connect
from barrelman_sync.cluster.deadline import Deadline
from barrelman_sync.cluster.reading import read_local, read_remote
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.config import ConfigurationError, Settings, parse_source
from barrelman_sync.desired import Scope, desired_mirrors
from barrelman_sync.guards import hold_back
from barrelman_sync.model import Local, Remote
from barrelman_sync.nodes import choose_nodes
from barrelman_sync.outcome import Report
from barrelman_sync.plan import make_plan
from barrelman_sync.situation import Situation

_log = logging.getLogger(__name__)


def reconcile(settings: Settings, deadline: Deadline, show_plan: Callable[[Report], None]) -> Report:
    """Reads both clusters, plans, shows the plan, and carries it out unless this is a dry run.

    Raises ConfigurationError and ClusterError as long as nothing was written; afterwards all is in the report.
    """
    local_client = connect(settings.local, "local", deadline)
    remote_client = connect(settings.remote, "remote", deadline)
    scope = _named(settings, remote_client)
    # Local first: what the remote said must never be older than what we would delete for it.
    local = read_local(local_client)
    remote = read_remote(remote_client, settings.nodes)
    _refuse_same_cluster(local, remote)
    report = _planned(settings, scope, local, remote)
    show_plan(report)
    if settings.run.dry_run:
        return report
    writer = Writer(local_client, local.versions)
    return replace(report, outcomes=apply(report.plan, writer, settings.run.concurrency))


def _planned(settings: Settings, scope: Scope, local: Local, remote: Remote) -> Report:
    desired = desired_mirrors(remote.services, scope)
    nodes = choose_nodes(remote.nodes, settings.nodes)
    plan = hold_back(make_plan(Situation(local, desired, nodes, scope)), settings.safety, nodes.listed)
    warnings = list(desired.warnings)
    if nodes.assumed_ready:
        warnings.append(
            f"fewer than half of the remote's fit nodes are Ready: its control plane has probably lost them, so"
            f" {len(nodes.assumed_ready)} of unknown readiness count as ready"
        )
    for warning in warnings:
        _log.warning("%s", warning)
    return Report(
        source=scope.source,
        plan=plan,
        desired=desired,
        nodes=nodes,
        dry_run=settings.run.dry_run,
        detailed_exitcode=settings.run.detailed_exitcode,
        warnings=tuple(warnings),
    )


def _named(settings: Settings, remote: Connection) -> Scope:
    """The scope, with the remote's name in it."""
    if settings.remote_name:
        return settings.scope
    try:
        return replace(settings.scope, source=parse_source(remote.name))
    except ValueError as error:
        message = f"Missing option '--remote-name': the name of the remote's context does not serve, {error}."
        raise ConfigurationError(message) from error


def _refuse_same_cluster(local: Local, remote: Remote) -> None:
    if local.cluster_id == remote.cluster_id:
        message = (
            f"The local and the remote cluster are the same one (namespace kube-system has uid {local.cluster_id}"
            " on both sides): check the kubeconfigs and contexts."
        )
        raise ConfigurationError(message)
