"""Fixtures: the installed manifests, and the command with the permissions that they grant."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.clients import client
from lab.controlplane import ControlPlane, Object
from lab.controlplane.api import APPLY, path_to
from lab.controlplane.objects import node
from tests.deploy.manifests import Variant, render
from tests.migration.shell import Shell
from tests.needed import needed
from tests.scenarios.command import Sync


@pytest.fixture
def sync(remote: ControlPlane, local: ControlPlane, tmp_path: Path) -> Sync:
    """The command for two clusters in which rbac.yaml and rbac-remote.yaml are applied; the remote has one node."""
    remote.add(node("n1", "10.0.0.1"))
    return Sync(remote, local, tmp_path / "sync")


@pytest.fixture
def installed(local: ControlPlane) -> list[Object]:
    """What deploy/kubeconfig makes, applied to the local cluster; a field that it does not know is an error."""
    objects = render(Variant.KUBECONFIG)
    for obj in objects:
        flags = {"fieldManager": "kubectl", "force": "true", "fieldValidation": "Strict"}
        local.api.request("PATCH", path_to(obj), obj, media=APPLY, **flags)
    return objects


@pytest.fixture
def shell(request: pytest.FixtureRequest, local: ControlPlane, tmp_path: Path) -> Shell:
    """Return the shell of an administrator of the local cluster, with kubectl, in an empty folder."""
    with needed("no kubectl", request.config):
        kubectl = client("kubectl")
    folder = tmp_path / "shell"
    folder.mkdir()
    return Shell(folder, local.kubeconfig(), [kubectl])
