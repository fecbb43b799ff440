"""Manual services in slice mode: headless ones, several ports, named targets, a selector that comes later."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane, wait_until
from lab.controlplane.objects import node, pod, port, service
from tests.endpoints.views import CONTROLLER, SLICES, addresses, ports, slices
from tests.scenarios.command import Sync
from tests.scenarios.views import MANUAL, edit, endpoint_ports, ips, is_there, manual

pytestmark = pytest.mark.usefixtures("nodes")

# Kubernetes' controller leaves out a pod on a node that it does not know.
POD = node("a"), pod("foo", "baz-1", "10.1.0.1", node_name="a", labels={"app": "baz"})


def wait_for_the_pod(local: ControlPlane) -> None:
    wait_until(lambda: addresses(slices(local, "foo", "baz", CONTROLLER)) == ["10.1.0.1"], "the pod's slice")
    wait_until(lambda: ips(local, "foo", "baz") == ["10.1.0.1"], "the pod's Endpoints")


def test_several_ports_in_both_modes(sync: Sync, local: ControlPlane) -> None:
    several = (
        port(80, "http", targetPort=30080, appProtocol="kubernetes.io/h2c"),
        port(53, "dns", targetPort=30053),
        port(53, "dns-udp", targetPort=30053, protocol="UDP"),
        port(9090, "metrics"),
    )
    local.add(service("foo", "baz", *several, type="ClusterIP", selector=None, labels=MANUAL))
    wanted = [
        ("dns", "TCP", 30053, ""),
        ("dns-udp", "UDP", 30053, ""),
        ("http", "TCP", 30080, "kubernetes.io/h2c"),
        ("metrics", "TCP", 9090, ""),
    ]
    sync.converges()
    assert sorted(endpoint_ports(local, "foo", "baz")) == [entry[:3] for entry in wanted]
    sync.converges(SLICES)
    assert ports(slices(local, "foo", "baz")) == wanted


def test_a_headless_service_without_ports(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.ensure_namespace("foo")
    bare = manual("foo", "baz", 1, clusterIP="None")
    del bare["spec"]["ports"]
    local.api.create(bare)
    sync.converges()
    assert ips(local, "foo", "baz") == nodes
    sync.converges(SLICES)
    (found,) = slices(local, "foo", "baz")
    assert (addresses([found]), ports([found])) == (nodes, [])


def test_a_named_target_is_said_and_nothing_is_written(sync: Sync, local: ControlPlane) -> None:
    mixed = port(80, "http", targetPort="web"), port(81, "other", targetPort=30081)
    local.add(service("foo", "baz", *mixed, type="ClusterIP", selector=None, labels=MANUAL))
    run = sync.writes_nothing(SLICES)
    assert "targetPort web is a name" in run.line("foo/baz")
    edit(local, "foo", "baz", {"spec": {"ports": [{**mixed[0], "targetPort": 30080}, mixed[1]]}})
    sync.converges(SLICES)
    assert ports(slices(local, "foo", "baz")) == [("http", "TCP", 30080, ""), ("other", "TCP", 30081, "")]


def test_with_a_selector_our_slices_go_and_those_of_kubernetes_stay(sync: Sync, local: ControlPlane) -> None:
    local.add(*POD, manual("foo", "baz", 30080))
    sync.converges(SLICES)
    edit(local, "foo", "baz", {"spec": {"selector": {"app": "baz"}}})
    wait_for_the_pod(local)
    held = sync.writes_nothing(SLICES, "--max-deletes", "0", exit_code=3)
    assert "held back" in held.line("EndpointSlice", "foo/baz-barrelman-ipv4-0")
    run = sync.converges(SLICES)
    assert "selector" in run.line("! Service", "foo/baz")
    assert slices(local, "foo", "baz") == []
    assert addresses(slices(local, "foo", "baz", CONTROLLER)) == ["10.1.0.1"]
    assert (is_there(local, "foo", "baz"), ips(local, "foo", "baz")) == ((True, True), ["10.1.0.1"])


def test_without_the_selector_again_it_is_ours_again(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    """The leftovers of Kubernetes' controllers would draw traffic forever."""
    local.add(*POD, manual("foo", "baz", 30080, selector={"app": "baz"}))
    wait_for_the_pod(local)
    sync.writes_nothing(SLICES)
    edit(local, "foo", "baz", {"spec": {"selector": None}})
    local.settle()
    assert addresses(slices(local, "foo", "baz", CONTROLLER)) == ["10.1.0.1"]
    run = sync.converges(SLICES)
    assert "left over" in run.line("- EndpointSlice")
    assert addresses(slices(local, "foo", "baz")) == nodes
    assert slices(local, "foo", "baz", CONTROLLER) == []
    assert is_there(local, "foo", "baz") == (True, False)
