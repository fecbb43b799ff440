"""One run, from the lists to the last write. Read this module first: the other modules are its lines."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import NamedTuple

from barrelman_sync.access.connect import connect_both, with_remote_name
from barrelman_sync.cluster.apply import apply
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.crew import Crew
from barrelman_sync.cluster.reading import read_local, read_remote
from barrelman_sync.cluster.writing import Writer
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.names import Key
from barrelman_sync.model.remote import Remote
from barrelman_sync.model.settings import Settings
from barrelman_sync.planning.guards import hold_back
from barrelman_sync.planning.plan import make_plan
from barrelman_sync.planning.result import Report
from barrelman_sync.planning.situation import Situation, name_in_use
from barrelman_sync.planning.steps import Plan
from barrelman_sync.planning.story import Story, story_of
from barrelman_sync.planning.warnings import warnings
from barrelman_sync.report.fingerprint import refusal_of
from barrelman_sync.report.messages import message, refused_name

_log = logging.getLogger(__name__)


class Shown(NamedTuple):
    """The functions by which a run shows how far it is."""

    plan: Callable[[Report], None]
    """Shows the plan. Called once, before the first write."""
    progress: Callable[[int], AbstractContextManager[Callable[[int], None]]]
    """Takes the number of writes. Yields a function that takes the number of writes that are done since its last call.
    """


class Planned(NamedTuple):
    """What a run knows before it writes anything."""

    client: ClusterClient
    """The client of the local cluster."""
    remote: Remote
    situation: Situation
    plan: Plan
    """The plan, after the guards."""


def planned(settings: Settings, deadline: Deadline) -> Planned:
    """Reads both clusters and plans. Raises ConfigurationError and RunError."""
    local_client, remote_client = connect_both(settings, deadline)
    settings = with_remote_name(settings, remote_client)

    # Local first, so that no delete rests on remote data that is older than the local data.
    local = read_local(local_client, with_slices=settings.endpoints.slices)
    remote = read_remote(remote_client, settings, local)

    situation = Situation.of(local, remote, settings, int(time.time()))
    if known := name_in_use(local, situation.scope):
        raise ConfigurationError(refused_name(known, settings.scope.source))
    plan = hold_back(make_plan(situation), settings.safety, situation.nodes.listed)
    return Planned(local_client, remote, situation, plan)


def explain(key: Key, settings: Settings, deadline: Deadline) -> Story:
    """The story of one Service. Reads what a dry run reads, and writes nothing.

    Raises ConfigurationError and RunError.
    """
    _, remote, situation, plan = planned(settings, deadline)
    return story_of(key, situation, remote, plan)


def reconcile(settings: Settings, deadline: Deadline, show: Shown) -> Report:
    """Reads both clusters, plans, shows the plan, and carries it out unless this is a dry run.

    Raises ConfigurationError and RunError only before the first write. Later errors are in the report.
    """
    client, _, situation, plan = planned(settings, deadline)
    report = Report(
        source=situation.scope.source,
        plan=plan,
        desired=situation.desired,
        nodes=situation.nodes,
        dry_run=settings.run.dry_run,
        detailed_exitcode=settings.run.detailed_exitcode,
        warnings=warnings(situation),
        refusal=refusal_of(plan, settings.run.expected_plan),
    )
    for warning in report.warnings:
        _log.warning("%s", message(warning))
    show.plan(report)
    if report.refusal:
        _log.error("%s", report.refusal)
    if report.dry_run or report.refusal:
        return report

    writer = Writer(client, situation.local.versions)
    with show.progress(len(plan.writes)) as advance:
        outcomes = apply(plan, writer, Crew(settings.run.concurrency), deadline, advance)
    return replace(report, outcomes=tuple(map(writer.judged, outcomes)), refusal=deadline.stopped or "")
