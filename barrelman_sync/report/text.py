"""A plan as lines of text, one for each object: a sign (`+ - ~ !`), kind, name, then what changes.

A plan that is longer than a screen has headings, see `report.grouping`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import assert_never

from barrelman_sync.model.names import Key, Kind, Ref
from barrelman_sync.model.wanted import Mirror, WantedEndpoints, WantedNamespace, WantedSlice
from barrelman_sync.planning.reasons import KEEPING, Reason
from barrelman_sync.planning.result import Outcome, Report, Result
from barrelman_sync.planning.steps import (
    Action,
    Create,
    Delete,
    HeldBack,
    Leave,
    Mark,
    Release,
    Step,
    Unchanged,
    Update,
    Write,
)
from barrelman_sync.report.changes import addresses_text, change_text, port_text
from barrelman_sync.report.fingerprint import plan_fingerprint
from barrelman_sync.report.grouping import Line, namespace_of, needs_headings, under_headings
from barrelman_sync.report.messages import SKIPS, message, nodes_used, not_eligible, problems

NO_NAMES: Mapping[str, str] = {}

_KIND_WIDTH = max(len(kind) for kind in Kind)


def plan_lines(report: Report, *, quiet: bool = False) -> Iterator[str]:
    """The plan, sorted by object, and the remote Services that are skipped.

    With `quiet`, only what the run changes, what is held back, and what makes the run fail.
    """
    shown = [step for step in report.plan.steps if not isinstance(step, Unchanged) and (not quiet or _is_loud(step))]
    lines = [Line(step.ref.service, step_line(step, report.nodes.names), _PLANNED[step.action]) for step in shown]
    lines += () if quiet else _skipped(report)
    # The sort is stable, so the steps of one Service stay in their order.
    lines.sort(key=attrgetter("service"))
    if not needs_headings(lines):
        return (line.text for line in lines)
    return under_headings(lines, {} if quiet else _unchanged(report), [*_PLANNED.values(), _SKIPPED])


def step_line(step: Step, nodes: Mapping[str, str] = NO_NAMES) -> str:
    """One step as a line; empty if the object is unchanged. `nodes` has the names of nodes by address."""
    return "" if isinstance(step, Unchanged) else _line(_SIGNS[step.action], step.ref, _told(step, nodes))


def failure_lines(report: Report) -> Iterator[str]:
    """The writes that were not done and why, and the fallbacks: one line each, sorted by Service."""
    failures = ((found, _line("!", found.step.ref, f"{found.result}: {found.error}")) for found in report.failures)
    fallbacks = ((found, _fallback_line(found, report.nodes.names)) for found in report.fallbacks)
    # The sort is stable, so the fallback of an object comes after the planned write of the object.
    for _, line in sorted([*failures, *fallbacks], key=lambda pair: _by_service(pair[0])):
        yield line


def _is_loud(step: Step) -> bool:
    """Whether `--quiet` shows the step."""
    return isinstance(step, Write | HeldBack) or (isinstance(step, Leave) and step.fails)


def _skipped(report: Report) -> Iterator[Line]:
    for key, skip in report.desired.skipped.items():
        yield Line(key, _line("!", Ref(Kind.SERVICE, key, key), f"skipped: {SKIPS[skip]}"), _SKIPPED)


def _unchanged(report: Report) -> Counter[str]:
    """How many objects of each namespace are unchanged."""
    return Counter(namespace_of(step.ref.service) for step in report.plan.steps if isinstance(step, Unchanged))


def _fallback_line(outcome: Outcome, nodes: Mapping[str, str]) -> str:
    step, done = outcome.step, outcome.result == Result.DONE
    told = f"fallback {outcome.result}: {_told(step, nodes) if done else outcome.error}"
    return _line(_SIGNS[step.action] if done else "!", step.ref, told)


def summary_line(report: Report) -> str:
    """The result of the run in one line, which is always the last line of the output."""
    nodes = f"; {nodes_used(report.nodes)}"
    problem = "".join(f"; {problem}" for problem in problems(report))
    fingerprint = f"; plan {plan_fingerprint(report.plan)}" if report.dry_run else ""
    return f"{_verdict(report)}: {', '.join(_counted(report))}{nodes}{problem}{fingerprint}"


def _told(step: Write | Leave | HeldBack, nodes: Mapping[str, str]) -> str:
    match step:
        case Create():
            return _content(step)
        case Update():
            changes = "; ".join(change_text(change, nodes) for change in step.changes)
            return changes + (f" (fields claimed from {', '.join(step.claimed_from)})" if step.claimed_from else "")
        case Delete():
            return message(step.why)
        case Release():
            return f"released: {message(step.why)}"
        case Mark():
            return f"marked, to be deleted after {step.until}: {message(step.why)}"
        case Leave():
            return f"{'kept' if step.why.reason in KEEPING else 'left'}: {message(step.why)}"
        case HeldBack():
            return f"{step.step.action} held back: {message(step.why)}{_why_deleted(step.step)}"
        case _:
            assert_never(step)


def _why_deleted(step: Write) -> str:
    """Why a mirror would be deleted although the remote has the Service, such as another type."""
    is_mirror = isinstance(step, Delete) and step.ref.kind == Kind.SERVICE
    return f" ({message(step.why)})" if is_mirror and step.why.reason is not Reason.NOT_IN_REMOTE else ""


def _verdict(report: Report) -> str:
    if report.failed:
        return "dry run, would fail" if report.dry_run else "failed"
    return "dry run" if report.dry_run else "done"


def _counted(report: Report) -> Iterator[str]:
    """How many objects there are for each action. Rare actions appear only if there are any."""
    counts = _counts(report)
    words = _PAST | (_TO_COME if report.dry_run else {})
    told = [*_ALWAYS_TOLD, *(action for action in (Action.RELEASE, Action.MARK, Action.LEAVE) if counts[action])]
    yield from (f"{counts[action]} {words[action]}" for action in told)
    if skipped := report.desired.skipped:
        yield f"{len(skipped)} {_SKIPPED}"
    if held := counts[Action.HOLD_BACK]:
        yield f"{held} {words[Action.HOLD_BACK]}"
    results = Counter(outcome.result for outcome in report.failures)
    yield from (f"{number} {result}" for result, number in sorted(results.items()))
    fallbacks = Counter(outcome.result for outcome in report.fallbacks)
    yield from (f"{number} fallback {result}" for result, number in sorted(fallbacks.items()))
    if found := report.desired.not_eligible:
        reasons = ", ".join(f"{not_eligible(why)}: {len(keys)}" for why, keys in found.items())
        yield f"{sum(map(len, found.values()))} not eligible ({reasons})"


def _counts(report: Report) -> Counter[Action]:
    """How many steps there are for each action. Outside a dry run, a write counts only if it was done."""
    counts = Counter(step.action for step in report.plan.steps if report.dry_run or not isinstance(step, Write))
    counts.update(outcome.step.action for outcome in report.outcomes if outcome.result is Result.DONE)
    return counts


def _by_service(outcome: Outcome) -> tuple[Key, int, Key]:
    kind, key, service = outcome.step.ref
    return service, list(Kind).index(kind), key


def _line(sign: str, ref: Ref, rest: str) -> str:
    return f"{sign} {ref.kind:<{_KIND_WIDTH}} {ref.key}  {rest}".rstrip()


def _content(step: Create) -> str:
    match step.wanted:
        case WantedNamespace():
            return ""
        case Mirror():
            return f"{step.wanted.type} {', '.join(port_text(port) for port in step.wanted.ports)}"
        case WantedEndpoints(content) | WantedSlice(_, content):
            ports = ", ".join(f"{port.port}/{port.protocol}" for port in content.ports)
            return f"{addresses_text(content.addresses)} : {ports}"
        case _:
            assert_never(step.wanted)


_SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DELETE: "-",
    Action.RELEASE: "~",
    Action.MARK: "~",
    Action.LEAVE: "!",
    Action.HOLD_BACK: "!",
}
_PAST = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.DELETE: "deleted",
    Action.UNCHANGED: "unchanged",
    Action.RELEASE: "released",
    Action.MARK: "marked",
    Action.LEAVE: "left",
    Action.HOLD_BACK: "held back",
}
_TO_COME = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.DELETE: "to delete",
    Action.RELEASE: "to release",
    Action.MARK: "to mark",
}
_PLANNED = _TO_COME | {action: _PAST[action] for action in (Action.HOLD_BACK, Action.LEAVE)}
"""The words of headings, in their order: a plan is printed before its writes are done."""
_SKIPPED = "skipped"
_ALWAYS_TOLD = (Action.CREATE, Action.UPDATE, Action.DELETE, Action.UNCHANGED)
