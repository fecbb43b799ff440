"""Reads both clusters. A list that fails or is cut short ends the run before its first write.

The remote's EndpointSlices are the only exception: without them, some Services keep their endpoints. Lists that do not
depend on each other are read at the same time, because a loaded or distant API server takes long for each.
"""

import logging
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from barrelman_sync.cluster import parsing, resources
from barrelman_sync.cluster.client import ClusterClient, Listed
from barrelman_sync.cluster.copies import asking_for_copies, copies_of_endpoints, nothing_copied
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.deadline import in_background
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.local import Local, LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import (
    API_SERVER,
    FIELD_MANAGER,
    MARKER,
    SLICE_CONTROLLER,
    SLICE_MANAGED_BY,
    Key,
    Kind,
)
from barrelman_sync.model.remote import Node, Remote, RemoteService, ServingNodes
from barrelman_sync.model.selector import keys
from barrelman_sync.model.settings import Settings
from barrelman_sync.planning.desired import local_traffic
from barrelman_sync.planning.nodes import label_keys
from barrelman_sync.planning.slice_names import at_its_service, by_service, slice_selectors

_log = logging.getLogger(__name__)

IDENTITY = "kube-system"
"""The namespace whose uid identifies a cluster: every cluster has this namespace as long as the cluster exists."""

_IDENTIFYING = f"identifying by the namespace {IDENTITY}"
_UID = re.compile(r"[-0-9A-Za-z]{1,63}")

_OURS_OR_LEFTOVER = f"{SLICE_MANAGED_BY} in ({FIELD_MANAGER},{SLICE_CONTROLLER})"

_SERVING_SHARE = 0.5
"""Which part of the remaining time the list of the remote's EndpointSlices may take."""


def read_local(client: ClusterClient, *, with_slices: bool) -> Local:
    """Reads all that a plan depends on in the local cluster. `with_slices`: the run writes EndpointSlices.

    Raises ClusterError.
    """
    listing_services = in_background(lambda: client.list_all(resources.Service, parsing.local_service))
    namespaces = client.list_all(resources.Namespace, parsing.local_namespace)
    by_name = {namespace.name: namespace for namespace in namespaces.items}
    if IDENTITY not in by_name:
        raise _without_identity(client)
    services = listing_services.result()
    # Services before endpoints: the Services decide which endpoints are of interest.
    by_key: Mapping[Key, LocalService] = {service.key: service for service in services.items}
    some_are_copied = asking_for_copies(client, {} if with_slices else by_key)
    endpoints, slices = _read_endpoints(client, by_key)
    by_key = {**by_key, **_read_again(client, by_key, endpoints.items, slices.items)}
    sliced = by_service(slices.items)
    found = {endpoint.key: endpoint for endpoint in endpoints.items}
    copies = {} if with_slices else copies_of_endpoints(client, sliced)
    return Local(
        cluster_id=by_name[IDENTITY].uid,
        namespaces=by_name,
        services=by_key,
        endpoints={key: endpoint for key, endpoint in found.items() if _is_of_interest(endpoint, by_key)},
        slices=sliced,
        copies=copies,
        api_server=frozenset(found[API_SERVER].addresses if API_SERVER in found else ()),
        nothing_copied=not (with_slices or copies or some_are_copied.result())
        and nothing_copied(client, by_key, endpoints.items),
        versions={
            Kind.NAMESPACE: namespaces.version,
            Kind.SERVICE: services.version,
            Kind.ENDPOINTS: endpoints.version,
            # The list of slices is filtered, so its version may be the version of a slice that it did not show. The
            # version of a namespace is never the version of a slice.
            Kind.SLICE: by_name[IDENTITY].resource_version,
        },
    )


def _read_endpoints(
    client: ClusterClient, services: Mapping[Key, LocalService]
) -> tuple[Listed[LocalEndpoints], Listed[LocalSlice]]:
    """The Endpoints and slices that a plan may depend on."""
    listing_endpoints = in_background(
        lambda: client.list_all(resources.Endpoints, lambda item: _endpoints_of_interest(item, services))
    )
    slices = client.list_all(
        resources.EndpointSlice, lambda item: _slice_of_interest(item, services), labels=_OURS_OR_LEFTOVER
    )
    return listing_endpoints.result(), slices


def read_identity(client: ClusterClient) -> str:
    """The uid that identifies the cluster. Raises ClusterError."""
    namespace = client.get(resources.Namespace, Key("", IDENTITY))
    if namespace is None:
        raise _without_identity(client)
    uid = namespace.metadata.uid
    if not _UID.fullmatch(uid):
        raise ClusterError(_IDENTIFYING, client.title, "its uid is none that Kubernetes gives.")
    return uid


