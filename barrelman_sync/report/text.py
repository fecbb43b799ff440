"""A plan as lines of text, one an object: `+ - ~ !`, kind, name, then what changes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import assert_never

from barrelman_sync.model.names import Key, Kind
from barrelman_sync.model.wanted import Mirror, WantedEndpoints, WantedNamespace, WantedSlice
from barrelman_sync.planning.changes import Change, describe_port
from barrelman_sync.planning.result import Report, Result
from barrelman_sync.planning.steps import Action, Create, Delete, Held, Leave, Release, Step, Unchanged, Update, Write
from barrelman_sync.report.fingerprint import plan_fingerprint

NO_NAMES: Mapping[str, str] = {}

_SHOWN_ADDRESSES = 6
_KIND_WIDTH = max(len(kind) for kind in Kind)


def plan_lines(report: Report) -> Iterator[str]:
    """The plan, sorted by object, and the remote Services that are left out."""
    names = report.nodes.names
    steps = ((step.service, line) for step in report.plan.steps if (line := step_line(step, names)))
    skipped = (
        (skip.key, _line("!", Kind.SERVICE, skip.key, f"skipped: {skip.reason}"))
        for skip in report.desired.skipped.values()
    )
    for _, line in sorted([*steps, *skipped], key=lambda pair: pair[0]):
        yield line


def step_line(step: Step, nodes: Mapping[str, str] = NO_NAMES) -> str:
    """One step as a line; empty where there is nothing to tell. `nodes` has the names of nodes by address."""
    match step:
        case Create():
            return _line("+", step.kind, step.key, _content(step))
        case Update():
            return _line(
                "~", step.kind, step.key, "; ".join(_change(change, nodes) for change in step.changes) + _taken(step)
            )
        case Delete():
            return _line("-", step.kind, step.key, step.reason)
        case Release():
            return _line("~", step.kind, step.key, f"handed over: {step.reason}")
        case Leave():
            return _line("!", step.kind, step.key, f"{'' if step.fails else 'left alone: '}{step.reason}")
        case Held():
            return _line("!", step.kind, step.key, f"{step.step.action} held back: {step.reason}")
        case Unchanged():
            return ""
        case _:
            assert_never(step)


def failure_lines(report: Report) -> Iterator[str]:
    """The writes that were not done, and why."""
    for outcome in report.failures:
        word = "failed" if outcome.result == Result.FAILED else "not tried"
        yield _line("!", outcome.step.kind, outcome.step.key, f"{word}: {outcome.message}")


def summary_line(report: Report) -> str:
    """One line that says it all; always the last."""
    counts = _counts(report)
    words = {action: action.value for action in Action} | _PAST | (_TO_COME if report.dry_run else {})
    told = [*_ALWAYS_TOLD, *(action for action in (Action.RELEASE, Action.LEAVE) if counts[action])]
    parts = [f"{counts[action]} {words[action]}" for action in told]
    parts += [f"{len(report.desired.skipped)} left out"] if report.desired.skipped else []
    parts += [f"{counts[Action.HOLD_BACK]} {words[Action.HOLD_BACK]}"] if counts[Action.HOLD_BACK] else []
    results = Counter(outcome.result for outcome in report.failures)
    parts += [f"{number} {result}" for result, number in sorted(results.items())]
    verdict = "dry run" if report.dry_run else "done"
    if report.failures or report.problems:
        verdict = "failed" if not report.dry_run else "dry run, would fail"
    problems = "".join(f"; {problem}" for problem in report.problems)
    fingerprint = f"; plan {plan_fingerprint(report.plan)}" if report.dry_run else ""
    return f"{verdict}: {', '.join(parts)}{_not_candidates(report)}; {_nodes(report)}{problems}{fingerprint}"


def _counts(report: Report) -> Counter[Action]:
    """Steps by action; of the writes, outside a dry run, only those that were done."""
    counts = Counter(step.action for step in report.plan.steps if report.dry_run or not isinstance(step, Write))
    counts.update(outcome.step.action for outcome in report.outcomes if outcome.result is Result.DONE)
    return counts


def _line(sign: str, kind: Kind, key: Key, rest: str) -> str:
    return f"{sign} {kind:<{_KIND_WIDTH}} {key}  {rest}".rstrip()


def _content(step: Create) -> str:
    match step.wanted:
        case WantedNamespace():
            return ""
        case Mirror():
            return f"{step.wanted.type} " + ", ".join(
                f"{port.name}:{describe_port(port)}" if port.name else describe_port(port) for port in step.wanted.ports
            )
        case WantedEndpoints() | WantedSlice():
            ports = ", ".join(f"{port.port}/{port.protocol}" for port in step.wanted.ports)
            return f"{_addresses(step.wanted.addresses)} : {ports}"
        case _:
            assert_never(step.wanted)


def _change(change: Change, nodes: Mapping[str, str]) -> str:
    if isinstance(change.before, tuple) and isinstance(change.after, tuple):
        gone, come = set(change.before) - set(change.after), set(change.after) - set(change.before)
        signed = [(address, "-") for address in gone] + [(address, "+") for address in come]
        return f"{change.path}: {_addresses(tuple(sign + _named(address, nodes) for address, sign in sorted(signed)))}"
    return f"{change.path}: {_value(change.before)} -> {_value(change.after)}"


def _named(address: str, nodes: Mapping[str, str]) -> str:
    return f"{address} ({nodes[address]})" if address in nodes else address


def _value(value: object) -> str:
    return "none" if value is None else str(value)


def _taken(step: Update) -> str:
    return f" (fields taken over from {', '.join(step.taken_from)})" if step.taken_from else ""


def _addresses(addresses: tuple[str, ...]) -> str:
    shown = " ".join(addresses[:_SHOWN_ADDRESSES])
    more = len(addresses) - _SHOWN_ADDRESSES
    return f"{shown} and {more} more" if more > 0 else shown


_PAST = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.DELETE: "deleted",
    Action.RELEASE: "handed over",
    Action.LEAVE: "left alone",
    Action.HOLD_BACK: "held back",
}
_TO_COME = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.DELETE: "to delete",
    Action.RELEASE: "to hand over",
}
_ALWAYS_TOLD = (Action.CREATE, Action.UPDATE, Action.DELETE, Action.UNCHANGED)


def _not_candidates(report: Report) -> str:
    counted = report.desired.never_candidates
    if not counted:
        return ""
    reasons = ", ".join(f"{reason}: {number}" for reason, number in counted.items())
    return f", {sum(counted.values())} no candidates ({reasons})"


def _nodes(report: Report) -> str:
    nodes = report.nodes
    return f"{nodes.taking_part} of {nodes.listed} nodes take part{nodes.why}"
