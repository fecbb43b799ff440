"""What a run reads of the two clusters. A list that fails, or is cut short, ends the run before its first write."""

from collections.abc import Mapping

from barrelman_sync.cluster import parsing, resources
from barrelman_sync.cluster.client import ClusterClient, Listed
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.model import MARKER, Key, Kind, Local, LocalEndpoints, LocalService, Remote
from barrelman_sync.nodes import NodeRules

IDENTITY = "kube-system"
"""The namespace whose uid stands for a cluster: every cluster has one, and it lives as long."""


def read_local(client: ClusterClient) -> Local:
    """All of the local cluster that a plan depends on."""
    namespaces = client.list_all(resources.Namespace, parsing.local_namespace)
    services = client.list_all(resources.Service, parsing.local_service)
    by_key: Mapping[Key, LocalService] = {service.key: service for service in services.items}
    endpoints = client.list_all(resources.Endpoints, lambda item: _endpoints_of_interest(item, by_key))
    by_name = {namespace.name: namespace for namespace in namespaces.items}
    if IDENTITY not in by_name:
        raise _without_identity(client)
    return Local(
        cluster_id=by_name[IDENTITY].uid,
        namespaces=by_name,
        services=by_key,
        endpoints={endpoint.key: endpoint for endpoint in endpoints.items},
        versions={
            Kind.NAMESPACE: namespaces.version,
            Kind.SERVICE: services.version,
            Kind.ENDPOINTS: endpoints.version,
        },
    )


def read_remote(client: ClusterClient, rules: NodeRules) -> Remote:
    """All of the remote cluster that a plan depends on."""
    identity = client.get(resources.Namespace, Key("", IDENTITY))
    if identity is None:
        raise _without_identity(client)
    nodes: Listed = client.list_all(resources.Node, parsing.node_parser(rules.label_keys))
    services: Listed = client.list_all(resources.Service, parsing.remote_service)
    return Remote(identity.metadata.uid, nodes.items, services.items)


def _endpoints_of_interest(
    endpoints: resources.Endpoints, services: Mapping[Key, LocalService]
) -> LocalEndpoints | None:
    """Endpoints that are ours, or may become so; those of the cluster's own Services are dropped as they come."""
    parsed = parsing.local_endpoints(endpoints)
    service = services.get(parsed.key)
    return parsed if service is None or MARKER in service.labels or parsed.is_ours else None


def _without_identity(client: ClusterClient) -> ClusterError:
    return ClusterError(f"identifying by the namespace {IDENTITY}", client.title, "there is no such namespace.")
