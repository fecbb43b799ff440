"""Which nodes of the remote are used, and when the endpoints stay as they are."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node
from tests.scenarios.command import Sync
from tests.scenarios.conftest import NODES
from tests.scenarios.views import ips, is_there, node_port, set_conditions


@pytest.fixture(autouse=True)
def bar(remote: ControlPlane, nodes: list[str]) -> None:
    remote.add(node_port("foo", "bar", 30080))


def test_endpoints_follow_the_nodes(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node("n3", "10.0.0.3"), node("n4", "10.0.0.4"), node("n5", "10.0.0.5"))
    sync.converges()
    assert ips(local, "foo", "bar") == [f"10.0.0.{number}" for number in range(1, 6)]
    set_conditions(remote, "n1", Ready="False")
    set_conditions(remote, "n2", NetworkUnavailable="True", Ready="True")
    remote.api.delete("Node", "n3")
    remote.add(node("n6", "10.0.0.6"))
    run = sync.converges()
    assert run.line("~ Endpoints", "-10.0.0.1", "-10.0.0.2", "-10.0.0.3", "+10.0.0.6")
    assert ips(local, "foo", "bar") == ["10.0.0.4", "10.0.0.5", "10.0.0.6"]
    for name in ("n1", "n2"):
        set_conditions(remote, name, Ready="True", NetworkUnavailable="False")
    sync.converges()
    assert ips(local, "foo", "bar") == [f"10.0.0.{number}" for number in (1, 2, 4, 5, 6)]


def test_without_a_ready_node_endpoints_stay_and_the_run_fails(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    sync.converges()
    for name in ("n1", "n2"):
        set_conditions(remote, name, Ready="False")
    remote.add(node_port("foo", "new", 30081))
    run = sync()
    assert run.exit_code == 1
    assert "no node can be used" in run.line("Endpoints", "foo/bar")
    assert ips(local, "foo", "bar") == nodes
    assert is_there(local, "foo", "new") == (True, False)  # the rest of the work is done
    sync.writes_nothing(exit_code=1)


def test_without_any_node_endpoints_stay_too(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    sync.converges()
    for name in ("n1", "n2"):
        remote.api.delete("Node", name)
    sync.writes_nothing(exit_code=1)
    assert ips(local, "foo", "bar") == nodes


def test_where_the_remote_lost_sight_of_its_nodes_they_count_as_ready(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node("n3", "10.0.0.3"))
    for name in ("n1", "n2"):
        set_conditions(remote, name, Ready="Unknown")
    run = sync.converges()
    assert "fewer than half" in run.stderr
    assert ips(local, "foo", "bar") == [*nodes, "10.0.0.3"]
    set_conditions(remote, "n2", Ready="True")  # now it sees two of three
    assert "fewer than half" not in sync.converges().stderr
    assert ips(local, "foo", "bar") == ["10.0.0.2", "10.0.0.3"]


EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"


def test_nodes_that_are_about_to_leave_or_are_excluded_take_no_part(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    leaving = node("leaving", "10.0.1.1")
    leaving["metadata"]["finalizers"] = ["example.com/slow"]
    cordoned = node("cordoned", "10.0.0.9", taints=["node.kubernetes.io/unschedulable:NoSchedule"])
    cordoned["spec"]["unschedulable"] = True
    remote.add(
        leaving,
        cordoned,
        node("scaled-down", "10.0.1.2", taints=["ToBeDeletedByClusterAutoscaler:NoSchedule"]),
        node("excluded", "10.0.1.3", labels={EXCLUDE: ""}),
        node("included", "10.0.0.8", labels={EXCLUDE: "false"}),
        node("draining", "10.0.1.4", labels={"operation.gke.io/type": "drain"}),
        node("silent", "10.0.1.5", conditions={}),
    )
    remote.api.delete("Node", "leaving")
    document = sync("-o", "json").document
    excluded = {entry["node"] for entry in document["nodes"]["excluded"]}
    assert excluded == {"leaving", "scaled-down", "excluded", "draining", "silent"}
    assert ips(local, "foo", "bar") == [*nodes, "10.0.0.8", "10.0.0.9"]
    sync.writes_nothing()


LABELED = {"labels": {EXCLUDE: ""}}
REFUSED = {"loopback": "127.0.0.1", "link-local": "169.254.1.1", "multicast": "224.0.0.1", "none": "0.0.0.0"}  # noqa: S104


def test_a_cluster_that_has_only_excluded_nodes(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    """As kubeadm labels every control-plane node: the way out is told in all formats, and works."""
    for name in NODES:
        remote.api.patch({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}, {"metadata": LABELED})
    run = sync("-v")
    assert run.exit_code == 1
    assert "--use-excluded-nodes" in run.line("! Endpoints", "foo/bar")
    assert "--use-excluded-nodes" in run.stdout.splitlines()[-1]
    assert "--use-excluded-nodes" in run.stderr
    run = sync("-o", "json")
    assert run.exit_code == 1
    assert "--use-excluded-nodes" in run.document["problems"][0]
    assert {entry["reason"] for entry in run.document["nodes"]["excluded"]} == {"exclude_label"}
    assert "--use-excluded-nodes" not in sync.converges("--use-excluded-nodes").stderr
    assert ips(local, "foo", "bar") == nodes


def test_an_address_that_the_api_would_refuse_is_not_used(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(*(node(name, ip) for name, ip in REFUSED.items()))
    remote.add(node("second", "127.0.0.1", "10.0.0.3"), node("other-family", "fd00::1"))
    run = sync("-o", "json")
    assert {entry["node"] for entry in run.document["nodes"]["excluded"]} == {*REFUSED}
    assert run.exit_code == 0
    assert ips(local, "foo", "bar") == [*nodes, "10.0.0.3"]
    sync.writes_nothing()


def test_nodes_are_chosen_by_label(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node("a", "10.0.0.3", labels={"pool": "web"}), node("b", "10.0.0.4", labels={"pool": "db"}))
    sync.converges("--node-selector", "pool in (web)")
    assert ips(local, "foo", "bar") == ["10.0.0.3"]
    sync.converges("--node-selector", "pool,pool!=web")
    assert ips(local, "foo", "bar") == ["10.0.0.4"]
    run = sync.writes_nothing("--node-selector", "pool=nothing", exit_code=1)
    assert "does not match --node-selector: 4" in run.stdout


def test_nodes_are_chosen_by_network(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node("a", "192.168.0.3", "10.1.0.3"), node("b", "192.168.0.4"))
    sync.converges("--allowed-node-cidr", "10.1.0.0/16")
    assert ips(local, "foo", "bar") == ["10.1.0.3"]
    sync.converges("--allowed-node-cidr", "10.1.0.0/16", "--allowed-node-cidr", "192.168.0.4/32")
    assert ips(local, "foo", "bar") == ["10.1.0.3", "192.168.0.4"]
