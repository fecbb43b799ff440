"""What a plan is known by once somebody has reviewed it, for `--expect-plan`. Pure."""

import json
from hashlib import sha256
from typing import Any, assert_never

from barrelman_sync.cluster.manifests import manifest
from barrelman_sync.model.names import Revision
from barrelman_sync.planning.steps import Create, Delete, Plan, Release, Update, Write

_NO_REVISION = Revision("", "")


def plan_fingerprint(plan: Plan) -> str:
    """Sixteen characters that stand for all that the plan would write, to which objects, and what that changes.

    Not for their resourceVersions: a plan that was reviewed stays the same when somebody sets a label of their own.
    """
    writes = [(step.kind, step.key, _substance(step)) for step in plan.writes]
    return sha256(json.dumps(writes, sort_keys=True).encode()).hexdigest()[:16]


def _substance(step: Write) -> Any:
    match step:
        case Create():
            return manifest(step.wanted, _NO_REVISION)
        case Update():
            return step.live.revision.uid, step.changes, manifest(step.wanted, _NO_REVISION, step.live.labels)
        case Delete():
            return step.live.revision.uid
        case Release():
            return step.live.revision.uid, step.labels
        case _:
            assert_never(step)
