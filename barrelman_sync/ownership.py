"""Who holds the fields of a mirror, by `metadata.managedFields`, and how they become ours alone. Pure.

Server-side apply removes a list item only if nobody else holds it. A port that the original (manager `barrelman`,
operation Update) or a user's edit made therefore survives our apply, and once its number changes the server answers 422
`Duplicate value` for ever. So the fields that a mirror consists of are moved from all others to our own entry first.
See docs/adr/002-move-fields-before-apply.md and https://github.com/kubernetes/kubernetes/issues/99003.
"""

import json
from typing import Any

from barrelman_sync.model import FIELD_MANAGER

Entry = dict[str, Any]
"""One item of managedFields, as JSON."""

_SPEC = "f:spec"
_MIRROR_FIELDS = frozenset({"f:ports", "f:type", "f:sessionAffinity", "f:sessionAffinityConfig"})


def other_holders(managed_fields: bytes) -> tuple[str, ...]:
    """The managers, other than our apply, that hold a field which a mirror consists of; sorted."""
    entries = _entries(managed_fields)
    return tuple(sorted({str(entry.get("manager")) for entry in entries if not _is_ours(entry) and _taken(entry)}))


def moved_to_us(managed_fields: bytes) -> list[Entry]:
    """The same entries, with the fields of a mirror moved to our own entry and all else left with its holder."""
    entries = _entries(managed_fields)
    taken: Entry = {}
    kept: list[Entry] = []
    ours: Entry = {"manager": FIELD_MANAGER, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    for entry in entries:
        if _is_ours(entry):
            ours = entry
            continue
        fields = _taken(entry)
        taken = _merged(taken, fields)
        rest = _without(entry, fields)
        if rest.get("fieldsV1"):
            kept.append(rest)
    times = [str(entry["time"]) for entry in entries if "time" in entry]
    own_spec = _merged(ours.get("fieldsV1", {}).get(_SPEC, {}), taken)
    own_fields = {**ours.get("fieldsV1", {}), _SPEC: own_spec}
    return [*kept, {**ours, **({"time": max(times)} if times else {}), "fieldsV1": own_fields}]


def without_us(managed_fields: bytes) -> list[Entry]:
    """The entries of everyone else: what a Service that we hand over keeps."""
    return [entry for entry in _entries(managed_fields) if entry.get("manager") != FIELD_MANAGER]


def _entries(managed_fields: bytes) -> list[Entry]:
    return json.loads(managed_fields) or []


def _is_ours(entry: Entry) -> bool:
    """Our own Update entry is somebody else's: the server tells the two operations apart."""
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")


def _taken(entry: Entry) -> Entry:
    if entry.get("subresource"):
        return {}
    spec = entry.get("fieldsV1", {}).get(_SPEC, {})
    return {name: fields for name, fields in spec.items() if name in _MIRROR_FIELDS}


def _without(entry: Entry, taken: Entry) -> Entry:
    if not taken:
        return entry
    fields = entry["fieldsV1"]
    spec = {name: value for name, value in fields[_SPEC].items() if name not in taken}
    rest = {name: value for name, value in fields.items() if name != _SPEC}
    return {**entry, "fieldsV1": {**rest, **({_SPEC: spec} if spec else {})}}


def _merged(one: Entry, other: Entry) -> Entry:
    """The union of two field sets. A value is again a field set, empty for a leaf."""
    return {name: _merged(one.get(name, {}), other.get(name, {})) for name in {**one, **other}}
