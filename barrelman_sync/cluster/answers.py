"""Whether the object in the answer to a write is the object that was asked for.

A mutating admission policy or webhook may change what we write. The server answers with success all the same, and
every run would do the same write again.
"""

from collections.abc import Iterator

from lightkube.core.resource import Resource

from barrelman_sync.cluster import parsing, resources
from barrelman_sync.model.wanted import Mirror, Wanted, WantedEndpoints, WantedSlice
from barrelman_sync.planning.changes import Change, changes_between, mark_changes
from barrelman_sync.planning.fallbacks import serves
from barrelman_sync.planning.steps import Mark, Release

_LONGEST_VALUE = 60


def altered_fields(live: Resource, wanted: Wanted) -> Iterator[str]:
    """The fields in which the object is not as wanted, with the values if they are short. Namespaces have none.

    Defaults of the server, and what others add to an object, are no differences: the next run would not change them.
    """
    match live, wanted:
        case resources.Service(), Mirror():
            found = parsing.local_service(live)
            yield from map(_told, changes_between(found, wanted))
            # Both make the object a Service of the user. changes_between does not compare them, as we write neither.
            yield from ("spec.selector",) if found.has_selector else ()
            yield from ("spec.clusterIP",) if found.headless else ()
        case resources.Endpoints(), WantedEndpoints():
            yield from map(_told, changes_between(parsing.local_endpoints(live), wanted))
        case resources.EndpointSlice(), WantedSlice():
            yield from map(_told, changes_between(parsing.local_slice(live), wanted))
        case _:
            return


def fields_not_released(live: resources.Service, step: Release) -> tuple[str, ...]:
    """The fields that the release should have removed, but that the object still has."""
    labels = sorted(live.metadata.our_labels.keys() & set(step.labels))
    annotations = sorted(live.metadata.our_annotations.keys() & set(step.annotations))
    return (
        *(f"metadata.labels[{name}]" for name in labels),
        *(f"metadata.annotations[{name}]" for name in annotations),
    )


def fields_not_marked(live: resources.Service, step: Mark) -> tuple[str, ...]:
    """The fields that marking the mirror should have changed, but that the object has otherwise."""
    return tuple(change.path for change in mark_changes(parsing.local_service(live), step.origin, step.since))


def usable_although_altered(live: Resource, wanted: Wanted, *, new: bool) -> bool:
    """Whether the wanted endpoints may be written for a Service that is not as wanted.

    They may not if they would replace endpoints that serve a port of the Service, or if the Service is no mirror.
    """
    if not isinstance(live, resources.Service) or not isinstance(wanted, Mirror):
        return False
    found = parsing.local_service(live)
    return found.is_mirror and not found.has_selector and (new or serves(found, wanted.ports))


def _told(change: Change) -> str:
    """The field of an object that was changed: `spec.type is ClusterIP, not NodePort`."""
    values = [_short(change.before), _short(change.after)]
    return f"{change.path} is {values[0]}, not {values[1]}" if all(values) else change.path


def _short(value: object) -> str:
    """The value as text; empty if it is long or has parts."""
    if value is None:
        return "missing"
    text = str(value)
    return text if isinstance(value, str | int) and len(text) <= _LONGEST_VALUE else ""
