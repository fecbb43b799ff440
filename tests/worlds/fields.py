"""Field sets as in metadata.managedFields: what an apply removes, and who holds a field after a write.

A path is what managedFields nest: `f:NAME` of a field, `k:KEYS` of an item of a list, `.` for the item itself. A
list that is not in LISTS is atomic, as is a map in ATOMIC: so the API's schema says of what a run of ours writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Object = dict[str, Any]
Path = tuple[str, ...]
Paths = frozenset[Path]

LISTS: Mapping[Path, tuple[str, ...]] = {
    ("f:spec", "f:ports"): ("port", "protocol"),
    ("f:metadata", "f:ownerReferences"): ("uid",),
}
ATOMIC: frozenset[Path] = frozenset({("f:spec", "f:selector")})
UNOWNED = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "managedFields",
    }
)


def leaves(obj: Object) -> dict[Path, Any]:
    """Return every field that somebody can hold, with its value."""
    metadata = {name: value for name, value in obj.get("metadata", {}).items() if name not in UNOWNED}
    content = {name: value for name, value in obj.items() if name not in {"apiVersion", "kind", "metadata"}}
    return dict(_leaves({**content, "metadata": metadata}, ()))


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if path in LISTS:
        for item in value:
            place = (*path, key_of(path, item))
            yield (*place, "."), None
            yield from _leaves(item, place)
    elif isinstance(value, dict) and path not in ATOMIC:
        for name, part in value.items():
            yield from _leaves(part, (*path, f"f:{name}"))
    else:
        yield path, value


def key_of(path: Path, item: Object) -> str:
    """Return the element of a path that stands for an item of a list."""
    keys = {name: item.get(name, "TCP" if name == "protocol" else None) for name in LISTS[path]}
    return f"k:{json.dumps(keys, separators=(',', ':'))}"


def nested(paths: Iterable[Path]) -> Object:
    """Return paths in the form of managedFields."""
    found: Object = {}
    for path in sorted(paths):
        place = found
        for element in path:
            place = place.setdefault(element, {})
    return found


def flat(fields: Object | None, path: Path = ()) -> Iterator[Path]:
    """Return the paths of a field set in the form of managedFields."""
    for element, below in (fields or {}).items():
        if below:
            yield from flat(below, (*path, element))
        else:
            yield (*path, element)


def merged(live: Any, body: Any, path: Path = ()) -> Any:
    """Return the live value with the fields of an applied body."""
    if path in LISTS:
        items = {key_of(path, item): item for item in live or ()}
        for item in body:
            key = key_of(path, item)
            items[key] = merged(items.get(key), item, (*path, key))
        return list(items.values())
    if isinstance(body, dict) and isinstance(live, dict) and path not in ATOMIC:
        return {**live, **{name: merged(live.get(name), part, (*path, f"f:{name}")) for name, part in body.items()}}
    return body


def without(value: Any, paths: Paths, path: Path = ()) -> Any:
    """Return a value without the fields and items at these paths; maps that become empty go, too."""
    if path in LISTS:
        kept = [item for item in value if (*path, key_of(path, item), ".") not in paths]
        return [without(item, paths, (*path, key_of(path, item))) for item in kept]
    if not isinstance(value, dict) or path in ATOMIC:
        return value
    left = {}
    for name, part in value.items():
        place = (*path, f"f:{name}")
        rest = part if place in paths else without(part, paths, place)
        if place not in paths and (rest or rest == part):
            left[name] = rest
    return left
