"""Sends one write of a plan, so that the write cannot hit an object or state that it was not planned for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

import httpx2
from lightkube.core.resource import Resource

from barrelman_sync.cluster import parsing, resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.cluster.manifests import claim_patch, delete_options, manifest, release_patch
from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Key, Kind, Revision
from barrelman_sync.model.wanted import Mirror, Wanted, WantedEndpoints, WantedNamespace, WantedSlice
from barrelman_sync.planning.changes import changes_between
from barrelman_sync.planning.steps import Create, Delete, Release, Update, Write

_RESOURCES: Mapping[
    Kind, type[resources.Namespace | resources.Service | resources.Endpoints | resources.EndpointSlice]
] = {
    Kind.NAMESPACE: resources.Namespace,
    Kind.SERVICE: resources.Service,
    Kind.ENDPOINTS: resources.Endpoints,
    Kind.SLICE: resources.EndpointSlice,
}
# Answers to a write whose object is not as it was read. Why 422 is among them: see Writer.write.
_STALE = frozenset({httpx2.codes.CONFLICT, httpx2.codes.NOT_FOUND, httpx2.codes.UNPROCESSABLE_CONTENT})


class Writer:
    """Writes to the local cluster. Several threads may use one Writer, but not for the same object at the same time."""

    def __init__(self, client: ClusterClient, versions: Mapping[Kind, str]) -> None:
        """`versions` are the resourceVersions that creates carry, see `Local.versions`."""
        self._client = client
        self._versions = versions
        self._written: dict[tuple[Kind, Key], Revision] = {}

    def write(self, step: Write) -> None:
        """Does the step, or finds that the step is done already. Raises ClusterError.

        A write may be refused only because it is done: our own earlier try got through and its answer was lost, or
        another run was faster. Such a refusal is usually a 409 or 404. It is a 422 if the first try took a node port or
        removed a label, because the server checks these before it looks at the resourceVersion.
        """
        try:
            self._send(step)
        except ClusterError as error:
            if error.status not in _STALE or not self._is_done(step):
                raise

    def uid(self, kind: Kind, key: Key) -> str | None:
        """The uid of an object that was written in this run; None if it was not written."""
        written = self._written.get((kind, key))
        return written.uid if written else None

    def _send(self, step: Write) -> None:
        match step:
            case Create():
                impossible = Revision("", self._versions[step.ref.kind])
                self._apply(step.wanted, impossible, {})
            case Update():
                self._apply(step.wanted, self._claim(step), step.live.labels)
            case Delete():
                self._client.delete(_RESOURCES[step.ref.kind], step.ref.key, delete_options(step.live.revision))
            case Release():
                self._client.patch(resources.Service, step.ref.key, release_patch(step))
            case _:
                assert_never(step)

    def _apply(self, wanted: Wanted, revision: Revision, labels: Mapping[str, str]) -> None:
        kind, key, _ = wanted.ref
        applied = self._client.apply(_RESOURCES[kind], key, manifest(wanted, revision, labels))
        self._written[kind, key] = applied.metadata.revision

    def _claim(self, step: Update) -> Revision:
        """Claims the fields that the update may remove, if the step says so. Returns the revision to update."""
        revision = self._written.get((step.ref.kind, step.ref.key), step.live.revision)
        if not step.claims or not isinstance(step.live, LocalService):
            return revision
        try:
            patched = self._client.patch(resources.Service, step.ref.key, claim_patch(step.live, revision))
        except ClusterError as error:
            found = self._already_claimed(step.live) if error.status in _STALE else None
            if found is None:
                raise
            return found
        return patched.metadata.revision

    def _already_claimed(self, planned: LocalService) -> Revision | None:
        """The Service's revision now, if we hold the fields and nothing else that a plan depends on has changed.

        Then our own earlier claim got through and only its answer was lost, so the update can go on. Otherwise None.
        """
        found = self._client.get(resources.Service, planned.key)
        if found is None:
            return None
        now = parsing.local_service(found)
        same = now.revision.uid == planned.revision.uid
        as_planned = now == replace(
            planned, revision=now.revision, managed_fields=now.managed_fields, holders=now.holders
        )
        return now.revision if same and as_planned and now.holders.complete else None

    def _is_done(self, step: Write) -> bool:
        """Whether the object, read once more, is as the step would have made it."""
        live = self._client.get(_RESOURCES[step.ref.kind], step.ref.key)
        match step:
            case Create() | Update():
                done = live is not None and _is_as_wanted(live, step.wanted)
                if done and live is not None:
                    self._written[step.ref.kind, step.ref.key] = live.metadata.revision
                return done
            case Delete():
                # With another uid, it is a new object of the same name, which this step has nothing to do with.
                return live is None or live.metadata.uid != step.live.revision.uid
            case Release():
                return live is not None and not live.metadata.our_labels.keys() & set(step.labels)
            case _:
                assert_never(step)


def _is_as_wanted(live: Resource, wanted: Wanted) -> bool:
    match live, wanted:
        case resources.Namespace(), WantedNamespace():
            return not parsing.local_namespace(live).terminating
        case resources.Service(), Mirror():
            # A selector makes the object a Service of the user. changes_between compares no selector, as we write none.
            found = parsing.local_service(live)
            return not (found.deleting or found.has_selector or changes_between(found, wanted))
        case resources.Endpoints(), WantedEndpoints():
            return not changes_between(parsing.local_endpoints(live), wanted)
        case resources.EndpointSlice(), WantedSlice():
            return not changes_between(parsing.local_slice(live), wanted)
        case _:
            return False
