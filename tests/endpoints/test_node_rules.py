"""Which nodes are used, in slice mode; tests/scenarios/test_nodes.py has the same for Endpoints and more."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node
from tests.endpoints.views import SLICES, addresses, slices
from tests.scenarios.command import Sync
from tests.scenarios.views import is_there, node_port, set_conditions

EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"
DRAIN = "operation.gke.io/type"


@pytest.fixture(autouse=True)
def bar(remote: ControlPlane, nodes: list[str]) -> None:
    remote.add(node_port("foo", "bar", 30080))


def found(local: ControlPlane) -> list[str]:
    return addresses(slices(local, "foo", "bar"))


def test_each_rule(sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]) -> None:
    remote.add(
        node("scaled-down", "10.0.1.1", taints=["ToBeDeletedByClusterAutoscaler:NoSchedule"]),
        node("excluded", "10.0.1.2", labels={EXCLUDE: "true"}),
        node("fargate", "10.0.1.6", labels={"eks.amazonaws.com/compute-type": "fargate"}),
        node("virtual", "10.0.1.7", labels={"type": "virtual-kubelet"}),
        node("unbalanced", "10.0.1.8", labels={"alpha.service-controller.kubernetes.io/exclude-balancer": "true"}),
        node("draining", "10.0.1.3", labels={DRAIN: "drain"}),
        node("no-network", "10.0.1.4", conditions={"NetworkUnavailable": "True", "Ready": "True"}),
        node("also-no-network", "10.0.1.5", conditions={"Ready": "True", "NetworkUnavailable": "True"}),
        node("loopback", "127.0.0.1"),
        node("included", "10.0.0.8", labels={EXCLUDE: "false", DRAIN: "upgrade"}),
        node("tainted", "10.0.0.9", taints=["DeletionCandidateOfClusterAutoscaler:PreferNoSchedule"]),
    )
    run = sync.converges(SLICES, "-o", "json")
    assert found(local) == [*nodes, "10.0.0.8", "10.0.0.9"]
    reasons = {entry["node"]: entry["reason"] for entry in run.document["nodes"]["excluded"]}
    assert reasons == {
        "scaled-down": "autoscaler",
        "excluded": "exclude_label",
        "fargate": "no_node_ports",
        "virtual": "no_node_ports",
        "unbalanced": "no_node_ports",
        "draining": "drain_label",
        "no-network": "network_unavailable",
        "also-no-network": "network_unavailable",
        "loopback": "no_internal_ip",
    }


def test_node_selector(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node("a", "10.0.0.7", labels={"pool": "web"}), node("b", "10.0.0.8", labels={"pool": "db"}))
    sync.converges(SLICES, "--node-selector", "pool=web")
    assert found(local) == ["10.0.0.7"]
    sync.converges(SLICES, "--node-selector", "!pool")
    assert found(local) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_where_the_remote_lost_most_nodes_unknown_ones_count(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node("n4", "10.0.0.4"))
    sync.converges(SLICES)
    set_conditions(remote, "n1", Ready="Unknown")
    set_conditions(remote, "n2", Ready="Unknown")
    assert "fewer than half" not in sync.converges(SLICES).stderr  # half of them are Ready
    assert found(local) == ["10.0.0.3", "10.0.0.4"]
    set_conditions(remote, "n3", Ready="False")
    assert "2 nodes of unknown readiness are assumed ready" in sync.converges(SLICES).stderr
    assert found(local) == ["10.0.0.1", "10.0.0.2", "10.0.0.4"]


def test_where_no_node_fits_slices_stay_and_the_run_fails(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    sync.converges(SLICES)
    for name in ("n1", "n2", "n3"):
        set_conditions(remote, name, Ready="False")
    remote.add(node_port("foo", "new", 30081))
    run = sync(SLICES)
    assert run.exit_code == 1
    assert "no node can be used" in run.line("! Endpoints", "foo/bar")
    assert found(local) == nodes
    assert is_there(local, "foo", "new") == (True, False)
    assert slices(local, "foo", "new") == []
    sync.writes_nothing(SLICES, exit_code=1)
