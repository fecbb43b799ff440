"""Sends one write of a plan, so that the write cannot hit an object or state that it was not planned for."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar, assert_never

import httpx2
from lightkube.core.resource import Resource

from barrelman_sync.cluster import parsing, resources
from barrelman_sync.cluster.answers import (
    altered_fields,
    fields_not_marked,
    fields_not_released,
    usable_although_altered,
)
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError, NotTriedError, SecondLookError, is_port_taken, is_unreadable
from barrelman_sync.cluster.manifests import (
    delete_options,
    manifest,
    mark_patch,
    release_patch,
)
from barrelman_sync.cluster.pauses import pause_after, pause_before
from barrelman_sync.cluster.preparing import already_prepared, preparing_patch
from barrelman_sync.model.names import FIELD_MANAGER, ORPHANED_SINCE, SLICE_MANAGED_BY, Key, Kind, Ref, Revision
from barrelman_sync.model.wanted import Wanted
from barrelman_sync.planning.node_ports import node_ports_taken
from barrelman_sync.planning.result import Outcome, Result
from barrelman_sync.planning.steps import Create, Delete, Mark, Release, Update, Write

_log = logging.getLogger(__name__)

_Written = resources.Namespace | resources.Service | resources.Endpoints | resources.EndpointSlice
_RESOURCES: Mapping[Kind, type[_Written]] = {
    Kind.NAMESPACE: resources.Namespace,
    Kind.SERVICE: resources.Service,
    Kind.ENDPOINTS: resources.Endpoints,
    Kind.SLICE: resources.EndpointSlice,
}
_EXEMPT = (
    "Probably a mutating admission policy or webhook: exempt objects with the label tfw.io/barrelman-source from it, or"
    " the next run writes, and fails, again."
)
T = TypeVar("T")

# Answers to a write whose object is not as it was read. Why 422 is among them: see Writer.write.
_STALE = frozenset({httpx2.codes.CONFLICT, httpx2.codes.NOT_FOUND, httpx2.codes.UNPROCESSABLE_CONTENT})


_WAIT_SECONDS = (0.1, 0.2, 0.4, 0.8)
"""The waits between the looks at a Service whose node port is taken."""


class _TakenError(ClusterError):
    """The name of an object that the run would create is taken."""


class Writer:
    """Writes to the local cluster. Several threads may use one Writer, but not for the same object at the same time."""

    def __init__(self, client: ClusterClient, versions: Mapping[Kind, str]) -> None:
        """`versions` are the resourceVersions that creates carry, see `Local.versions`."""
        self._client = client
        self._versions = versions
        self._written: dict[tuple[Kind, Key], Revision] = {}
        self._altered: dict[Ref, str] = {}

    def write(self, step: Write) -> None:
        """Does the step, or finds that the step is done already. Raises ClusterError. The step's pauses are included.

        A write may be refused only because it is done: our own earlier try got through and its answer was lost, or
        another run was faster. Such a refusal is usually a 409 or 404. It is a 422 if the first try took a node port or
        removed a label, because the server checks these before it looks at the resourceVersion. An answer that cannot
        be read is no refusal, but leaves open whether the write is done.
        """
        pause_before(self._client, step, self.uid(Kind.ENDPOINTS, step.ref.service))
        try:
            self._send(step)
        except ClusterError as error:
            if not _leaves_open(error) or not self._is_found_done(step, error):
                raise
        pause_after(self._client, step)

    def judged(self, outcome: Outcome) -> Outcome:
        """The outcome; failed if the write was done but something in the cluster changed the object.

        Such a write of a Service fails only here and not in `write`, so that the Service's endpoints are written all
        the same: the callers need them, and they can serve.
        """
        error = self._altered.get(outcome.step.ref)
        if error is None or outcome.result != Result.DONE:
            return outcome
        return replace(outcome, result=Result.FAILED, error=error)

    def uid(self, kind: Kind, key: Key) -> str | None:
        """The uid of an object that was written in this run; None if it was not written."""
        written = self._written.get((kind, key))
        return written.uid if written else None

    def _send(self, step: Write) -> None:
        match step:
            case Create():
                # The second of two writes updates what the first one created.
                impossible = Revision("", self._versions[step.ref.kind])
                self._apply(step, self._written.get((step.ref.kind, step.ref.key), impossible))
            case Update():
                self._update(step)
            case Delete():
                self._client.delete(_RESOURCES[step.ref.kind], step.ref.key, delete_options(step.live.revision))
            case Mark():
                patched = self._client.merge(resources.Service, step.ref.key, mark_patch(step))
                if missing := fields_not_marked(patched, step):
                    raise self._changed(step.ref, "marking", missing)
            case Release():
                patched = self._client.patch(resources.Service, step.ref.key, release_patch(step))
                if kept := fields_not_released(patched, step):
                    raise self._changed(step.ref, "releasing", kept)
            case _:
                assert_never(step)

    def _update(self, step: Update) -> None:
        first = self._written.get((step.ref.kind, step.ref.key))  # of two writes
        revision = self._prepared(step)
        try:
            self._apply(step, revision)
        except NotTriedError as error:
            if revision in (step.live.revision, first):
                raise
            # The patch has changed the object, so the update counts as tried.
            why = f"only the patch before it is done: {error.why}."
            raise ClusterError(f"applying {step.ref.kind} {step.ref.key}", self._client.title, why) from error

    def _apply(self, step: Create | Update, revision: Revision) -> None:
        wanted, (kind, key, _) = step.wanted, step.ref
        labels = step.live.labels if isinstance(step, Update) else {}
        applied = self._client.apply(_RESOURCES[kind], key, manifest(wanted, revision, labels))
        self._written[kind, key] = applied.metadata.revision
        if fields := tuple(altered_fields(applied, wanted)):
            error = self._changed(wanted.ref, "applying", fields)
            # The endpoints of a new Service cannot be worse than none.
            if not usable_although_altered(applied, wanted, new=isinstance(step, Create)):
                raise error
            _log.error("%s", error)
            self._altered[wanted.ref] = str(error)

    def _changed(self, ref: Ref, doing: str, fields: Iterable[str]) -> ClusterError:
        reason = f"something in the cluster changed what was written: {'; '.join(fields)}."
        return ClusterError(f"{doing} {ref.kind} {ref.key}", self._client.title, reason, hint=_EXEMPT)

    def _prepared(self, step: Update) -> Revision:
        """Does by a patch what an apply cannot do, see `cluster.preparing`. Returns the revision to update.

        Of two updates of one object in a run, only the first needs a patch.
        """
        if written := self._written.get((step.ref.kind, step.ref.key)):
            return written
        patch = preparing_patch(step)
        if not patch:
            return step.live.revision
        try:
            patched = self._client.patch(_RESOURCES[step.ref.kind], step.ref.key, patch)
        except ClusterError as error:
            if not _leaves_open(error):
                raise
            found = _look_after(error, lambda: already_prepared(self._read(step.ref), step.live))
            if found is None:
                raise
            return found
        return patched.metadata.revision

    def _read(self, ref: Ref) -> _Written | None:
        return self._client.get(_RESOURCES[ref.kind], ref.key)

    def _is_found_done(self, step: Write, error: ClusterError) -> bool:
        """Whether the object, read after a write that failed, is as the step would have made it.

        A server allocates a node port before it stores the Service that gets the port. So if another run creates the
        same Service at the same moment, its port is taken, and the Service that took it cannot be read for a moment.
        """
        takes_port = isinstance(step, Create | Update) and node_ports_taken(step)
        waits = deque(_WAIT_SECONDS if takes_port and is_port_taken(error.__cause__) else ())
        while (done := _look_after(error, lambda: self._is_done(step))) is False and waits:
            self._client.pause(waits.popleft())
        return bool(done)

    def _is_done(self, step: Write) -> bool:
        """Whether the object, read once more, is as the step would have made it."""
        live = self._read(step.ref)
        match step:
            case Create() | Update():
                wanted = [step.wanted, *([step.final] if step.final else [])]
                done = live is not None and any(_is_as_wanted(live, state) for state in wanted)
                if done and live is not None:
                    self._written[step.ref.kind, step.ref.key] = live.metadata.revision
                if isinstance(live, resources.EndpointSlice) and not parsing.local_slice(live).managed_by_us:
                    raise self._taken(step.ref)
                return done
            case Delete():
                # With another uid, it is a new object of the same name, which this step has nothing to do with.
                return live is None or live.metadata.uid != step.live.revision.uid
            case Mark():
                if not isinstance(live, resources.Service) or live.metadata.uid != step.live.revision.uid:
                    return False
                # Another run may have been faster, so a new mark may have another time.
                mark = live.metadata.our_annotations.get(ORPHANED_SINCE)
                since = step.since if mark in (None, step.live.mark) else mark
                return not fields_not_marked(live, replace(step, since=since))
            case Release():
                return isinstance(live, resources.Service) and not fields_not_released(live, step)
            case _:
                assert_never(step)

    def _taken(self, ref: Ref) -> _TakenError:
        reason = (
            "the name belongs to an object that barrelman-sync does not manage: its label"
            f" {SLICE_MANAGED_BY} is not {FIELD_MANAGER}."
        )
        return _TakenError(
            f"applying {ref.kind} {ref.key}", self._client.title, reason, hint="Delete the object, or set the label."
        )


def _leaves_open(error: ClusterError) -> bool:
    """Whether the write may be done although it failed."""
    return error.status in _STALE or is_unreadable(error.__cause__)


def _look_after(refusal: ClusterError, look: Callable[[], T]) -> T | None:
    """What `look` returns; None if the run is over before the look. Raises an error that tells of both if it fails."""
    try:
        return look()
    except NotTriedError:
        return None
    except _TakenError:  # the look did not fail, it found why the write was refused
        raise
    except ClusterError as error:
        raise SecondLookError(refusal, error) from error


def _is_as_wanted(live: Resource, wanted: Wanted) -> bool:
    if isinstance(live, resources.Namespace):
        return not parsing.local_namespace(live).terminating
    if isinstance(live, resources.Service) and live.metadata.deleting:
        return False
    return not any(altered_fields(live, wanted))
