"""How a live object differs from the wanted one, field by field. No difference means nothing to write. Pure.

Only the labels and fields that we write are compared, and labels that hide endpoints. All others belong to other
managers.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import (
    ENDPOINTS_MANAGED_BY,
    FIELD_MANAGER,
    MANAGED_BY,
    MANUAL_MARKER,
    MARKER,
    MIRROR_MARKER,
    ORPHANED_SINCE,
    REPLACES,
    SERVICE_NAME,
    SLICE_MANAGED_BY,
    SOURCE,
    SOURCE_UID,
    EndpointPort,
    Origin,
    ServicePort,
)
from barrelman_sync.model.wanted import AddressSet, Mirror, Wanted, WantedEndpoints, WantedNamespace, WantedSlice


class Addresses(tuple[str, ...]):
    """The addresses of endpoints, sorted. This type tells a report to show which addresses come and which go."""

    __slots__ = ()


class Zones(tuple[tuple[str, str], ...]):
    """Addresses of endpoints with their zones, sorted; the zone is "" if there is none."""

    __slots__ = ()


class Form(StrEnum):
    """Whether endpoints have the form that we write: only plain, ready addresses, the same in all subsets."""

    REGULAR = "regular"
    IRREGULAR = "irregular"


Value = str | int | Form | Addresses | Zones | ServicePort | tuple[EndpointPort, ...] | frozenset[str] | None
"""The value of a field; None if the object does not have the field, or if the value is not known yet (see OWNERS)."""


class Change(NamedTuple):
    """One field that an update changes."""

    path: str
    before: Value
    after: Value


OWNERS = "metadata.ownerReferences"
"""The path of the owner references. Their values are sets of uids.

