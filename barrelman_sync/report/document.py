"""A run as one document for programs: versioned, sorted, and complete. The schema is docs/report.schema.json."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import yaml

from barrelman_sync.cluster.manifests import manifest
from barrelman_sync.model.names import Key, Ref, Revision
from barrelman_sync.planning.eligibility import NotEligible
from barrelman_sync.planning.nodes import NodeChoice
from barrelman_sync.planning.result import Outcome, Report
from barrelman_sync.planning.steps import Create, Delete, HeldBack, Leave, Mark, Release, Step, Unchanged, Update, Write
from barrelman_sync.redaction import may_have_secrets, redacted_values
from barrelman_sync.report.changes import change_values
from barrelman_sync.report.fingerprint import plan_fingerprint
from barrelman_sync.report.messages import EXCLUSIONS, SKIPS, message, not_eligible, problems

SCHEMA_VERSION = 1

_NO_REVISION = Revision("", "")

Document = dict[str, Any]


def as_json(document: Document) -> str:
    """The document as indented JSON, without secrets."""
    return json.dumps(_without_secrets(document), indent=2)


def as_yaml(document: Document) -> str:
    """The document as YAML in ASCII, as the JSON is: other characters are escaped, so no locale can change a value.

    It has no secrets.
    """
    text: str = yaml.safe_dump(_without_secrets(document), sort_keys=False)
    return text.rstrip()


def _without_secrets(document: Document) -> Document:
    """The document without secrets. Replaced in its text, they would make YAML invalid."""
    without: Document = redacted_values(document) if may_have_secrets(json.dumps(document)) else document
    return without


def document(report: Report) -> Document:
    """The document of a run that came to a plan."""
    outcomes = {outcome.step.ref: outcome for outcome in report.outcomes}
    return {
        "schemaVersion": SCHEMA_VERSION,
        "source": report.source,
        "dryRun": report.dry_run,
        "exitCode": int(report.exit_code),
        "fingerprint": plan_fingerprint(report.plan),
        "unchanged": sum(isinstance(step, Unchanged) for step in report.plan.steps),
        "steps": [_step(step, outcomes) for step in report.plan.steps],
        "skipped": [
            {"namespace": key.namespace, "name": key.name, "reason": str(skip), "message": SKIPS[skip]}
            for key, skip in report.desired.skipped.items()
        ],
        "notEligible": {not_eligible(why): len(keys) for why, keys in report.desired.not_eligible.items()},
        "notEligibleServices": _not_eligible(report.desired.not_eligible),
        "nodes": _nodes(report.nodes),
        "warnings": [message(why) for why in report.warnings],
        "problems": list(problems(report)),
    }


def failure(problems: Sequence[str], exit_code: int) -> Document:
    """The document of a run that ended before there was a plan."""
    return {"schemaVersion": SCHEMA_VERSION, "exitCode": int(exit_code), "problems": list(problems)}


def _not_eligible(found: Mapping[NotEligible, tuple[Key, ...]]) -> list[Document]:
    """One entry for each Service, sorted by Service. Only a document pays for it: text tells numbers."""
    every = sorted((key, why) for why, keys in found.items() for key in keys)
    return [
        {"namespace": key.namespace, "name": key.name, "reason": str(why.rule), "message": not_eligible(why)}
        for key, why in every
    ]


def _nodes(nodes: NodeChoice) -> Document:
    return {
        "listed": nodes.listed,
        "used": nodes.used,
        "assumedReady": list(nodes.assumed_ready),
        "excluded": [
            {"node": node, "reason": str(reason), "message": EXCLUSIONS[reason]} for node, reason in nodes.excluded
        ],
    }


def _step(step: Step, outcomes: Mapping[Ref, Outcome]) -> Document:
    kind, key, _ = step.ref
    outcome = outcomes.get(step.ref) if isinstance(step, Write) else None
    return {
        "action": _action(step),
        "kind": str(kind),
        "namespace": key.namespace,
        "name": key.name,
        "reason": str(step.why.reason),
        "message": message(step.why),
        **_details(step),
        **(_result(outcome) if outcome else {}),
    }


def step_document(step: Step) -> Document:
    """A planned step, as the documents of runs have it."""
    return _step(step, {})


def _result(outcome: Outcome) -> Document:
    fallback = [_step(found.step, {found.step.ref: found}) for found in outcome.fallback]
    return {
        "result": str(outcome.result),
        **({"error": outcome.error} if outcome.error else {}),
        **({"fallback": fallback} if fallback else {}),
    }


def _action(step: Step) -> str:
    return f"{step.action} {step.step.action}" if isinstance(step, HeldBack) else step.action.value


def _details(step: Step) -> Document:
    match step:
        case Create():
            return {"object": manifest(step.wanted, _NO_REVISION)}
        case Update():
            claimed = {"claimedFrom": list(step.claimed_from)} if step.claimed_from else {}
            return {"changes": [change_values(change) for change in step.changes], **claimed}
        case Mark():
            return {"changes": [change_values(change) for change in step.changes]}
        case HeldBack():
            held = {"reason": str(step.step.why.reason), "message": message(step.step.why), **_details(step.step)}
            return {"held": held}
        case Delete() | Release() | Leave() | Unchanged():
            return {}
        case _:
            assert_never(step)
