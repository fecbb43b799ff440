"""A run as one document for programs: versioned, sorted, and complete. The schema is docs/report.schema.json."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import yaml

from barrelman_sync.cluster.manifests import manifest
from barrelman_sync.model.names import Revision
from barrelman_sync.planning.changes import Change
from barrelman_sync.planning.result import Outcome, Report
from barrelman_sync.planning.steps import Create, Delete, Held, Leave, Release, Step, Unchanged, Update, Write
from barrelman_sync.report.fingerprint import plan_fingerprint

SCHEMA_VERSION = 1

_NO_REVISION = Revision("", "")

Document = dict[str, Any]


def as_json(document: Document) -> str:
    """The document as JSON, indented."""
    return json.dumps(document, indent=2)


def as_yaml(document: Document) -> str:
    """The document as YAML."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return text.rstrip()


def document(report: Report) -> Document:
    """The whole run."""
    outcomes = {(outcome.step.kind, outcome.step.key): outcome for outcome in report.outcomes}
    return {
        "schemaVersion": SCHEMA_VERSION,
        "source": report.source,
        "dryRun": report.dry_run,
        "exitCode": int(report.exit_code),
        "fingerprint": plan_fingerprint(report.plan),
        "unchanged": sum(isinstance(step, Unchanged) for step in report.plan.steps),
        "steps": [_step(step, outcomes) for step in report.plan.steps],
        "skipped": [
            {"namespace": skip.key.namespace, "name": skip.key.name, "reason": str(skip.reason)}
            for skip in report.desired.skipped.values()
        ],
        "notCandidates": dict(report.desired.never_candidates),
        "nodes": _nodes(report),
        "warnings": list(report.warnings),
        "problems": list(report.problems),
    }


def failure(problems: Sequence[str], exit_code: int) -> Document:
    """A run that ended before there was a plan."""
    return {"schemaVersion": SCHEMA_VERSION, "exitCode": int(exit_code), "problems": list(problems)}


def _nodes(report: Report) -> Document:
    nodes = report.nodes
    return {
        "listed": nodes.listed,
        "takingPart": nodes.taking_part,
        "assumedReady": list(nodes.assumed_ready),
        "excluded": [{"node": excluded.node, "reason": str(excluded.reason)} for excluded in nodes.excluded],
    }


def _step(step: Step, outcomes: Mapping[Any, Outcome]) -> Document:
    outcome = outcomes.get((step.kind, step.key)) if isinstance(step, Write) else None
    return {
        "action": _action(step),
        "kind": str(step.kind),
        "namespace": step.key.namespace,
        "name": step.key.name,
        **_details(step),
        **({"result": str(outcome.result)} if outcome else {}),
        **({"message": outcome.message} if outcome and outcome.message else {}),
    }


def _action(step: Step) -> str:
    return f"{step.action} {step.step.action}" if isinstance(step, Held) else step.action.value


def _details(step: Step) -> Document:
    match step:
        case Create():
            return {"object": manifest(step.wanted, _NO_REVISION)}
        case Update():
            taken = {"takenFrom": list(step.taken_from)} if step.taken_from else {}
            return {"changes": [_change(change) for change in step.changes], **taken}
        case Delete() | Release() | Leave():
            return {"reason": step.reason}
        case Held():
            return {"reason": step.reason, "held": _details(step.step)}
        case Unchanged():
            return {}
        case _:
            assert_never(step)


def _change(change: Change) -> Document:
    if isinstance(change.before, tuple) and isinstance(change.after, tuple):
        before, after = set(change.before), set(change.after)
        return {"path": change.path, "removed": sorted(before - after), "added": sorted(after - before)}
    return {"path": change.path, "before": _plain(change.before), "after": _plain(change.after)}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
