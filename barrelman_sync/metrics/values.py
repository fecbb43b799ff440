"""The metrics of one run, as values. docs/metrics.md explains them; a test keeps the two equal.

All metrics are gauges, and describe the last run: a program that runs once and exits has no counter to continue. Some
names of the original end in `_total`, like the names of counters; they are kept for the dashboards that use them.

Every metric has the label `source`, because one Prometheus collects the metrics of all remotes. The values of all other
labels are those of an enum, or the version, never names of objects, so their number is bounded.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, Gauge

from barrelman_sync import __version__
from barrelman_sync.model.names import Kind
from barrelman_sync.planning.reasons import LEAVING, Exclusion, Skip
from barrelman_sync.planning.result import ExitCode, Outcome, Report, Result
from barrelman_sync.planning.steps import Action, Leave, Write

LAST_SUCCESS = "barrelman_last_success_timestamp_seconds"

Counts = Mapping[str, int]

_ACTIONS = (Action.CREATE, Action.UPDATE, Action.DELETE, Action.RELEASE, Action.MARK)
_ENDPOINTS = (Kind.ENDPOINTS, Kind.SLICE)

_Subject = TypeVar("_Subject")


@dataclass(frozen=True, slots=True)
class Run:
    """What is known about a run when it ends."""

    source: str
    """The name of the remote; empty if the run ended before the name was known."""
    exit_code: ExitCode
    started: float
    """Seconds since 1970."""
    duration: float
    """Seconds."""
    timeout: float
    """Seconds."""
    report: Report | None = None
    """None for a run that ended before there was a plan."""

    @property
    def ended(self) -> float:
        """Seconds since 1970."""
        return self.started + self.duration

    @property
    def succeeded(self) -> bool:
        """Whether the run exited with 0. A run with deletes held back did not succeed."""
        return self.exit_code == ExitCode.CONVERGED


class Metric(NamedTuple, Generic[_Subject]):
    """A gauge whose value `read` takes from a run or a report.

    With a label, `read` returns a value for each value of the label.
    """

    name: str
    help: str
    read: Callable[[_Subject], float | Counts]
    label: str = ""


def _excluded(report: Report) -> Counts:
    return _by_reason(Exclusion, (excluded.reason for excluded in report.nodes.excluded))


def _skipped(report: Report) -> Counts:
    return _by_reason(Skip, report.desired.skipped.values())


def _left(report: Report) -> Counts:
    return _by_reason(sorted(LEAVING), (step.why.reason for step in report.plan.steps if isinstance(step, Leave)))


def _panic(report: Report) -> int:
    return int(bool(report.nodes.assumed_ready))


def _endpoints_done(report: Report) -> int:
    outcomes = (*report.outcomes, *report.fallbacks)
    return sum(_is_done(outcome) for outcome in outcomes if outcome.step.ref.kind in _ENDPOINTS)


def _endpoints_not_done(report: Report) -> int:
    return sum(not _is_done(outcome) for outcome in report.outcomes if outcome.step.ref.kind in _ENDPOINTS)


def _services_done(report: Report) -> Counts:
    return _by_action(outcome.step for outcome in _of_services(report) if _is_done(outcome))


def _services_not_done(report: Report) -> Counts:
    return _by_action(outcome.step for outcome in _of_services(report) if not _is_done(outcome))


def _of_services(report: Report) -> Iterable[Outcome]:
    return (outcome for outcome in report.outcomes if outcome.step.ref.kind == Kind.SERVICE)


def _is_done(outcome: Outcome) -> bool:
    return outcome.result == Result.DONE


def _by_action(steps: Iterable[Write]) -> Counts:
    counted = Counter(step.action for step in steps)
    return {action.value: counted[action] for action in _ACTIONS}


def _by_reason(reasons: Iterable[StrEnum], found: Iterable[StrEnum]) -> Counts:
    """How often each reason was found, even if never: it is hard to alert on a series that comes and goes."""
    counted = Counter(found)
    return {reason.value: counted[reason] for reason in reasons}


OF_RUNS: tuple[Metric[Run], ...] = (
    Metric("barrelman_last_run_timestamp_seconds", "When the last run ended.", lambda run: run.ended),
    Metric("barrelman_run_duration_seconds", "How long the last run took.", lambda run: run.duration),
    Metric("barrelman_run_timeout_seconds", "How long the last run was allowed to take.", lambda run: run.timeout),
    Metric("barrelman_build_info", "1; the label says which version ran.", lambda _: {__version__: 1}, "version"),
    Metric("barrelman_exit_code", "Exit code of the last run.", lambda run: run.exit_code),
)
"""The metrics that every run has."""

OF_REPORTS: tuple[Metric[Report], ...] = (
    Metric("barrelman_current_nodes_count", "Remote nodes that are used.", lambda report: report.nodes.used),
    Metric("barrelman_nodes_excluded", "Remote nodes that are not used.", _excluded, "reason"),
    Metric("barrelman_panic_mode", "1 if nodes of unknown readiness are assumed ready.", _panic),
    Metric(
        "barrelman_managed_services", "Services that depend on the runs.", lambda report: report.plan.managed_services
    ),
    Metric("barrelman_service_update_total", "Services written by the last run.", _services_done, "action"),
    Metric("barrelman_service_update_error_total", "Services not written.", _services_not_done, "action"),
    Metric("barrelman_endpoint_update_total", "Endpoints and EndpointSlices written by the last run.", _endpoints_done),
    Metric("barrelman_endpoint_update_error_total", "Endpoints and EndpointSlices not written.", _endpoints_not_done),
    Metric("barrelman_steps_held_back", "Steps that a guard held back.", lambda report: len(report.held)),
    Metric("barrelman_services_skipped", "Eligible remote Services that are skipped.", _skipped, "reason"),
    Metric("barrelman_objects_left", "Local objects that are left.", _left, "reason"),
)
"""The metrics that a run has if it came to a plan."""


def run_metrics(run: Run) -> CollectorRegistry:
    """The metrics of a run. Without a plan, the metrics of a plan are missing; a 0 would look like a fact."""
    registry = CollectorRegistry()
    for metric in OF_RUNS:
        _add(registry, run.source, metric, run)
    if run.report:
        for found in OF_REPORTS:
            _add(registry, run.source, found, run.report)
    return registry


def add_last_success(registry: CollectorRegistry, source: str, when: float) -> CollectorRegistry:
    """The registry, with a metric for when the last run that succeeded ended. A `when` of 0 stands for never."""
    _add(registry, source, Metric(LAST_SUCCESS, "When the last run that exited with 0 ended.", float), when)
    return registry


def _add(registry: CollectorRegistry, source: str, metric: Metric[_Subject], subject: _Subject) -> None:
    found = metric.read(subject)
    labels = ["source", metric.label] if metric.label else ["source"]
    gauge = Gauge(metric.name, metric.help, labels, registry=registry)
    if isinstance(found, Mapping):
        for value, number in found.items():
            gauge.labels(source, value).set(number)
    else:
        gauge.labels(source).set(found)
