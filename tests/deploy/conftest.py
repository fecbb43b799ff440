"""Fixtures: the installed manifests, and the command with the permissions that they grant."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from lab.clients import client
from lab.controlplane import ControlPlane, Object
from lab.controlplane.api import APPLY, path_to
from lab.controlplane.objects import node
from tests.deploy.manifests import DEPLOY, Variant, render
from tests.migration.shell import Shell
from tests.needed import needed
from tests.scenarios.command import ROOT, Sync

CONTEXTS = {"remote": "far", "local": "near"}


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


@pytest.fixture
def checkout(shell: Shell, remote: ControlPlane, local: ControlPlane) -> Shell:
    """Return a shell in a checkout, with one kubeconfig for both clusters that points at the local one."""
    shutil.copytree(DEPLOY, shell.folder / "deploy")
    for name in ("rbac.yaml", "rbac-remote.yaml", "cronjob.yaml", "kustomization.yaml"):
        shutil.copy(ROOT / name, shell.folder, follow_symlinks=False)
    files = [_named(plane, CONTEXTS[plane.name]) for plane in (local, remote)]
    kubeconfig = {key: value if isinstance(value, str) else value + files[1][key] for key, value in files[0].items()}
    shell.write("config", yaml.safe_dump(kubeconfig))
    return Shell(shell.folder, shell.folder / "config", shell.programs)


def _named(plane: ControlPlane, name: str) -> Object:
    """Return the administrator's kubeconfig, in which everything has this name."""
    found: Object = yaml.safe_load(plane.kubeconfig().read_text())
    for part in ("clusters", "users", "contexts"):
        found[part][0]["name"] = name
    found["contexts"][0]["context"] = {"cluster": name, "user": name}
    return {**found, "current-context": name}
