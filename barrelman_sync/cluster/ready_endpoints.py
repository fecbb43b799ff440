"""Which remote Services have ready endpoints, and where. Only a preflight asks for all kinds of Services."""

from collections.abc import Collection, Mapping

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.model.names import SERVICE_NAME, Key

MOST_SERVICES = 100
"""How many Services can be asked for at once: their names take at most 6 kB of the URL."""


def ready_endpoints(client: ClusterClient, services: Collection[Key]) -> Mapping[Key, frozenset[str]]:
    """Those of the Services, at most MOST_SERVICES, that have ready endpoints, each with the nodes of its endpoints.

    Endpoints that somebody wrote by hand are on no node. Raises ClusterError.
    """
    found: dict[Key, frozenset[str]] = {}
    names = sorted({service.name for service in services})
    selector = f"{SERVICE_NAME} in ({','.join(names)})"
    for service, nodes in client.list_all(resources.EndpointSlice, _ready_nodes, labels=selector).items:
        found[service] = found.get(service, frozenset()) | nodes
    return {service: found[service] for service in services if service in found}


def _ready_nodes(slice_: resources.EndpointSlice) -> tuple[Key, frozenset[str]] | None:
    """The Service of the slice, and the nodes of its ready endpoints. None if the slice has no ready endpoint."""
    service = Key(slice_.metadata.namespace, (slice_.metadata.labels or {}).get(SERVICE_NAME, ""))
    ready = [endpoint for endpoint in slice_.endpoints or () if endpoint.conditions.ready is not False]
    return (service, frozenset(endpoint.node_name for endpoint in ready if endpoint.node_name)) if ready else None
