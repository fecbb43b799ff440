"""From the answers of an API server to the values of `model`. No later module knows the form of Kubernetes' JSON."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from sys import intern
from types import MappingProxyType

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.managed_fields import holders_of
from barrelman_sync.model.local import LocalEndpoints, LocalNamespace, LocalService, LocalSlice
from barrelman_sync.model.names import (
    LEADER,
    MARKER,
    MIRROR_MARKER,
    SERVICE_NAME,
    EndpointPort,
    Key,
    ServicePort,
)
from barrelman_sync.model.remote import Node, RemotePort, RemoteService, ServingNodes

_NONE: Mapping[str, str] = MappingProxyType({})
"""No labels. One for all, because a large cluster has many Services."""


def local_namespace(namespace: resources.Namespace) -> LocalNamespace:
    """A namespace of the local cluster."""
    metadata = namespace.metadata
    terminating = metadata.deleting or namespace.status.phase == "Terminating"
    return LocalNamespace(metadata.name, metadata.uid, terminating, metadata.resource_version)


def local_service(service: resources.Service) -> LocalService:
    """A Service of the local cluster."""
    metadata, spec = service.metadata, service.spec
    labels = metadata.our_labels
    ports = tuple(sorted(_service_port(port) for port in spec.ports or ()))
    managed_fields = bytes(metadata.managed_fields) if labels.get(MARKER) == MIRROR_MARKER else b"null"
    return LocalService(
        key=metadata.key,
        revision=metadata.revision,
        type=spec.type,
        ports=ports,
        affinity=spec.affinity,
        labels=labels,
        annotations=metadata.our_annotations,
        has_selector=bool(spec.selector),
        headless=spec.cluster_ip == "None",
        ignored=metadata.ignored,
        deleting=metadata.deleting,
        families=tuple(spec.ip_families or ()),
        holders=holders_of(managed_fields, ports, spec.affinity),
        managed_fields=managed_fields,
    )


def local_endpoints(endpoints: resources.Endpoints) -> LocalEndpoints:
    """An Endpoints object of the local cluster. Addresses are in canonical form, so that they can be compared."""
    metadata, subsets = endpoints.metadata, endpoints.subsets or []
    addresses = [address for subset in subsets for address in subset.addresses or ()]
    extras = [address for address in addresses if address.hostname or address.node_name or address.target_ref]
    parked = any(subset.not_ready_addresses for subset in subsets)
    return LocalEndpoints(
        key=metadata.key,
        revision=metadata.revision,
        addresses=_addresses(tuple([address.ip for address in addresses])),
        ports=tuple(sorted({_endpoint_port(port) for subset in subsets for port in subset.ports or ()})),
        regular=_alike(subsets) and not extras and not parked,
        labels=metadata.endpoint_labels,
        annotations=metadata.our_annotations,
        owners=frozenset(owner.uid for owner in metadata.owner_references or ()),
        deleting=metadata.deleting,
        elects_leader=LEADER in (metadata.annotations or {}),
    )


def _alike(subsets: Sequence[resources.Subset]) -> bool:
    """Whether all subsets have the same addresses, so that each address has each port."""
    return len(subsets) == 1 or len({frozenset(entry.ip for entry in part.addresses or ()) for part in subsets}) == 1


def local_slice(slice_: resources.EndpointSlice) -> LocalSlice:
    """An EndpointSlice of the local cluster."""
    metadata, endpoints = slice_.metadata, slice_.endpoints or []
    labels = metadata.endpoint_labels
    addresses = _addresses(tuple([address for entry in endpoints for address in entry.addresses or ()]))
    return LocalSlice(
        key=metadata.key,
        service=Key(metadata.namespace, labels.get(SERVICE_NAME, "")),
        revision=metadata.revision,
        family=slice_.address_type,
        zones=_zones(endpoints, addresses),
        addresses=addresses,
        ports=tuple(sorted(_slice_port(port) for port in slice_.ports or ())),
        regular=all(_is_plain(endpoint) for endpoint in endpoints),
        labels=labels,
        annotations=metadata.our_annotations,
        owners=frozenset(owner.uid for owner in metadata.owner_references or ()),
        deleting=metadata.deleting,
    )


def serving_nodes(slice_: resources.EndpointSlice) -> tuple[Key, ServingNodes]:
    """The Service of a remote slice, and the nodes that have endpoints of the Service in this slice."""
    service = Key(slice_.metadata.namespace, (slice_.metadata.labels or {}).get(SERVICE_NAME, ""))
    ready, draining = set(), set()
    for endpoint in slice_.endpoints or ():
        conditions = endpoint.conditions
        if endpoint.node_name and conditions.ready is not False:
            ready.add(endpoint.node_name)
        elif endpoint.node_name and conditions.serving is not False and conditions.terminating:
            draining.add(endpoint.node_name)
    return service, ServingNodes(frozenset(ready), frozenset(draining))


def ready_nodes(slice_: resources.EndpointSlice) -> tuple[Key, frozenset[str]] | None:
    """The Service of a slice, and the nodes of its ready endpoints. None if the slice has no ready endpoint."""
    service = Key(slice_.metadata.namespace, (slice_.metadata.labels or {}).get(SERVICE_NAME, ""))
    ready = [endpoint for endpoint in slice_.endpoints or () if endpoint.conditions.ready is not False]
    return (service, frozenset(endpoint.node_name for endpoint in ready if endpoint.node_name)) if ready else None


def service_parser(label_keys: Iterable[str] = ()) -> Callable[[resources.Service], RemoteService]:
    """A parser of the remote's Services that keeps only the labels with these keys."""
    keys = tuple(label_keys)

    def parse(service: resources.Service) -> RemoteService:
        metadata, spec = service.metadata, service.spec
        labels = metadata.labels or _NONE
        return RemoteService(
            key=metadata.key,
            type=spec.type,
            ports=tuple(_remote_port(port) for port in spec.ports or ()),
            affinity=spec.affinity,
            marker=labels.get(MARKER),
            labels={key: labels[key] for key in keys if key in labels} if keys else _NONE,
            local_traffic=spec.external_traffic_policy == "Local",
            has_selector=bool(spec.selector),
            ignored=metadata.ignored,
            deleting=metadata.deleting,
        )

    return parse


