"""A small REST client for tests: plain dicts in, plain dicts out."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx2

Object = dict[str, Any]
Objects = list[Object]  # inside Api, `list` is a method
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
NAMES_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
MANAGER = "tests"


class Kind(NamedTuple):
    """At which path the API server serves the objects of a kind."""

    api_version: str
    plural: str
    namespaced: bool = True


KINDS: Mapping[str, Kind] = {
    "Namespace": Kind("v1", "namespaces", namespaced=False),
    "Node": Kind("v1", "nodes", namespaced=False),
    "Pod": Kind("v1", "pods"),
    "Service": Kind("v1", "services"),
    "Endpoints": Kind("v1", "endpoints"),
    "EndpointSlice": Kind("discovery.k8s.io/v1", "endpointslices"),
    "ConfigMap": Kind("v1", "configmaps"),
    "Secret": Kind("v1", "secrets"),
    "ServiceAccount": Kind("v1", "serviceaccounts"),
    "Event": Kind("v1", "events"),
    "Deployment": Kind("apps/v1", "deployments"),
    "Job": Kind("batch/v1", "jobs"),
    "CronJob": Kind("batch/v1", "cronjobs"),
    "Role": Kind("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": Kind("rbac.authorization.k8s.io/v1", "rolebindings"),
    "ClusterRole": Kind("rbac.authorization.k8s.io/v1", "clusterroles", namespaced=False),
    "ClusterRoleBinding": Kind("rbac.authorization.k8s.io/v1", "clusterrolebindings", namespaced=False),
}


class ApiError(Exception):
    """An answer that is not a success."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        """Keep the parts, which tests look at."""
        super().__init__(f"{method} {path}: {status} {body}")
        self.method = method
        self.path = path
        self.status = status
        self.body = body


def path_of(kind: str, namespace: str = "", name: str = "") -> str:
    """Return the path of one object; without a name, of the list; without a namespace, of all namespaces."""
    api_version, plural, namespaced = KINDS[kind]
    parts = ["/apis" if "/" in api_version else "/api", api_version]
    if namespaced and namespace:
        parts += ["namespaces", namespace]
    return "/".join([*parts, plural, *([name] if name else [])])


def path_to(obj: Object) -> str:
    """Return the path of the object."""
    return path_of(obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


class Api:
    """A client of one cluster, for one user. `kind` is a key of KINDS; `manager` is the field manager of a write."""

    def __init__(self, url: str, token: str, trust: ssl.SSLContext) -> None:
        """Connect to `url` with a bearer token. `trust` has the certificate authority."""
        headers = {"Authorization": f"Bearer {token}", "User-Agent": MANAGER}
        self._http = httpx2.Client(base_url=url, headers=headers, verify=trust, timeout=120, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(
        self, method: str, path: str, body: object = None, *, media: str = "application/json", **params: str
    ) -> Object:
        """Send any request and return the answer; raise ApiError unless it is a success."""
        content = None if body is None else json.dumps(body).encode()
        answer = self._http.request(method, path, content=content, params=params, headers={"Content-Type": media})
        if not answer.is_success:
            raise ApiError(method, path, answer.status_code, answer.text)
        decoded: Object = answer.json()
        return decoded

    def is_ready(self) -> bool:
        """Say whether the API server answers and passes all its own checks."""
        try:
            return self._http.get("/readyz").status_code == HTTPStatus.OK
        except httpx2.TransportError:
            return False

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        """Return one object."""
        return self.request("GET", path_of(kind, namespace, name))

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """Return one object, or None if it does not exist."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def list(self, kind: str, namespace: str = "", **params: str) -> Objects:
        """Return the items of a list; of all namespaces if none is given. `params` are such as labelSelector."""
        api_version = KINDS[kind].api_version
        items: Objects = self.request("GET", path_of(kind, namespace), **params)["items"]
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    def names(self, kind: str, **params: str) -> Objects:
        """Return only the metadata of all objects of a kind."""
        answer = self._http.get(path_of(kind), params=params, headers={"Accept": NAMES_ONLY})
        if not answer.is_success:
            raise ApiError("GET", path_of(kind), answer.status_code, answer.text)
        return [item["metadata"] for item in answer.json()["items"] or ()]  # null if there are none

    def create(self, obj: Object, *, manager: str = MANAGER) -> Object:
        """Create the object with POST. In managedFields, that is operation Update."""
        path = path_of(obj["kind"], obj["metadata"].get("namespace", ""))
        return self.request("POST", path, obj, fieldManager=manager)

    def replace(self, obj: Object, *, manager: str = MANAGER) -> Object:
        """Replace the object with PUT. In managedFields, that is operation Update."""
        return self.request("PUT", path_to(obj), obj, fieldManager=manager)

    def replace_status(self, obj: Object, *, manager: str = MANAGER) -> Object:
        """Replace only the status of the object."""
        return self.request("PUT", f"{path_to(obj)}/status", obj, fieldManager=manager)

    def apply(self, obj: Object, *, manager: str = MANAGER, force: bool = False) -> Object:
        """Apply the object with server-side apply."""
        flags = {"fieldManager": manager, "force": str(force).lower()}
        return self.request("PATCH", path_to(obj), obj, media=APPLY, **flags)

    def patch(self, obj: Object, change: Object, *, manager: str = MANAGER) -> Object:
        """Change some fields of the object that `obj` names (JSON merge patch)."""
        return self.request("PATCH", path_to(obj), change, media=MERGE, fieldManager=manager)

    def delete(self, kind: str, name: str, namespace: str = "", **params: str) -> Object:
        """Delete one object."""
        return self.request("DELETE", path_of(kind, namespace, name), **params)

    def delete_all(self, kind: str, namespace: str = "", **params: str) -> None:
        """Delete all objects of a kind, in one namespace if it has one."""
        self.request("DELETE", path_of(kind, namespace), **params)
