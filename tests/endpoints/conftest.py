"""Fixtures: the command for the two clusters, and a third cluster with dual-stack ranges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.controlplane import ControlPlane, Options, control_planes
from lab.controlplane.objects import node
from tests.scenarios.command import Sync
from tests.scenarios.conftest import local_proxy as local_proxy  # noqa: PLC0414 - fixtures of the neighbors
from tests.scenarios.conftest import remote_proxy as remote_proxy  # noqa: PLC0414
from tests.scenarios.conftest import sync as sync  # noqa: PLC0414

NODES = {"n1": "10.0.0.1", "n2": "10.0.0.2", "n3": "10.0.0.3"}


@pytest.fixture
def nodes(remote: ControlPlane) -> list[str]:
    """Give the remote three nodes, and return their addresses."""
    remote.add(*(node(name, ip) for name, ip in NODES.items()))
    return list(NODES.values())


@pytest.fixture(scope="session")
def dual_cluster(clusters: tuple[ControlPlane, ...]) -> Iterator[ControlPlane]:
    """Return one more control plane for the whole run, whose Services may have both families."""
    with control_planes("dual", options=Options(dual_stack=True)) as (plane,):
        yield plane


@pytest.fixture
def dual(dual_cluster: ControlPlane) -> ControlPlane:
    """Return the dual-stack cluster that services are mirrored to, empty."""
    dual_cluster.reset()
    return dual_cluster


@pytest.fixture
def dual_sync(remote: ControlPlane, dual: ControlPlane, tmp_path: Path) -> Sync:
    """Return the command, from remote to the dual-stack cluster."""
    return Sync(remote, dual, tmp_path / "dual")
