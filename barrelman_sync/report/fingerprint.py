"""What a plan is known by once somebody has reviewed it, for `--expect-plan`. Pure."""

import json
from hashlib import sha256
from typing import Any, assert_never

from barrelman_sync.cluster.manifests import manifest
from barrelman_sync.model.names import Revision
from barrelman_sync.planning.steps import Create, Delete, Plan, Release, Update, Write
from barrelman_sync.report.changes import change_values

_NO_REVISION = Revision("", "")


def plan_fingerprint(plan: Plan) -> str:
    """Sixteen characters that stand for all that the plan would write, to which objects, and what that changes.

    Not for their resourceVersions: a plan that was reviewed stays the same when somebody sets a label of their own.
    """
    writes = [(step.ref.kind, step.ref.key, _substance(step)) for step in plan.writes]
    return sha256(json.dumps(writes, sort_keys=True).encode()).hexdigest()[:16]


def refusal_of(plan: Plan, expected: str | None) -> str:
    """Why the plan is not carried out: its fingerprint is not the expected one. Empty if it is, or none is expected."""
    if expected is None or expected == (found := plan_fingerprint(plan)):
        return ""
    return f"the plan is {found}, not the expected {expected}: nothing is written"


def _substance(step: Write) -> Any:
    match step:
        case Create():
            return manifest(step.wanted, _NO_REVISION)
        case Update():
            changes = [change_values(change) for change in step.changes]
            return step.live.revision.uid, changes, manifest(step.wanted, _NO_REVISION, step.live.labels)
        case Delete():
            return step.live.revision.uid
        case Release():
            return step.live.revision.uid, step.labels
        case _:
            assert_never(step)
