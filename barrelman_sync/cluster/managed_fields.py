"""Who holds the fields of a mirror, according to `metadata.managedFields`, and what a claim writes there. Pure.

Server-side apply removes a list item only if we hold the item and nobody else does. So a port survives our apply if the
original (manager `barrelman`, operation Update) or a user's edit made it, or if nobody holds it. Once the number of
such a port changes, the server answers 422 `Duplicate value` in every run. So we claim the fields of a mirror before we
apply. See docs/adr/002-claim-fields-before-apply.md and https://github.com/kubernetes/kubernetes/issues/99003.
"""

import json
from collections.abc import Iterable
from typing import Any

from barrelman_sync.model.local import Holders, LocalService
from barrelman_sync.model.names import FIELD_MANAGER, Affinity, ServicePort

Entry = dict[str, Any]
"""One item of managedFields, or a field set in it, as JSON."""

_SPEC = "f:spec"
_MIRROR_FIELDS = frozenset(
    {
        "f:ports",
        "f:type",
        "f:sessionAffinity",
        "f:sessionAffinityConfig",
        "f:loadBalancerSourceRanges",  # set by a user with type LoadBalancer; the server refuses it for any other type
    }
)


def holders_of(managed_fields: bytes, ports: Iterable[ServicePort], affinity: Affinity) -> Holders:
    """Who holds the fields of a mirror that has these ports and this affinity."""
    entries = _entries(managed_fields)
    others = {str(entry.get("manager")) for entry in entries if not _is_ours(entry) and _mirror_fields(entry)}
    ours = next((entry for entry in entries if _is_ours(entry)), {})
    held = _fields(ours).get(_SPEC, {})
    # If the union is what we hold already, we hold every port that is there.
    return Holders(tuple(sorted(others)), complete=not others and _merged(held, _present(ports, affinity)) == held)


def claimed(live: LocalService) -> list[Entry]:
    """The entries of managedFields after a claim: the fields of a mirror are in our entry and in no other.

    An example, in short:

        before    barrelman       Update    f:ports, f:type, f:externalIPs
        after     barrelman       Update    f:externalIPs
                  barrelman-sync  Apply     f:ports, f:type
    """
    entries = _entries(live.managed_fields)
    ours = next((entry for entry in entries if _is_ours(entry)), _NEW_ENTRY)
    others = [entry for entry in entries if not _is_ours(entry)]
    fields = _fields(ours)
    spec = _merged(fields.get(_SPEC, {}), _present(live.ports, live.affinity))
    for entry in others:
        spec = _merged(spec, _mirror_fields(entry))
    kept = [rest for entry in others if (rest := _without_mirror_fields(entry)).get("fieldsV1")]
    times = [str(entry["time"]) for entry in entries if "time" in entry]
    return [*kept, {**ours, **({"time": max(times)} if times else {}), "fieldsV1": {**fields, _SPEC: spec}}]


def without_us(managed_fields: bytes) -> list[Entry]:
    """The entries of all other managers: a released mirror has only these."""
    return [entry for entry in _entries(managed_fields) if entry.get("manager") != FIELD_MANAGER]


_NEW_ENTRY: Entry = {"manager": FIELD_MANAGER, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1"}


def _entries(managed_fields: bytes) -> list[Entry]:
    return json.loads(managed_fields) or []


def _fields(entry: Entry) -> Entry:
    return entry.get("fieldsV1") or {}


def _is_ours(entry: Entry) -> bool:
    """Whether this is the entry of our server-side apply.

    An entry of our name with operation Update counts as somebody else's, because the server treats it as another
    manager.
    """
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")


def _present(service_ports: Iterable[ServicePort], affinity: Affinity) -> Entry:
    """The fields that the Service has and that an apply can remove only if we hold them: ports, affinity's config."""
    ports: Entry = {f'k:{{"port":{port.port},"protocol":"{port.protocol}"}}': _leaves(port) for port in service_ports}
    config: Entry = {"f:clientIP": {"f:timeoutSeconds": {}}}
    return {"f:ports": ports, **({} if affinity.timeout is None else {"f:sessionAffinityConfig": config})}


def _leaves(port: ServicePort) -> Entry:
    """The port itself (`.`), and the fields of the port that an apply may omit."""
    optional = {"f:name": port.name, "f:nodePort": port.node_port, "f:appProtocol": port.app_protocol}
    return {".": {}} | {name: {} for name, value in optional.items() if value}


def _mirror_fields(entry: Entry) -> Entry:
    """The fields of a mirror that the entry holds; empty if there are none."""
    if entry.get("subresource"):
        return {}
    spec = _fields(entry).get(_SPEC) or {}
    return {name: fields for name, fields in spec.items() if name in _MIRROR_FIELDS}


def _without_mirror_fields(entry: Entry) -> Entry:
    taken = _mirror_fields(entry)
    if not taken:
        return entry
    fields = entry["fieldsV1"]
    spec = {name: value for name, value in fields[_SPEC].items() if name not in taken}
    rest = {name: value for name, value in fields.items() if name != _SPEC}
    return {**entry, "fieldsV1": {**rest, **({_SPEC: spec} if spec else {})}}


def _merged(one: Entry, other: Entry) -> Entry:
    """The union of two field sets. A value is again a field set, empty for a leaf."""
    return {name: _merged(one.get(name, {}), other.get(name, {})) for name in {**one, **other}}
