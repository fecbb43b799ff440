"""Two clusters that mirror each other: both are served, and nothing goes round in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.controlplane.objects import port
from lab.dataplane import Cluster, Tally
from tests.scenarios.command import Sync
from tests.traffic.lab import NAMESPACE, Lab, serve

# The mirrors are NodePort Services, too: only their label says that they are not to be mirrored back.
NODE_PORTS = "--nodeportsvc"
THERE, HERE = "there", "here"  # the Service of the remote cluster, and that of the local one


@pytest.fixture
def back(lab: Lab, tmp_path: Path) -> Lab:
    """Return the lab the other way round: from local to remote."""
    return Lab(lab.local, lab.remote, Sync(lab.local.plane, lab.remote.plane, tmp_path / "back"), lab.tell)


@pytest.fixture
def mirrored(lab: Lab, back: Lab) -> None:
    """Give each cluster a real Service, and mirror each to the other cluster."""
    serve(lab.remote, port(80, "http", targetPort=8080, nodePort=30080), name=THERE)
    serve(lab.local, port(80, "http", targetPort=8080, nodePort=30081), name=HERE)
    lab.mirror(NODE_PORTS)
    back.mirror(NODE_PORTS)


@pytest.mark.usefixtures("mirrored")
def test_both_directions_are_answered(lab: Lab, back: Lab) -> None:
    calls = lab.call(url(THERE), count=60)
    lab.tell("from local to remote", calls)
    assert (calls.failed, set(calls.by)) == (0, {"x1-1", "x2-1", "x3-1"})

    calls = back.call(url(HERE), count=60)
    lab.tell("from remote to local", calls)
    assert (calls.failed, set(calls.by)) == (0, {"y1-1", "y2-1"})


@pytest.mark.usefixtures("mirrored")
def test_a_mirror_is_not_mirrored_back(lab: Lab, back: Lab) -> None:
    for direction, mirror in ((lab, HERE), (back, THERE), (lab, HERE), (back, THERE)):
        run = direction.sync.writes_nothing(NODE_PORTS)
        assert "the remote Service is a mirror itself" in run.line(f"{NAMESPACE}/{mirror}")
    assert services(lab.remote) == services(lab.local) == {THERE, HERE}


@pytest.mark.usefixtures("mirrored")
def test_nothing_comes_back_when_both_services_are_gone(lab: Lab, back: Lab) -> None:
    """Each direction runs first while the mirror of the other one is still there."""
    lab.remote.api.delete("Service", THERE, NAMESPACE)
    lab.local.api.delete("Service", HERE, NAMESPACE)
    back.mirror(NODE_PORTS)
    lab.mirror(NODE_PORTS)
    assert services(lab.remote) == services(lab.local) == set()
    for direction in (lab, back):
        direction.sync.writes_nothing(NODE_PORTS)
        for name in (THERE, HERE):
            expect_no_such_name(lab, direction.call(url(name), count=20))


def expect_no_such_name(lab: Lab, calls: Tally) -> None:
    lab.tell(calls.calls[0].url, calls)
    assert calls.errors == {"no_such_name": len(calls.calls)}


def url(name: str) -> str:
    return f"http://{name}.{NAMESPACE}.svc.cluster.local/"


def services(cluster: Cluster) -> set[str]:
    """Return the names of the Services in the namespace."""
    return {obj["metadata"]["name"] for obj in cluster.api.list("Service", NAMESPACE)}
