"""One run, from the lists to the last write. Read this first: every other module is one line of it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from barrelman_sync.apply import apply
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.deadline import Deadline
from barrelman_sync.cluster.faults import ClusterError, NotTriedError
from barrelman_sync.cluster.reading import read_identity, read_local, read_remote, read_serving
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.config import ConfigurationError, Settings
from barrelman_sync.desired import Desired, desired_mirrors
from barrelman_sync.guards import hold_back
from barrelman_sync.model import Key, Local, Serving
from barrelman_sync.nodes import choose_nodes
from barrelman_sync.outcome import Report
from barrelman_sync.plan import make_plan
from barrelman_sync.report.document import plan_fingerprint
from barrelman_sync.sides import connect_both, named_scope
from barrelman_sync.situation import Situation
from barrelman_sync.steps import Plan
from barrelman_sync.targets import node_warnings
from barrelman_sync.terminal import progress

_log = logging.getLogger(__name__)


def reconcile(settings: Settings, deadline: Deadline, show_plan: Callable[[Report], None]) -> Report:
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
    nodes = choose_nodes(remote.nodes, settings.nodes)
    serving = _serving(remote_client, desired, local)
    report = _planned(settings, Situation(local, desired, nodes, scope, settings.endpoints, serving))
    show_plan(report)
    if settings.run.dry_run or report.refusal:
        return report
    writer = Writer(local_client, local.versions)
    with progress(len(report.plan.writes)) as advance:
        outcomes = apply(report.plan, writer, settings.run.concurrency, advance)
    return replace(report, outcomes=outcomes, refusal=deadline.stopped or "")


def _serving(remote: ClusterClient, desired: Desired, local: Local) -> Mapping[Key, Serving] | None:
    """Who serves the Services with local traffic policy that are or become mirrors; None if that cannot be read."""
    candidates = (mirror.key for mirror in desired.mirrors.values() if mirror.local_traffic)
    local_traffic = [key for key in candidates if key not in local.services or local.services[key].is_mirror]
    try:
        return read_serving(remote, local_traffic)
    except NotTriedError:
        raise
    except ClusterError as error:
        _log.error("%s The endpoints of %d Services stay as they are.", error, len(local_traffic))
        return None


def _planned(settings: Settings, situation: Situation) -> Report:
    nodes = situation.nodes
    plan = hold_back(make_plan(situation), settings.safety, nodes.listed)
    warnings = (*situation.desired.warnings, *node_warnings(situation))
    for warning in warnings:
        _log.warning("%s", warning)
    return Report(
        source=situation.scope.source,
        plan=plan,
        desired=situation.desired,
        nodes=nodes,
        dry_run=settings.run.dry_run,
        detailed_exitcode=settings.run.detailed_exitcode,
        warnings=warnings,
        refusal=_refusal(plan, settings.run.expected_plan),
    )


def _refusal(plan: Plan, expected: str | None) -> str:
    if expected is None or expected == (found := plan_fingerprint(plan)):
        return ""
    return f"the plan is {found}, not the expected {expected}: nothing is written; review it with --dry-run"


def _refuse_same_cluster(local: Local, remote: ClusterClient) -> None:
    if local.cluster_id == read_identity(remote):
        message = (
            f"The local and the remote cluster are the same one (namespace kube-system has uid {local.cluster_id}"
            " on both sides): check the kubeconfigs and contexts."
        )
        raise ConfigurationError(message)
