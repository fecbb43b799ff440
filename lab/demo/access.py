"""Kubeconfigs with exactly the permissions of rbac.yaml and rbac-remote.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from lab.controlplane import Api, ApiError, ControlPlane, Object, wait_until
from lab.controlplane.api import path_of

ROOT = Path(__file__).parents[2]
KUBECONFIG = "sync"  # the file is sync.kubeconfig
WEEK = 7 * 24 * 3600  # the default, an hour, is too short for a playground


def grant_local(plane: ControlPlane) -> Path:
    """Apply rbac.yaml and return the kubeconfig of its service account."""
    return _grant(plane, "rbac.yaml")


def grant_remote(plane: ControlPlane) -> Path:
    """Apply rbac-remote.yaml and return the kubeconfig of its service account."""
    return _grant(plane, "rbac-remote.yaml")


def _grant(plane: ControlPlane, file: str) -> Path:
    objects = list(_manifests(file))
    for obj in objects:
        plane.api.apply(obj)
    account = next(obj["metadata"] for obj in objects if obj["kind"] == "ServiceAccount")
    token = _token(plane.api, account["namespace"], account["name"])
    client = plane.client(token)
    wait_until(lambda: _may_list_services(client), f"the roles of {file} to count")
    return plane.kubeconfig(token, KUBECONFIG)


def _manifests(file: str) -> Iterator[Object]:
    with (ROOT / file).open() as documents:
        yield from yaml.safe_load_all(documents)


def _token(api: Api, namespace: str, name: str) -> str:
    spec = {"expirationSeconds": WEEK}
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    token: str = api.request("POST", f"{path_of('ServiceAccount', namespace, name)}/token", request)["status"]["token"]
    return token


def _may_list_services(client: Api) -> bool:
    try:
        client.list("Service", limit="1")
    except ApiError:
        return False
    return True
