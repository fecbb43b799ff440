"""Which remote Services have ready endpoints, and where. Only a preflight asks for all kinds of Services."""

from collections.abc import Collection, Mapping

from barrelman_sync.cluster import parsing, resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.model.names import Key
from barrelman_sync.planning.slice_names import slice_selectors


def ready_endpoints(client: ClusterClient, services: Collection[Key]) -> Mapping[Key, frozenset[str]]:
    """Those of the Services that have ready endpoints, each with the nodes of its endpoints. Raises ClusterError.

    Endpoints that somebody wrote by hand are on no node.
    """
    found: dict[Key, frozenset[str]] = {}
    for selector in slice_selectors(services):
        for service, nodes in client.list_all(resources.EndpointSlice, parsing.ready_nodes, labels=selector).items:
            found[service] = found.get(service, frozenset()) | nodes
    return {service: found[service] for service in services if service in found}
