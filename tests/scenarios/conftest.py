"""Fixtures: the command for the two clusters, and ways to disturb it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Proxy, proxy_before

NODES = {"n1": "10.0.0.1", "n2": "10.0.0.2"}


@pytest.fixture
def sync(remote: ControlPlane, local: ControlPlane, tmp_path: Path) -> Sync:
    """Return the command, from remote to local; the remote has no node yet."""
    return Sync(remote, local, tmp_path / "sync")


@pytest.fixture
def nodes(remote: ControlPlane) -> list[str]:
    """Give the remote two nodes, and return their addresses."""
    remote.add(*(node(name, ip) for name, ip in NODES.items()))
    return list(NODES.values())


@pytest.fixture
def back(sync: Sync, remote: ControlPlane, local: ControlPlane, tmp_path: Path) -> Sync:
    """Return the command for the other direction."""
    return Sync(local, remote, tmp_path / "back")


@pytest.fixture
def local_proxy(sync: Sync, local: ControlPlane, tmp_path: Path) -> Iterator[Proxy]:
    """Return a proxy before the local API server."""
    with proxy_before(local, sync.local_token, tmp_path / "local-proxy", "--local-kubeconfig") as proxy:
        yield proxy


@pytest.fixture
def remote_proxy(sync: Sync, remote: ControlPlane, tmp_path: Path) -> Iterator[Proxy]:
    """Return a proxy before the remote API server."""
    with proxy_before(remote, sync.remote_token, tmp_path / "remote-proxy", "--remote-kubeconfig") as proxy:
        yield proxy
