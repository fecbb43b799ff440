"""Fixtures: kubectl and Helm, an administrator's shell, and a mirror whose pods are there already."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.clients import client
from lab.controlplane import ControlPlane
from lab.controlplane.objects import node, pod
from tests.endpoints.views import SLICES
from tests.migration.shell import Shell
from tests.needed import needed
from tests.scenarios.command import Sync
from tests.scenarios.conftest import nodes as nodes  # noqa: PLC0414 - fixtures of the neighbors
from tests.scenarios.conftest import sync as sync  # noqa: PLC0414
from tests.scenarios.views import node_port

POD, POD_IP = "bar-1", "10.1.0.1"
LABELS = {"app": "bar", "app.kubernetes.io/name": "bar", "app.kubernetes.io/instance": "bar"}


@pytest.fixture(params=[(), (SLICES,)], ids=["Endpoints", "slices"])
def mode(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the options of an endpoint mode."""
    options: tuple[str, ...] = request.param
    return options


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> list[Path]:
    """Return kubectl and Helm 4, built first where they are missing."""
    with needed("no kubectl or no Helm", request.config):
        return [client("kubectl"), client("helm")]


@pytest.fixture
def shell(programs: list[Path], local: ControlPlane, tmp_path: Path) -> Shell:
    """Return the shell of an administrator of the local cluster, in an empty folder."""
    folder = tmp_path / "shell"
    folder.mkdir()
    return Shell(folder, local.kubeconfig(), programs)


@pytest.fixture
def mirror(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str], mode: tuple[str, ...]
) -> tuple[str, ...]:
    """Mirror foo/bar, start a pod for it in the local cluster, and return the options of the runs."""
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(*mode)
    local.settle()
    ready = pod("foo", POD, POD_IP, node_name="a", labels=LABELS)
    ready["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 8080}]
    local.add(node("a"), ready)
    return mode
