"""Fixtures: the command for the two clusters, and a third cluster with dual-stack ranges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane, Options, control_planes
from tests.controlplane.objects import node
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Proxy, proxy_before

NODES = {"n1": "10.0.0.1", "n2": "10.0.0.2", "n3": "10.0.0.3"}


@pytest.fixture
def sync(remote: ControlPlane, local: ControlPlane, tmp_path: Path) -> Sync:
    """Return the command, from remote to local; the remote has no node yet."""
    return Sync(remote, local, tmp_path / "sync")


@pytest.fixture
def nodes(remote: ControlPlane) -> list[str]:
    """Give the remote three nodes, and return their addresses."""
    remote.add(*(node(name, ip) for name, ip in NODES.items()))
    return list(NODES.values())


@pytest.fixture
def remote_proxy(sync: Sync, remote: ControlPlane, tmp_path: Path) -> Iterator[Proxy]:
    """Return a proxy before the remote API server."""
    with proxy_before(remote, sync.remote_token, tmp_path / "remote-proxy", "--remote-kubeconfig") as proxy:
        yield proxy


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
