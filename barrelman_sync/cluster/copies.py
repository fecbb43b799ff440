"""Kubernetes' copies of our Endpoints: kube-proxy reads the copies, so a run looks whether there are any.

Kubernetes copies an Endpoints object into slices (pkg/controller/endpointslicemirroring).
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future
from itertools import product

from barrelman_sync.cluster import parsing, resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.deadline import in_background
from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import (
    ENDPOINTS_MANAGED_BY,
    FIELD_MANAGER,
    MARKER,
    SLICE_MANAGED_BY,
    SLICE_MIRRORING,
    EndpointPort,
    Key,
)
from barrelman_sync.model.wanted import AddressSet
from barrelman_sync.planning.slice_names import Slices, by_service, slice_selectors

_log = logging.getLogger(__name__)

_WAIT_SECONDS = (0.02, 0.03, 0.05, 0.1, 0.2, 0.4, 0.8, 0.4)
"""The waits between the looks for copies."""

_OF_OURS = f"{ENDPOINTS_MANAGED_BY}={FIELD_MANAGER}"


def copies_of_endpoints(client: ClusterClient, slices: Slices) -> Slices:
    """Kubernetes' copies of our Endpoints, but only for Services that still have our slices.

    A cluster has many copies, and a plan looks at them only before it deletes our slices.
    """
    switching = {service for service, found in slices.items() if any(slice_.managed_by_us for slice_ in found)}
    return by_service(_copies_of(client, switching))


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


def wait_for_copies(client: ClusterClient, wanted: AddressSet) -> None:
    """Waits until Kubernetes has copied these addresses and ports, or for about two seconds. Raises no ClusterError.

    Kubernetes usually needs some milliseconds. It copies nothing if somebody turned its controller off, so nobody may
    rely on this wait.
    """
    for seconds in _WAIT_SECONDS:
        try:
            if client.is_over or _are_copied(client, wanted):
                return
        except ClusterError as error:
            _log.info("%s The Service is written all the same.", error)
            return
        client.pause(seconds)
    _log.info("Kubernetes has not copied Endpoints %s; the Service is written all the same", wanted.service)


def _are_copied(client: ClusterClient, wanted: AddressSet) -> bool:
    copied: set[tuple[EndpointPort, str]] = set()
    for copy in _copies_of(client, {wanted.service}):
        copied |= set(product(copy.ports, copy.addresses))
    return copied >= set(product(wanted.ports, wanted.addresses))


def _copies_of(client: ClusterClient, services: Collection[Key]) -> list[LocalSlice]:
    copies: list[LocalSlice] = []
    for selector in slice_selectors(services):
        labels = f"{SLICE_MANAGED_BY}={SLICE_MIRRORING},{selector}"
        copies += client.list_all(resources.EndpointSlice, parsing.local_slice, labels=labels).items
    return [copy for copy in copies if copy.service in services]


def _some_are_copied(client: ClusterClient) -> bool:
    # A copy has all labels of its Endpoints, and no other slice has these two.
    return client.any_of(resources.EndpointSlice, f"{SLICE_MANAGED_BY}={SLICE_MIRRORING},{_OF_OURS}")
