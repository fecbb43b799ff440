"""The fingerprint of a plan: `--expect-plan` recognizes a reviewed plan by it. Pure."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any, assert_never

from barrelman_sync.cluster.manifests import manifest
from barrelman_sync.model.names import REPLACES, Revision
from barrelman_sync.model.wanted import Wanted, WantedEndpoints, WantedSlice
from barrelman_sync.planning.steps import Create, Delete, Mark, Plan, Release, Update, Write
from barrelman_sync.report.changes import change_values

_NO_REVISION = Revision("", "")


def plan_fingerprint(plan: Plan) -> str:
    """Sixteen characters that stand for everything that the plan would write: which objects, and what changes in them.

    The resourceVersions do not count, so a reviewed plan stays the same if somebody sets a label of their own.
    """
    writes = [(step.ref.kind, step.ref.key, _substance(step)) for step in plan.writes]
    return sha256(json.dumps(writes, sort_keys=True).encode()).hexdigest()[:16]


def refusal_of(plan: Plan, expected: str | None) -> str:
    """Why the plan is refused: its fingerprint is not the expected one. Empty if the plan is not refused."""
    if expected is None or expected == (found := plan_fingerprint(plan)):
        return ""
    return f"the plan is {found}, not the expected {expected}: nothing is written; review the new plan with --dry-run"


def _reviewed(wanted: Wanted) -> Wanted:
    """What is wanted, without the annotation whose value is a resourceVersion."""
    return replace(wanted, replaces="") if isinstance(wanted, WantedEndpoints | WantedSlice) else wanted


def _substance(step: Write) -> Any:
    match step:
        case Create():
            return manifest(step.wanted, _NO_REVISION)
        case Update():
            changes = [change.path if REPLACES in change.path else change_values(change) for change in step.changes]
            return step.live.revision.uid, changes, manifest(_reviewed(step.wanted), _NO_REVISION, step.live.labels)
        case Delete():
            return step.live.revision.uid
        case Release():
            return step.live.revision.uid, step.labels, step.annotations
        case Mark():
            return step.live.revision.uid, "mark"  # whatever the time is
        case _:
            assert_never(step)