A value of None after the change stands for the uid of a Service that the run has yet to create.
"""

MARK = f"metadata.annotations[{ORPHANED_SINCE}]"
"""The path of the mark of a mirror that waits for its delete."""


def wanted_labels(wanted: Wanted, live: Mapping[str, str] | None = None) -> dict[str, str]:
    """The labels that we write, given the live labels of the object.

    We do not write `app.kubernetes.io/managed-by` if somebody else has set the label, so that Helm can adopt a mirror.
    """
    labels = {SOURCE: wanted.source if isinstance(wanted, WantedNamespace) else _origin(wanted).name or ""}
    if live is None or live.get(MANAGED_BY, FIELD_MANAGER) == FIELD_MANAGER:
        labels[MANAGED_BY] = FIELD_MANAGER
    match wanted:
        case WantedNamespace():
            pass
        case Mirror():
            labels[MARKER] = MIRROR_MARKER
        case WantedEndpoints():
            labels |= {MARKER: MANUAL_MARKER, ENDPOINTS_MANAGED_BY: FIELD_MANAGER}
        case WantedSlice():
            labels |= {SERVICE_NAME: wanted.content.service.name, SLICE_MANAGED_BY: FIELD_MANAGER}
    return labels


def wanted_annotations(wanted: Wanted) -> dict[str, str]:
    """The annotations that we write."""
    if isinstance(wanted, WantedNamespace):
        return {}
    replaces = "" if isinstance(wanted, Mirror) else wanted.replaces
    written = {SOURCE_UID: _origin(wanted).uid, REPLACES: replaces}
    return {name: value for name, value in written.items() if value}


def _origin(wanted: Mirror | WantedEndpoints | WantedSlice) -> Origin:
    return wanted.origin if isinstance(wanted, Mirror) else wanted.content.origin


def changes_between(live: LocalService | LocalEndpoints | LocalSlice, wanted: Wanted) -> tuple[Change, ...]:
    """What an update of the live object would change. Raises TypeError unless both objects are of one kind.

    The family of a slice is not compared, because it never changes.
    """
    metadata = (
        *_map_changes("labels", live.labels, wanted_labels(wanted, live.labels)),
        *_hiding_label_changes(live),
        *_map_changes("annotations", live.annotations, wanted_annotations(wanted)),
    )
    match live, wanted:
        case LocalService(), Mirror():
            return (*metadata, *_change(MARK, live.mark, None), *_mirror_changes(live, wanted))
        case LocalEndpoints(), WantedEndpoints():
            return _or_form(live, "subsets", (*metadata, *_content_changes(live, wanted.content, "subsets")))
        case LocalSlice(), WantedSlice():
            content = (*_content_changes(live, wanted.content, "endpoints"), *_zone_changes(live, wanted))
            return _or_form(live, "endpoints", (*metadata, *content))
        case _:
            message = f"{live.ref.kind} and {wanted.ref.kind} do not compare"
            raise TypeError(message)


def mark_changes(live: LocalService, origin: Origin, since: str) -> tuple[Change, ...]:
    """What marking a mirror as orphaned would change: the mark, and the source if the mirror is taken over."""
    return (
        *_map_changes("labels", live.labels, {SOURCE: origin.name or ""}),
        *_map_changes("annotations", live.annotations, mark_annotations(origin, since)),
    )


def mark_annotations(origin: Origin, since: str) -> dict[str, str]:
    """The annotations of a mirror that is marked as orphaned."""
    return {ORPHANED_SINCE: since, **({SOURCE_UID: origin.uid} if origin.uid else {})}


def _mirror_changes(live: LocalService, wanted: Mirror) -> Iterator[Change]:
    yield from _change("spec.type", live.type, wanted.type)
    if live.ports != wanted.ports:  # saves time, because most mirrors have the wanted ports
        yield from _port_changes(live.ports, wanted.ports)
    yield from _change("spec.sessionAffinity", live.affinity.mode, wanted.affinity.mode)
    timeout = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
    yield from _change(timeout, live.affinity.timeout, wanted.affinity.timeout)


def _content_changes(live: LocalEndpoints | LocalSlice, wanted: AddressSet, where: str) -> Iterator[Change]:
    ports = "ports" if isinstance(live, LocalSlice) else f"{where}.ports"
    if live.addresses != wanted.addresses:
        yield Change(f"{where}.addresses", Addresses(live.addresses), Addresses(wanted.addresses))
    yield from _change(ports, live.ports or None, wanted.ports or None)
    if wanted.owner_uid not in live.owners:
        yield Change(OWNERS, live.owners or None, frozenset({wanted.owner_uid}) if wanted.owner_uid else None)


def _zone_changes(live: LocalSlice, wanted: WantedSlice) -> Iterator[Change]:
    """What changes in the zones of addresses that stay. A new address brings its zone with it."""
    addresses = wanted.content.addresses
    if live.zones == wanted.zones and (not live.zones or live.addresses == addresses):
        return  # saves time, because most slices have the wanted zones
    before = dict.fromkeys(live.addresses, "") | dict(zip(live.addresses, live.zones, strict=False))
    after = dict.fromkeys(addresses, "") | dict(zip(addresses, wanted.zones, strict=False))
    differing = [address for address in addresses if before.get(address, after[address]) != after[address]]
    if differing:
        old, new = (Zones((address, zones[address]) for address in differing) for zones in (before, after))
        yield Change("endpoints.zones", old, new)


def _or_form(live: LocalEndpoints | LocalSlice, path: str, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """The changes. If there are none but the form is irregular, the only change is from irregular to regular.

    Any update makes the form regular, so a change of the form is worth showing only if nothing else changes.
    """
    if live.regular or changes:
        return changes
    return (Change(path, Form.IRREGULAR, Form.REGULAR),)


def _change(path: str, before: Value, after: Value) -> Iterator[Change]:
    if before != after:
        yield Change(path, before, after)


def _map_changes(where: str, live: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[Change]:
    for name, value in sorted(wanted.items()):
        yield from _change(f"metadata.{where}[{name}]", live.get(name), value)


def _hiding_label_changes(live: LocalService | LocalEndpoints | LocalSlice) -> Iterator[Change]:
    if not isinstance(live, LocalService):
        for label in live.hiding_labels:
            yield Change(f"metadata.labels[{label}]", live.labels[label], None)


def _port_changes(live: Iterable[ServicePort], wanted: Iterable[ServicePort]) -> Iterator[Change]:
    """One change for a port that comes or goes; for a port that stays, one change for each field that differs."""
    before = {_port_id(port): port for port in live}
    after = {_port_id(port): port for port in wanted}
    for name in sorted(before.keys() | after.keys()):
        path = f"spec.ports[{name}]"
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield Change(path, old, new)
            continue
        for field, value in _fields(old).items():
            yield from _change(f"{path}.{field}", value, _fields(new)[field])


def _port_id(port: ServicePort) -> str:
    return port.name or f"{port.port}/{port.protocol}"


def _fields(port: ServicePort) -> dict[str, str | int | None]:
    return {
        "port": port.port,
        "protocol": port.protocol,
        "targetPort": port.target_port,
        "nodePort": port.node_port or None,
        "appProtocol": port.app_protocol or None,
    }
