"""How a live object differs from the wanted one, field by field. Pure. No difference means nothing to write.

Only what we write is compared: labels, annotations and fields of others are theirs.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import (
    ENDPOINTS_MANAGED_BY,
    FIELD_MANAGER,
    MANAGED_BY,
    MANUAL_MARKER,
    MARKER,
    MIRROR_MARKER,
    SERVICE_NAME,
    SLICE_MANAGED_BY,
    SOURCE,
    EndpointPort,
    ServicePort,
)
from barrelman_sync.model.wanted import Mirror, Wanted, WantedEndpoints, WantedNamespace, WantedSlice

Value = str | int | None | tuple[str, ...]


class Change(NamedTuple):
    """One field; None where it is not there. A tuple is a set of addresses."""

    path: str
    before: Value
    after: Value


def wanted_labels(wanted: Wanted, live: Mapping[str, str] | None = None) -> dict[str, str]:
    """The labels that we write. A `managed-by` that somebody else set stays theirs, so that Helm can adopt a mirror."""
    labels = {SOURCE: wanted.source}
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
            labels |= {SERVICE_NAME: wanted.service.name, SLICE_MANAGED_BY: FIELD_MANAGER}
    return labels


def mirror_changes(live: LocalService, wanted: Mirror) -> tuple[Change, ...]:
    """What an update of the mirror would change."""
    return (
        *_label_changes(live.labels, wanted_labels(wanted, live.labels)),
        *_scalar("spec.type", live.type, wanted.type),
        *_port_changes(live.ports, wanted.ports),
        *_scalar("spec.sessionAffinity", live.affinity.mode, wanted.affinity.mode),
        *_scalar("spec.sessionAffinityConfig.clientIP.timeoutSeconds", live.affinity.timeout, wanted.affinity.timeout),
    )


def endpoints_changes(live: LocalEndpoints, wanted: WantedEndpoints) -> tuple[Change, ...]:
    """What an update of the Endpoints would change."""
    changes = (
        *_label_changes(live.labels, wanted_labels(wanted, live.labels)),
        *_scalar("subsets.addresses", live.addresses, wanted.addresses),
        *_scalar("subsets.ports", _listed(live.ports), _listed(wanted.ports)),
        *_owner_changes(live.owners, wanted.owner_uid),
    )
    if not live.regular and not changes:
        return (Change("subsets", "more than one subset of plain, ready addresses", "one subset"),)
    return changes


def slice_changes(live: LocalSlice, wanted: WantedSlice) -> tuple[Change, ...]:
    """What an update of the slice would change; its family never does."""
    changes = (
        *_label_changes(live.labels, wanted_labels(wanted, live.labels)),
        *_scalar("endpoints.addresses", live.addresses, wanted.addresses),
        *_scalar("ports", _listed(live.ports), _listed(wanted.ports)),
        *_owner_changes(live.owners, wanted.owner_uid),
    )
    if not live.regular and not changes:
        return (Change("endpoints", "more than plain, ready addresses", "plain, ready addresses"),)
    return changes


def describe_port(port: ServicePort) -> str:
    """A port as one word, such as `80/TCP->30080`."""
    number = f"{port.port}/{port.protocol}->{port.target_port}"
    node_port = f" nodePort {port.node_port}" if port.node_port else ""
    return number + node_port + (f" {port.app_protocol}" if port.app_protocol else "")


def _scalar(path: str, before: Value, after: Value) -> Iterator[Change]:
    if before != after:
        yield Change(path, before, after)


def _label_changes(live: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[Change]:
    for label, value in sorted(wanted.items()):
        yield from _scalar(f"metadata.labels[{label}]", live.get(label), value)


def _owner_changes(live: frozenset[str], wanted: str | None) -> Iterator[Change]:
    if wanted not in live:
        before = ", ".join(sorted(live)) or None
        yield Change("metadata.ownerReferences", before, wanted or "the new Service")


def _port_changes(live: Iterable[ServicePort], wanted: Iterable[ServicePort]) -> Iterator[Change]:
    before = {_port_id(port): port for port in live}
    after = {_port_id(port): port for port in wanted}
    for name in sorted(before.keys() | after.keys()):
        path = f"spec.ports[{name}]"
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield Change(path, describe_port(old) if old else None, describe_port(new) if new else None)
            continue
        for field in ("port", "protocol", "targetPort", "nodePort", "appProtocol"):
            yield from _scalar(f"{path}.{field}", _field(old, field), _field(new, field))


def _port_id(port: ServicePort) -> str:
    return port.name or f"{port.port}/{port.protocol}"


def _field(port: ServicePort, field: str) -> str | int | None:
    values: dict[str, str | int] = {
        "port": port.port,
        "protocol": port.protocol,
        "targetPort": port.target_port,
        "nodePort": port.node_port,
        "appProtocol": port.app_protocol,
    }
    return values[field] or None


def _listed(ports: Iterable[EndpointPort]) -> str | None:
    return ", ".join(_describe(port) for port in ports) or None


def _describe(port: EndpointPort) -> str:
    name = f"{port.name}:" if port.name else ""
    return f"{name}{port.port}/{port.protocol}" + (f" {port.app_protocol}" if port.app_protocol else "")
