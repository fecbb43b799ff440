"""A run and all that has to hold for it: a dry run first, then the run, then runs that write nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.result import ExitCode, Report, Result
from barrelman_sync.planning.steps import Delete, Step, Update, Write
from barrelman_sync.report.fingerprint import plan_fingerprint
from tests.worlds import laws
from tests.worlds.cluster import Name, Objects
from tests.worlds.contract import Contract, is_plain
from tests.worlds.controllers import settle
from tests.worlds.options import Options
from tests.worlds.running import NO_FAULT, Fault, Sides, run, watched_run

RUNS = 3
"""After so many runs nothing is left to do. A second one writes only what `_may_come_later` names."""

OF_THE_WORLD = (
    "could not be written",  # the Service, and so its endpoints
    "does not manage",  # somebody took the managed-by label off a slice of ours
)
"""Why a write of a run may fail although nothing is wrong with the run."""
_TAKEN = re.compile(r"Invalid value: (\d+): provided port is already allocated")


def contract_of(sides: Sides, options: Options) -> Contract:
    source = options.value("--remote-name") or sides.away.name
    return Contract(dict(sides.home.objects), dict(sides.away.objects), options, source, sides.away.uid, sides.now)


def checked_run(sides: Sides, options: Options, *, controllers: bool, fault: Fault = NO_FAULT) -> Report | None:
    """Run with every law checked; return the report, or None if the run was refused before its first write."""
    contract = contract_of(sides, options)
    planned = run(sides, options, "--dry-run")
    assert sides.home.objects == contract.home, "a dry run wrote"
    report, moments = watched_run(sides, options, fault=fault)
    assert sides.away.objects == contract.away, "a run wrote to the remote"
    if report is None or planned is None:
        assert report is planned
        assert sides.home.objects == contract.home, "a refused run wrote"
        return None
    _does_what_it_said(planned, report, contract.home, sides.home.objects)
    for moment in moments:
        laws.callers_stay_connected(contract, moment)
    _keeps_the_laws(contract, report, sides.home.objects)
    if fault.writes is None:
        _says_the_truth(contract, report)
    if controllers:
        settle(sides.home)
        laws.callers_stay_connected(contract, sides.home.objects)
    return report


def _does_what_it_said(planned: Report, report: Report, before: Objects, after: Objects) -> None:
    """Check that the dry run's plan is the run's, and that nothing but the plan's writes happened."""
    assert planned.plan == report.plan
    assert plan_fingerprint(planned.plan) == plan_fingerprint(report.plan)
    assert {outcome.step.ref for outcome in report.outcomes} == {step.ref for step in report.plan.writes}
    outcomes = (*report.outcomes, *report.fallbacks)
    told = {_name(step) for step in (*report.plan.writes, *(outcome.step for outcome in outcomes))}
    happened = dict(laws.changed(before, after))
    assert happened.keys() <= told, f"not in the plan: {happened.keys() - told}"
    for outcome in outcomes:
        if outcome.result == Result.DONE:
            action = str(outcome.step.action)
            expected = action if action in {"create", "delete"} else "update"
            assert happened.get(_name(outcome.step)) == expected, f"{_name(outcome.step)} was not done"


def _name(step: Step) -> Name:
    return Name(str(step.ref.kind), *step.ref.key)


def _keeps_the_laws(contract: Contract, report: Report, after: Objects) -> None:
    laws.foreign_objects_stay(contract, after)
    laws.guards_hold(contract, after)
    laws.grace_holds(contract, after)
    laws.callers_stay_connected(contract, after)
    if report.exit_code == ExitCode.CONVERGED:
        laws.converged(contract, after)


def _says_the_truth(contract: Contract, report: Report) -> None:
    """Check that a run that fails has a reason that the contract knows."""
    for failure in report.failures:
        assert _is_of_others(contract, failure.error) or any(part in failure.error for part in OF_THE_WORLD), failure
    if report.failing:
        no_node, two_clusters = not contract.nodes, any("other_cluster" in step.why.reason for step in report.failing)
        assert no_node or two_clusters, report.failing


def _is_of_others(contract: Contract, error: str) -> bool:
    """Return whether a write failed for a node port of a Service that is not ours to change."""
    taken = _TAKEN.search(error)
    if taken is None:
        return False
    services = (obj for name, obj in contract.home.items() if name.kind == "Service")
    number = int(taken[1])
    holders = [obj for obj in services if any(port.get("nodePort") == number for port in obj["spec"].get("ports", ()))]
    return any(not contract.may_change(holder) or not is_plain(holder) for holder in holders)


def settles(sides: Sides, options: Options, first: Report, *, controllers: bool) -> None:
    """Check that runs after the first one write nothing; or only what the contract lets a later run do."""
    last = first
    for number in range(RUNS):
        report = run(sides, options)
        if report is None:
            return  # nothing has the default name any more, but something has another name of this remote
        failed = {outcome.step.ref for outcome in last.failures}
        writes = [step for step in report.plan.writes if step.ref not in failed]
        allowed = number < RUNS - 1
        late = [step for step in writes if not (allowed and _may_come_later(step, options, last))]
        assert not late, f"run {number + 2} writes {[(step.action, str(step.ref), step.why) for step in late]}"
        if not writes:
            return
        if controllers:
            settle(sides.home)
        last = report


def _may_come_later(step: Write, options: Options, last: Report) -> bool:
    """Return whether a run may do this although the run before it did not: the exceptions, all of them.

    Slices go once their Endpoints are copied; right before that, the Endpoints say so. Endpoints lose the old name of a
    port in the run after the one in which their Service got the new name. A percentage is one of what we own, so what a
    run creates may let through in the next one what this run held back, see `test_known_limits`.
    """
    slices = options.has("--endpoint-slices")
    if isinstance(step, Update):
        late = step.only_replaces or step.ref.service in _renamed(last)
        return step.ref.kind == "Endpoints" and not slices and late
    if not isinstance(step, Delete):
        return False
    if any(held.ref.service == step.ref.service for held in last.held):
        return "%" in (options.value("--max-deletes") or "30%")
    return step.ref.kind == "EndpointSlice" and step.why.reason == "endpoints_take_over" and not slices


def _renamed(report: Report) -> Iterator[object]:
    """Yield the mirrors that a run gave a new name of a port, and that lost another."""
    for step in report.plan.writes:
        if isinstance(step, Update) and isinstance(step.live, LocalService) and isinstance(step.wanted, Mirror):
            before, now = ({port.name for port in ports} for ports in (step.live.ports, step.wanted.ports))
            if before - now and now - before:
                yield step.ref.key


def state_at_rest(sides: Sides, options: Options) -> Mapping[Name, object] | ExitCode:
    """Return what runs come to that nothing disturbs; the exit code if they do not converge."""
    for _ in range(RUNS + 1):
        report = run(sides, options)
        if report is None or report.exit_code != ExitCode.CONVERGED:
            return ExitCode.USAGE if report is None else report.exit_code
        settle(sides.home)
    return laws.state(contract_of(sides, options))
