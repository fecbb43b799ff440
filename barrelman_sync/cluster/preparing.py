"""What an update needs before its apply, by a patch: claimed fields, or no hiding labels and no mark. Pure."""

from dataclasses import replace

from lightkube.core.resource import Resource

from barrelman_sync.cluster import parsing, resources
from barrelman_sync.cluster.manifests import JsonPatch, claim_patch, reveal_patch, unmark_patch
from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import Revision
from barrelman_sync.planning.steps import Live, Update


def preparing_patch(step: Update) -> JsonPatch:
    """The patch that has to be done before the apply; empty if there is nothing to do."""
    revision = step.live.revision
    match step.live:
        case LocalService():
            claim = claim_patch(step.live, revision) if step.claims else []
            return claim if step.live.mark is None else unmark_patch(revision, claim)
        case LocalEndpoints() | LocalSlice():
            return reveal_patch(step.live.hiding_labels, revision) if step.live.hiding_labels else []


def already_prepared(found: Resource | None, planned: Live) -> Revision | None:
    """The revision of what was found, if the patch is done and nothing else that a plan depends on has changed.

    Then our own earlier patch got through and only its answer was lost, so the update can go on. Otherwise None.
    """
    match found, planned:
        case resources.Service(), LocalService():
            return _already_claimed(parsing.local_service(found), planned)
        case resources.Endpoints(), LocalEndpoints():
            now: LocalEndpoints | LocalSlice = parsing.local_endpoints(found)
        case resources.EndpointSlice(), LocalSlice():
            now = replace(parsing.local_slice(found), service=planned.service)
        case _:
            return None
    labels = {label: value for label, value in planned.labels.items() if label not in planned.hiding_labels}
    same = now.revision.uid == planned.revision.uid
    return now.revision if same and now == replace(planned, revision=now.revision, labels=labels) else None


def _already_claimed(now: LocalService, planned: LocalService) -> Revision | None:
    same = now.revision.uid == planned.revision.uid
    planned = planned.unmarked
    as_planned = now == replace(planned, revision=now.revision, managed_fields=now.managed_fields, holders=now.holders)
    return now.revision if same and as_planned and now.holders.complete else None
