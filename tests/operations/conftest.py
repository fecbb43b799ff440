"""Fixtures: kubectl, a second remote, and the CronJob of docs/operations.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.clients import client
from lab.controlplane import ControlPlane, control_planes
from lab.controlplane.objects import node
from tests.migration import cronjob
from tests.migration.shell import Shell
from tests.needed import needed
from tests.scenarios.command import Sync
from tests.scenarios.conftest import local_proxy as local_proxy  # noqa: PLC0414 - fixtures of the neighbors
from tests.scenarios.conftest import nodes as nodes  # noqa: PLC0414
from tests.scenarios.conftest import sync as sync  # noqa: PLC0414


@pytest.fixture(scope="session")
def kubectl(request: pytest.FixtureRequest) -> Path:
    """Return kubectl, built first where it is missing."""
    with needed("no kubectl", request.config):
        return client("kubectl")


@pytest.fixture
def shell(kubectl: Path, sync: Sync, local: ControlPlane, tmp_path: Path) -> Shell:
    """Return the shell of an administrator of the local cluster, where the CronJob is installed, in an empty folder."""
    cronjob.install(local)
    folder = tmp_path / "shell"
    folder.mkdir()
    return Shell(folder, local.kubeconfig(), [kubectl])


@pytest.fixture(scope="package")
def third(clusters: tuple[ControlPlane, ...]) -> Iterator[ControlPlane]:
    """Return one more control plane for all tests of this package."""
    with control_planes("third") as (plane,):
        yield plane


@pytest.fixture
def other(third: ControlPlane, sync: Sync, tmp_path: Path) -> Sync:
    """Return the command from a second remote, which has one node, to the local cluster."""
    third.reset()
    third.add(node("n9", "10.0.0.9"))
    return Sync(third, sync.local, tmp_path / "other")