def node_parser(label_keys: Iterable[str]) -> Callable[[resources.Node], Node]:
    """A parser of nodes that keeps only the labels with these keys: a large cluster has a million labels."""
    keys = tuple(label_keys)

    def parse(node: resources.Node) -> Node:
        metadata, status = node.metadata, node.status
        conditions = {condition.type: condition.status for condition in status.conditions or ()}
        labels = metadata.labels or {}
        return Node(
            name=metadata.name,
            addresses=tuple(entry.address for entry in status.addresses or () if entry.type == "InternalIP"),
            ready=conditions.get("Ready"),
            network_unavailable=conditions.get("NetworkUnavailable") == "True",
            deleting=metadata.deleting,
            taints=frozenset(taint.key for taint in node.spec.taints or ()),
            labels={key: labels[key] for key in keys if key in labels},
        )

    return parse


def _service_port(port: resources.Port) -> ServicePort:
    return ServicePort(port.name, port.protocol, port.port, port.target_port, port.node_port, port.app_protocol or "")


def _remote_port(port: resources.Port) -> RemotePort:
    return RemotePort(port.name, port.protocol, port.port, port.node_port, port.app_protocol)


def _endpoint_port(port: resources.Port) -> EndpointPort:
    return EndpointPort(port.name, port.protocol, port.port, port.app_protocol or "")


def _slice_port(port: resources.SlicePort) -> EndpointPort:
    return EndpointPort(port.name or "", port.protocol or "TCP", port.port or 0, port.app_protocol or "")


def _is_plain(endpoint: resources.Endpoint) -> bool:
    """Whether the endpoint has the form that we write: one ready address, perhaps a zone, and nothing else."""
    conditions = endpoint.conditions
    ready = conditions.ready is True and conditions.serving is not False and not conditions.terminating
    other_zone = (endpoint.zone or endpoint.hints) and not _zone(endpoint)
    extra = endpoint.node_name or endpoint.hostname or endpoint.target_ref or other_zone
    return ready and not extra and len(endpoint.addresses or ()) == 1


def _zone(endpoint: resources.Endpoint) -> str:
    """The zone of the endpoint, if it has a hint for this zone and no other; otherwise empty."""
    zone, hints = endpoint.zone, endpoint.hints
    zones = hints.for_zones if hints and not hints.for_nodes else None
    return zone if zone and zones and len(zones) == 1 and zones[0].name == zone else ""


def _zones(endpoints: Iterable[resources.Endpoint], addresses: tuple[str, ...]) -> tuple[str, ...]:
    """The zone of each address, in their order; empty if no address has a zone."""
    zoned = [(entry, _zone(entry)) for entry in endpoints if entry.hints]
    found = {_canonical(address): intern(zone) for entry, zone in zoned for address in entry.addresses or ()}
    return tuple([found.get(address, "") for address in addresses]) if any(found.values()) else ()


@lru_cache(maxsize=64)
def _addresses(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses in canonical form, unique and sorted. Cached, because many Services have the same addresses."""
    return tuple(sorted(set(map(_canonical, texts))))


@lru_cache(maxsize=65_536)
def _canonical(text: str) -> str:
    """The address in canonical form. Cached, so that an address that thousands of Services have is stored once."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text
