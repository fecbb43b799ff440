"""Empty a cluster without a restart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from lab.controlplane.api import KINDS, Api, ApiError, Object, path_of
from lab.controlplane.waiting import wait_until

SYSTEM_NAMESPACES = {"default", "kube-system", "kube-public", "kube-node-lease"}
NOT_OF_API_SERVER = "metadata.name!=kubernetes"  # the API server's own Service, in the namespace default
# Services first: without them the controllers write no more endpoints.
EVERYWHERE = ("Service", "Endpoints", "EndpointSlice", "Deployment", "CronJob", "Job", "Pod", "Node")
# Objects of these kinds that Kubernetes made are in its own namespaces.
OUTSIDE_SYSTEM = ("ConfigMap", "Secret", "ServiceAccount")
# Objects of these kinds that Kubernetes made have a label, see GRANTED_BY_TESTS.
RBAC = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
EVERYTHING = (*EVERYWHERE, *OUTSIDE_SYSTEM, *RBAC)
WRITTEN_BY_CONTROLLERS = ("Endpoints", "EndpointSlice")
GRANTED_BY_TESTS = "kubernetes.io/bootstrapping!=rbac-defaults"


def empty(api: Api, settle: Callable[[], None], kept: Sequence[str] = ()) -> None:
    """Delete everything that tests made, by API requests. After `settle`, no controller writes any of it again.

    Objects of the kinds in `kept` stay.
    """
    namespaces = _terminate_namespaces(api)
    kinds = [kind for kind in EVERYTHING if kind not in kept]
    wait_until(lambda: not _sweep(api, kinds), "the objects of the last test to go")
    for name in namespaces:
        finish_namespace(api, name)
    settle()
    wait_until(lambda: not _sweep(api, WRITTEN_BY_CONTROLLERS), "the controllers' last objects to go")


def finish_namespace(api: Api, name: str) -> None:
    """Remove a terminating namespace, as the namespace controller does when the namespace is empty."""
    namespace = api.find("Namespace", name)
    if namespace is None:
        return
    if namespace["metadata"].get("finalizers"):
        namespace = api.patch(namespace, {"metadata": {"finalizers": None}})
    namespace["spec"]["finalizers"] = []
    api.request("PUT", f"{path_of('Namespace', name=name)}/finalize", namespace)


def _terminate_namespaces(api: Api) -> list[str]:
    # Before their content is deleted, because then nobody, not even a late controller, can create anything in them.
    found = [ns for ns in api.names("Namespace") if ns["name"] not in SYSTEM_NAMESPACES]
    for metadata in found:
        if "deletionTimestamp" not in metadata:
            api.delete("Namespace", metadata["name"])
    return [metadata["name"] for metadata in found]


def _sweep(api: Api, kinds: Sequence[str]) -> bool:
    """Delete all objects of these kinds. Say whether there were any."""
    found = [_delete_kind(api, kind) for kind in kinds]
    return any(found)


def _delete_kind(api: Api, kind: str) -> bool:
    selector = {"labelSelector": GRANTED_BY_TESTS} if kind in RBAC else {}
    found = [metadata for metadata in api.names(kind, **selector) if not _is_system(kind, metadata)]
    for namespace in sorted({metadata.get("namespace", "") for metadata in found}):
        only = {"fieldSelector": NOT_OF_API_SERVER} if namespace == "default" else {}
        api.delete_all(kind, namespace, gracePeriodSeconds="0", propagationPolicy="Background", **selector, **only)
    for metadata in found:
        if metadata.get("finalizers"):
            _drop_finalizers(api, kind, metadata)
    return bool(found)


def _is_system(kind: str, metadata: Object) -> bool:
    namespace: str = metadata.get("namespace", "")
    if kind in OUTSIDE_SYSTEM:
        return namespace.startswith("kube-")
    name: str = metadata["name"]
    return (namespace, name) == ("default", "kubernetes")


def _drop_finalizers(api: Api, kind: str, metadata: Object) -> None:
    named = {"apiVersion": KINDS[kind].api_version, "kind": kind, "metadata": metadata}
    try:
        api.patch(named, {"metadata": {"finalizers": None}})
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
