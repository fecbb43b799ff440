"""From what an API server sent to the values of `model`: the last place that knows the shape of Kubernetes' JSON."""

import ipaddress
from collections.abc import Callable, Iterable
from functools import lru_cache

from barrelman_sync.cluster import resources
from barrelman_sync.model import (
    MARKER,
    MIRROR_MARKER,
    EndpointPort,
    LocalEndpoints,
    LocalNamespace,
    LocalService,
    Node,
    RemotePort,
    RemoteService,
    ServicePort,
)


def local_namespace(namespace: resources.Namespace) -> LocalNamespace:
    """A namespace of the local cluster."""
    metadata = namespace.metadata
    return LocalNamespace(metadata.name, metadata.uid, metadata.deleting or namespace.status.phase == "Terminating")


def local_service(service: resources.Service) -> LocalService:
    """A Service of the local cluster."""
    metadata, spec = service.metadata, service.spec
    labels = metadata.our_labels
    return LocalService(
        key=metadata.key,
        revision=metadata.revision,
        type=spec.type,
        ports=tuple(sorted(_service_port(port) for port in spec.ports or ())),
        affinity=spec.affinity,
        labels=labels,
        has_selector=bool(spec.selector),
        headless=spec.cluster_ip == "None",
        ignored=metadata.ignored,
        deleting=metadata.deleting,
        families=tuple(spec.ip_families or ()),
        managed_fields=bytes(metadata.managed_fields) if labels.get(MARKER) == MIRROR_MARKER else b"null",
    )


def local_endpoints(endpoints: resources.Endpoints) -> LocalEndpoints:
    """An Endpoints object of the local cluster, with its addresses as canonical text, so that they compare."""
    metadata, subsets = endpoints.metadata, endpoints.subsets or []
    addresses = [address for subset in subsets for address in subset.addresses or ()]
    plain = not any(address.hostname or address.node_name or address.target_ref for address in addresses)
    parked = any(subset.not_ready_addresses for subset in subsets)
    return LocalEndpoints(
        key=metadata.key,
        revision=metadata.revision,
        addresses=tuple(sorted({_canonical(address.ip) for address in addresses})),
        ports=tuple(sorted({_endpoint_port(port) for subset in subsets for port in subset.ports or ()})),
        regular=len(subsets) == 1 and plain and not parked,
        labels=metadata.our_labels,
        owners=frozenset(owner.uid for owner in metadata.owner_references or ()),
    )


def remote_service(service: resources.Service) -> RemoteService:
    """A Service of the remote cluster."""
    metadata, spec = service.metadata, service.spec
    return RemoteService(
        key=metadata.key,
        type=spec.type,
        ports=tuple(_remote_port(port) for port in spec.ports or ()),
        affinity=spec.affinity,
        marker=(metadata.labels or {}).get(MARKER),
        has_selector=bool(spec.selector),
        ignored=metadata.ignored,
        deleting=metadata.deleting,
    )


def node_parser(label_keys: Iterable[str]) -> Callable[[resources.Node], Node]:
    """Parses nodes, keeping only these of their labels: a large cluster has a million of them."""
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


@lru_cache(maxsize=65_536)
def _canonical(text: str) -> str:
    """One string object an address, however often it occurs: the same nodes serve thousands of Services."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text
