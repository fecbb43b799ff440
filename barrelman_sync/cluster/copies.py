"""Kubernetes' copies of our Endpoints: kube-proxy reads the copies, so a run looks whether there are any.

Kubernetes copies an Endpoints object into slices (pkg/controller/endpointslicemirroring).
"""

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import Future

from barrelman_sync.cluster import parsing, resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.deadline import in_background
from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import (
    ENDPOINTS_MANAGED_BY,
    FIELD_MANAGER,
    MARKER,
    SERVICE_NAME,
    SLICE_MANAGED_BY,
    SLICE_MIRRORING,
    Key,
)
from barrelman_sync.model.wanted import AddressSet
from barrelman_sync.planning.endpoints_mode import have_all
from barrelman_sync.planning.slice_names import Slices, by_service, slice_selectors

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 2.0
"""How long the wait for copies of one Service may take, whatever the server does."""
_WAITS = (0.02, 0.03, 0.05, 0.1, 0.2, 0.4, 0.8)
"""The waits between the looks for copies."""

_OF_OURS = f"{ENDPOINTS_MANAGED_BY}={FIELD_MANAGER}"


def copies_of_endpoints(client: ClusterClient, slices: Slices) -> Slices:
    """Kubernetes' copies of our Endpoints, but only for Services that still have our slices.

    A cluster has many copies, and a plan looks at them only before it deletes our slices.
    """
    switching = {service for service, found in slices.items() if any(slice_.managed_by_us for slice_ in found)}
    copies: list[LocalSlice] = []
    for selector in slice_selectors(switching):
        labels = f"{SLICE_MANAGED_BY}={SLICE_MIRRORING},{selector}"
        copies += client.list_all(resources.EndpointSlice, parsing.local_slice, labels=labels).items
    return by_service(copy for copy in copies if copy.service in switching)


def asking_for_copies(client: ClusterClient, services: Mapping[Key, LocalService]) -> Future[bool]:
    """Asks whether Kubernetes has copied any of our Endpoints, if there may be Endpoints of ours.

    In the background, so that the answer, which is usually yes, takes no time of its own.
    """
    served = any(MARKER in service.labels and not service.has_selector for service in services.values())
    return in_background(lambda: served and _some_are_copied(client))


def nothing_copied(
    client: ClusterClient, services: Mapping[Key, LocalService], endpoints: Iterable[LocalEndpoints]
) -> bool:
    """Whether Kubernetes has copied none of our Endpoints, of whichever source, although it should have."""
    ours = (found for found in endpoints if found.managed_by_us and found.is_copied and found.addresses)
    if not any(found.key in services and not services[found.key].has_selector for found in ours):
        return False
    return not _some_are_copied(client)  # once more: Kubernetes may have copied the Endpoints a moment ago


def wait_for_copies(client: ClusterClient, wanted: AddressSet, owner: str | None) -> None:
    """Waits until Kubernetes has copied Endpoints with this content and uid, or for two seconds.

    Kubernetes usually needs some milliseconds. Raises no ClusterError: nobody may rely on the wait, because the copies
    come late if the control plane is busy.
    """
    brief = client.for_seconds(_PATIENCE_SECONDS)
    try:
        for seconds in _WAITS:
            if _are_copied(brief, wanted, owner):
                return
            brief.pause(seconds)
        why = "" if _are_copied(brief, wanted, owner) else f"Kubernetes has not copied Endpoints {wanted.service} yet."
    except ClusterError as error:
        why = str(error)
    if why and not client.is_over:
        _log.warning("%s Calls to a port that changes its name may fail for a moment.", why)


def _are_copied(client: ClusterClient, wanted: AddressSet, owner: str | None) -> bool:
    service = wanted.service
    labels = f"{SLICE_MANAGED_BY}={SLICE_MIRRORING},{SERVICE_NAME}={service.name}"
    found = client.first_of(resources.EndpointSlice, labels, namespace=service.namespace)
    copies = [parsing.local_slice(slice_) for slice_ in found]
    return have_all(wanted, [copy for copy in copies if owner in (None, *copy.owners)])


def _some_are_copied(client: ClusterClient) -> bool:
    # A copy has all labels of its Endpoints, and no other slice has these two.
    return bool(client.first_of(resources.EndpointSlice, f"{SLICE_MANAGED_BY}={SLICE_MIRRORING},{_OF_OURS}", limit=1))