def read_remote(client: ClusterClient, settings: Settings, local: Local) -> Remote:
    """Reads all that a plan depends on in the remote cluster. Raises ClusterError.

    Raises ConfigurationError, before anything is listed, if the remote cluster is the local cluster.
    """
    uid = read_identity(client)
    _refuse_same_cluster(local.cluster_id, uid)
    nodes, services = list_remote(client, settings)
    scope = replace(settings.scope, source_uid=uid)
    asked = local_traffic(services, scope, local, waits=bool(settings.safety.delete_grace))
    return Remote(uid, nodes, services, _serving(client, asked))


def list_remote(client: ClusterClient, settings: Settings) -> tuple[tuple[Node, ...], tuple[RemoteService, ...]]:
    """The nodes and the Services of the remote cluster. Raises ClusterError."""
    parse = parsing.service_parser(keys(settings.scope.service_selector))
    listing_services = in_background(lambda: client.list_all(resources.Service, parse))
    nodes = client.list_all(resources.Node, parsing.node_parser(label_keys(settings.nodes)))
    return nodes.items, listing_services.result().items


def read_serving(client: ClusterClient, services: Collection[Key]) -> Mapping[Key, ServingNodes]:
    """The nodes that have endpoints of these remote Services, by Service. Raises ClusterError."""
    found: dict[Key, ServingNodes] = {}
    for selector in slice_selectors(services):
        slices = client.list_all(resources.EndpointSlice, parsing.serving_nodes, labels=selector)
        for service, serving in slices.items:
            known = found.get(service, ServingNodes())
            found[service] = ServingNodes(known.ready | serving.ready, known.draining | serving.draining)
    return {service: found[service] for service in services if service in found}


def _serving(client: ClusterClient, services: Collection[Key]) -> Mapping[Key, ServingNodes] | None:
    """As `read_serving`, but None if the slices cannot be read: then only these Services are affected."""
    try:
        return read_serving(client.with_share(_SERVING_SHARE), services)
    except ClusterError as error:
        if client.is_over:
            raise
        _log.error("%s The endpoints of %d Services stay as they are.", error, len(services))
        return None


def _refuse_same_cluster(local: str, remote: str) -> None:
    if local == remote:
        message = (
            f"The local and the remote cluster are the same one (namespace {IDENTITY} has uid {local} on both sides):"
            " check the kubeconfigs and contexts."
        )
        raise ConfigurationError(message)


def _read_again(
    client: ClusterClient,
    services: Mapping[Key, LocalService],
    endpoints: Iterable[LocalEndpoints],
    slices: Iterable[LocalSlice],
) -> Mapping[Key, LocalService]:
    """Reads again those Services without selector that have endpoints of Kubernetes' controllers: few, if any.

    Such endpoints are leftovers, unless the Service got a selector after the list of Services and before the list of
    endpoints. Then the endpoints are those of the Service's own pods.
    """
    suspects = {slice_.service for slice_ in slices if slice_.manager == SLICE_CONTROLLER}
    suspects |= {found.key for found in endpoints if found.may_be_of_kubernetes}
    without_selector = (key for key in sorted(suspects) if key in services and not services[key].has_selector)
    found = (client.get(resources.Service, key) for key in without_selector)
    return {service.metadata.key: parsing.local_service(service) for service in found if service}


def _endpoints_of_interest(
    endpoints: resources.Endpoints, services: Mapping[Key, LocalService]
) -> LocalEndpoints | None:
    """The Endpoints, if they may be in a plan or are the API server's; otherwise None, so that they take no memory."""
    parsed = parsing.local_endpoints(endpoints)
    return parsed if parsed.key == API_SERVER or _is_of_interest(parsed, services) else None


def _is_of_interest(endpoints: LocalEndpoints, services: Mapping[Key, LocalService]) -> bool:
    """Whether the Endpoints are managed by us or may be in a plan."""
    service = services.get(endpoints.key)
    return service is None or MARKER in service.labels or endpoints.managed_by_us


def _slice_of_interest(slice_: resources.EndpointSlice, services: Mapping[Key, LocalService]) -> LocalSlice | None:
    """The slice, if it is managed by us, or a leftover of Kubernetes' controller where we may serve.

    That is a Service with our label, or one that is gone: the run may create it.
    """
    parsed = at_its_service(parsing.local_slice(slice_), lambda key: key in services and MARKER in services[key].labels)
    service = services.get(parsed.service)
    leftover = service is None or (MARKER in service.labels and not service.has_selector)
    return parsed if parsed.managed_by_us or leftover else None


def _without_identity(client: ClusterClient) -> ClusterError:
    return ClusterError(_IDENTIFYING, client.title, "there is no such namespace.")
