"""Where objects are from: what tests look at, and what they make of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from lab.controlplane import ControlPlane, Object
from tests.endpoints.views import addresses, slices
from tests.scenarios.command import Sync
from tests.scenarios.views import SOURCE_UID, annotations_of, edit, ips

Mode = Sequence[str]
in_both_modes = pytest.mark.parametrize(
    "mode", [pytest.param((), id="Endpoints"), pytest.param(("--endpoint-slices",), id="slices")]
)


def uid_of(plane: ControlPlane) -> str:
    uid: str = plane.api.get("Namespace", "kube-system")["metadata"]["uid"]
    return uid


def written(cluster: ControlPlane, namespace: str, name: str) -> list[Object]:
    """Return the Service and what endpoints it has of ours."""
    found = [cluster.api.find(kind, name, namespace) for kind in ("Service", "Endpoints")]
    return [*(obj for obj in found if obj), *slices(cluster, namespace, name)]


def uids(cluster: ControlPlane, namespace: str, name: str) -> set[str | None]:
    return {annotations_of(obj).get(SOURCE_UID) for obj in written(cluster, namespace, name)}


def served(cluster: ControlPlane, namespace: str, name: str) -> list[str]:
    """Return the addresses, of whichever kind of endpoints."""
    return ips(cluster, namespace, name) or addresses(slices(cluster, namespace, name))


def without_uid(cluster: ControlPlane, namespace: str, name: str) -> None:
    """Make the objects what versions before the annotation made."""
    for obj in written(cluster, namespace, name):
        change = {"metadata": {"annotations": {SOURCE_UID: None}}}
        edit(cluster, namespace, obj["metadata"]["name"], change, kind=obj["kind"])


def context_named(sync: Sync, name: str, folder: Path) -> list[str]:
    """Return the options by which the remote is reached through a context of this name."""
    config = yaml.safe_load(sync.remote_kubeconfig.read_text())
    config["contexts"][0]["name"] = config["current-context"] = name
    path = folder / "renamed.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    return ["--remote-kubeconfig", str(path)]
