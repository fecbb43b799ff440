"""Fixtures: two clusters with nodes, pods and DNS, for the tests in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.controlplane import ControlPlane, Options, binaries, control_planes
from lab.dataplane import Cluster, Tally, data_planes, machine
from lab.dataplane.build import binary as dataplane
from tests.conftest import COUNTED
from tests.migration.conftest import mode as mode  # noqa: PLC0414 - fixtures of the neighbors
from tests.migration.conftest import programs as programs  # noqa: PLC0414
from tests.migration.conftest import shell as shell  # noqa: PLC0414
from tests.needed import needed
from tests.scenarios.command import Sync
from tests.traffic.lab import Lab

REMOTE, LOCAL = ("x1", "x2", "x3"), ("y1", "y2")


@pytest.fixture(scope="package")
def data_plane(request: pytest.FixtureRequest) -> Iterator[tuple[Cluster, ...]]:
    """Return the two clusters, (remote, local), for all tests of this folder."""
    with needed("no traffic", request.config):
        machine.check()
        binaries(), dataplane()
    with (
        control_planes("remote", "local", options=Options(dual_stack=True)) as (remote, local),
        data_planes({remote: REMOTE, local: LOCAL}) as clusters,
    ):
        yield clusters


@pytest.fixture
def lab(data_plane: tuple[Cluster, ...], request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    """Return the two clusters, with nothing in them but their nodes and DNS."""
    remote, local = data_plane
    for cluster in data_plane:
        cluster.reset()
    for cluster in data_plane:
        cluster.settle()

    def tell(what: str, tally: Tally) -> None:
        told = f"{request.node.name}: {what}: {tally}"
        request.node.user_properties.append((COUNTED, told))  # the figures of docs/how-traffic-flows.md
        print(told)

    return Lab(remote, local, Sync(remote.plane, local.plane, tmp_path / "sync"), tell)


@pytest.fixture
def local(lab: Lab) -> ControlPlane:
    """Return the local control plane, for the fixtures of the neighbors."""
    return lab.local.plane
