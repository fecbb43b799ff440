"""Server-side apply and other writes of a simulated API server: the object after the write, with its managedFields.

What is simulated was measured on real servers: an apply removes a field or an item of a list only if our manager alone
holds it, and takes what it changes from all others.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.worlds.fields import Object, Path, Paths, flat, leaves, merged, nested, without


class Holder(NamedTuple):
    """An entry of managedFields, without what it holds."""

    manager: str
    operation: str


Holders = dict[Holder, Paths]


def applied(live: Object, body: Object, manager: str) -> Object:
    """Return the object after a forced apply."""
    holders, us = _holders(live), Holder(manager, "Apply")
    others = frozenset[Path]().union(*(held for holder, held in holders.items() if holder != us))
    wanted, now = leaves(body), leaves(live)
    given_up = holders.get(us, frozenset()) - wanted.keys()
    removed = frozenset(path for path in given_up if not _is_held(path, others))
    result: Object = merged(without(live, removed), _content(body))
    taken = frozenset(path for path, value in wanted.items() if now.get(path, value) != value or path not in now)
    kept = {holder: held - taken for holder, held in holders.items() if holder != us}
    return with_holders(result, {**kept, us: frozenset(wanted)})


def updated(live: Object, new: Object, manager: str) -> Object:
    """Return the object after a write that is no apply: who wrote holds what changed."""
    holders, us = _holders(live), Holder(manager, "Update")
    now, then = leaves(live), leaves(new)
    changed = frozenset(path for path, value in then.items() if path not in now or now[path] != value)
    kept = {holder: held - changed for holder, held in holders.items() if holder != us}
    return with_holders(new, {**kept, us: holders.get(us, frozenset()) | changed})


def _is_held(path: Path, others: Paths) -> bool:
    """Return whether others hold a field, or anything of an item of a list."""
    if path[-1] != ".":
        return path in others
    return any(other[: len(path) - 1] == path[:-1] for other in others)


def _content(body: Object) -> Object:
    metadata = {name: part for name, part in body["metadata"].items() if name not in {"uid", "resourceVersion"}}
    return {**body, "metadata": metadata}


def _holders(obj: Object) -> Holders:
    entries = obj["metadata"].get("managedFields") or []
    return {Holder(entry["manager"], entry["operation"]): frozenset(flat(entry.get("fieldsV1"))) for entry in entries}


def with_holders(obj: Object, holders: Holders) -> Object:
    """Return the object with these entries of managedFields, less what the object does not have."""
    there = leaves(obj)
    entries = [
        {
            "manager": holder.manager,
            "operation": holder.operation,
            "apiVersion": obj["apiVersion"],
            "fieldsType": "FieldsV1",
            "fieldsV1": nested(kept),
        }
        for holder, held in sorted(holders.items())
        if (kept := [path for path in held if path in there])
    ]
    return {**obj, "metadata": {**obj["metadata"], "managedFields": entries}}
