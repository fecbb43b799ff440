"""Wait until the controllers have handled everything that was written so far."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

from lab.controlplane.api import Api, ApiError, Object
from lab.controlplane.objects import endpoints, service
from lab.controlplane.options import ENDPOINTS, GARBAGE, MIRRORING, SLICES
from lab.controlplane.waiting import wait_until

NAMESPACE = "default"
SELECTING, SELECTORLESS = "settle-selecting", "settle-selectorless"
SERVICE_NAME, MANAGED_BY = "kubernetes.io/service-name", "endpointslice.kubernetes.io/managed-by"
ABANDONED = "settle-abandoned"


def settle(api: Api, controllers: Collection[str], check: Callable[[], None]) -> None:
    """Return when these controllers have handled every Service, Endpoints and EndpointSlice that was written before.

    `check` is called while waiting, and raises an error if waiting is in vain.

    Each controller handles events in their order. So once a controller has handled the two Services that this function
    creates, the controller has handled everything before them.
    """
    probes = list(_probes(api, controllers))
    if not probes:
        return
    for obj in _markers():
        api.create(obj)

    def served() -> bool:
        check()
        return all(probe() for probe in probes)

    wait_until(served, f"{', '.join(controllers)} to serve a new Service")
    for name in (SELECTING, SELECTORLESS):
        api.delete("Service", name, NAMESPACE)
    wait_until(lambda: not _remove_rest(api), "the controllers to forget a deleted Service")


def wait_for_garbage_collector(api: Api) -> None:
    """Return when the garbage collector works: when it has deleted an object whose owner never existed."""
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "00000000-0000-0000-0000-000000000000"}
    metadata = {"name": ABANDONED, "namespace": NAMESPACE, "ownerReferences": [owner]}
    api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    wait_until(lambda: api.find("ConfigMap", ABANDONED, NAMESPACE) is None, GARBAGE)


def _markers() -> list[Object]:
    # Headless, so that they take no address from the range for Services.
    return [
        service(NAMESPACE, SELECTING, type="ClusterIP", clusterIP="None", selector={"app": SELECTING}),
        service(NAMESPACE, SELECTORLESS, type="ClusterIP", clusterIP="None", selector=None),
        endpoints(NAMESPACE, SELECTORLESS, "192.0.2.1"),
    ]


def _probes(api: Api, controllers: Collection[str]) -> Iterator[Callable[[], object]]:
    if ENDPOINTS in controllers:
        yield lambda: api.find("Endpoints", SELECTING, NAMESPACE)
    if SLICES in controllers:
        yield lambda: _slices(api, SELECTING, "endpointslice-controller.k8s.io")
    if MIRRORING in controllers:
        yield lambda: _slices(api, SELECTORLESS, "endpointslicemirroring-controller.k8s.io")


def _slices(api: Api, service_name: str, manager: str) -> list[Object]:
    labels = f"{SERVICE_NAME}={service_name},{MANAGED_BY}={manager}"
    return api.list("EndpointSlice", NAMESPACE, labelSelector=labels)


def _remove_rest(api: Api) -> bool:
    """Delete the endpoints that are left of the two Services. Say whether there were any."""
    rest = api.list("EndpointSlice", NAMESPACE, labelSelector=f"{SERVICE_NAME} in ({SELECTING},{SELECTORLESS})")
    rest += [obj for name in (SELECTING, SELECTORLESS) if (obj := api.find("Endpoints", name, NAMESPACE))]
    for obj in rest:
        with suppress(ApiError):  # the controllers delete them too
            api.delete(obj["kind"], obj["metadata"]["name"], NAMESPACE)
    return bool(rest)
