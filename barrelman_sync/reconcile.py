"""One run, from the lists to the last write. Read this first: every other module is one line of it."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import NamedTuple

from barrelman_sync.access.connect import connect_both, named_scope
from barrelman_sync.cluster.apply import apply
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.deadline import Deadline
from barrelman_sync.cluster.faults import ClusterError, NotTriedError
from barrelman_sync.cluster.reading import read_identity, read_local, read_remote, read_serving
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.local import Local
from barrelman_sync.model.names import Key
from barrelman_sync.model.remote import ServingNodes
from barrelman_sync.model.settings import Settings
from barrelman_sync.planning.desired import desired_mirrors
from barrelman_sync.planning.guards import hold_back
from barrelman_sync.planning.nodes import choose_nodes
from barrelman_sync.planning.plan import make_plan
from barrelman_sync.planning.result import Report
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Plan
from barrelman_sync.planning.targets import node_warnings, of_local_traffic
from barrelman_sync.report.fingerprint import plan_fingerprint

_log = logging.getLogger(__name__)


class Shown(NamedTuple):
    """What a run shows on the way."""

    plan: Callable[[Report], None]
    """Called before the first write."""
    progress: Callable[[int], AbstractContextManager[Callable[[int], None]]]
    """For that many writes; what it yields is called with how many more are done."""


def reconcile(settings: Settings, deadline: Deadline, show: Shown) -> Report:
    """Reads both clusters, plans, shows the plan, and carries it out unless this is a dry run.

    Raises ConfigurationError and RunError as long as nothing was written; afterwards all is in the report.
    """
    local_client, remote_client = connect_both(settings, deadline)
    scope = named_scope(settings, remote_client)
    # Local first: what the remote said must never be older than what we would delete for it.
    local = read_local(local_client, with_slices=settings.endpoints.slices)
    _refuse_same_cluster(local, remote_client)
    remote = read_remote(remote_client, settings.nodes)
    desired = desired_mirrors(remote.services, scope)
    serving = _read_serving(remote_client, of_local_traffic(desired, local))
    nodes = choose_nodes(remote.nodes, settings.nodes)
    situation = Situation(local, desired, nodes, scope, settings.endpoints, serving)
    plan = hold_back(make_plan(situation), settings.safety, nodes.listed)
    report = _report(settings, situation, plan)
    show.plan(report)
    if settings.run.dry_run or report.refusal:
        return report
    writer = Writer(local_client, local.versions)
    with show.progress(len(plan.writes)) as advance:
        outcomes = apply(plan, writer, settings.run.concurrency, advance)
    return replace(report, outcomes=outcomes, refusal=deadline.stopped or "")


def _refuse_same_cluster(local: Local, remote: ClusterClient) -> None:
    if local.cluster_id == read_identity(remote):
        message = (
            f"The local and the remote cluster are the same one (namespace kube-system has uid {local.cluster_id}"
            " on both sides): check the kubeconfigs and contexts."
        )
        raise ConfigurationError(message)


def _read_serving(remote: ClusterClient, services: list[Key]) -> Mapping[Key, ServingNodes] | None:
    """Who serves these Services; None if that cannot be read, which costs them alone."""
    try:
        return read_serving(remote.less_patient(), services)
    except NotTriedError:  # the run is over
        raise
    except ClusterError as error:
        _log.error("%s The endpoints of %d Services stay as they are.", error, len(services))
        return None


def _report(settings: Settings, situation: Situation, plan: Plan) -> Report:
    warnings = (*situation.desired.warnings, *node_warnings(situation))
    for warning in warnings:
        _log.warning("%s", warning)
    return Report(
        source=situation.scope.source,
        plan=plan,
        desired=situation.desired,
        nodes=situation.nodes,
        dry_run=settings.run.dry_run,
        detailed_exitcode=settings.run.detailed_exitcode,
        warnings=warnings,
        refusal=_refusal(plan, settings.run.expected_plan),
    )


def _refusal(plan: Plan, expected: str | None) -> str:
    if expected is None or expected == (found := plan_fingerprint(plan)):
        return ""
    return f"the plan is {found}, not the expected {expected}: nothing is written"
