"""--endpoint-slices: slices of our own, with Kubernetes' controllers switched on and off."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane, Object
from lab.controlplane.objects import node, port, service
from tests.endpoints.views import MANAGED_BY, OURS, SERVICE_NAME, SLICES, addresses, names, ports, served, slices
from tests.scenarios.command import Sync
from tests.scenarios.views import SOURCE, edit, is_there, labels, manual, node_port, set_conditions, set_ports


@pytest.fixture(params=["controllers on", "controllers off"])
def local(local: ControlPlane, request: pytest.FixtureRequest) -> ControlPlane:
    """Return the local cluster, with all controllers or without any: mirroring and endpoints among them."""
    if request.param == "controllers off":
        local.stop_controllers()
    return local


def test_a_mirror_is_served_by_slices_alone(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    dns = port(53, "dns-udp", protocol="UDP", nodePort=30053), port(53, "dns", nodePort=30053)
    remote.add(service("foo", "bar", port(80, nodePort=30080)), service("foo", "dns", *dns))
    sync.converges(SLICES)
    assert is_there(local, "foo", "bar") == (True, False)
    (found,) = slices(local, "foo", "bar")
    uid = local.api.get("Service", "bar", "foo")["metadata"]["uid"]
    assert found["metadata"]["name"] == "bar-barrelman-ipv4-0"
    assert found["metadata"]["ownerReferences"] == [{"apiVersion": "v1", "kind": "Service", "name": "bar", "uid": uid}]
    assert labels(found) == {
        MANAGED_BY: OURS,
        SERVICE_NAME: "bar",
        SOURCE: "remote",
        "app.kubernetes.io/managed-by": "barrelman-sync",
    }
    assert found["addressType"] == "IPv4"
    assert found["endpoints"] == [{"addresses": [ip], "conditions": {"ready": True}} for ip in nodes]
    assert found["ports"] == [{"name": "", "port": 30080, "protocol": "TCP"}]
    assert ports(slices(local, "foo", "dns")) == [("dns", "TCP", 30053, ""), ("dns-udp", "UDP", 30053, "")]


def test_slices_follow_nodes_and_ports_and_go_with_the_service(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(SLICES)
    set_conditions(remote, "n1", Ready="False")
    remote.add(node("n4", "10.0.0.4"))
    set_ports(remote, "foo", "bar", port(81, "web", nodePort=30081))
    run = sync.converges(SLICES)
    assert "-10.0.0.1 (n1) +10.0.0.4 (n4)" in run.line("~ EndpointSlice")
    assert served(local, "foo", "bar") == {"bar-barrelman-ipv4-0": [*nodes[1:], "10.0.0.4"]}
    assert ports(slices(local, "foo", "bar")) == [("web", "TCP", 30081, "")]
    remote.api.delete("Service", "bar", "foo")
    sync.converges(SLICES)
    assert is_there(local, "foo", "bar") == (False, False)
    assert slices(local, "foo", "bar") == []


def test_what_others_do_to_a_slice_is_undone(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(SLICES)
    (good,) = slices(local, "foo", "bar")
    name = good["metadata"]["name"]
    plain = {"addresses": ["10.0.0.1"], "conditions": {"ready": True}}
    strays: list[Object] = [
        {"endpoints": [*good["endpoints"], {"addresses": ["10.0.0.7"]}]},
        {"endpoints": [{**plain, "conditions": {"ready": False}}, *good["endpoints"][1:]]},
        {"endpoints": [{**plain, "nodeName": "n1"}, *good["endpoints"][1:]]},
        {"endpoints": []},
        {"ports": []},
        {"metadata": {"ownerReferences": None}},
        {"metadata": {"labels": {SOURCE: None}}},
    ]
    for stray in strays:
        edit(local, "foo", name, stray, kind="EndpointSlice")
        assert sync(SLICES).writes == [f"patch endpointslices foo/{name} 200"], stray
        (found,) = slices(local, "foo", "bar")
        for part in ("endpoints", "ports"):
            assert found[part] == good[part], stray
    local.api.delete("EndpointSlice", name, "foo")
    sync.converges(SLICES)
    assert names(slices(local, "foo", "bar")) == [name]


def test_a_manual_service_is_served_by_slices(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    local.add(manual("foo", "baz", 30080))
    sync.converges(SLICES)
    assert addresses(slices(local, "foo", "baz")) == nodes
    edit(local, "foo", "baz", {"metadata": {"labels": {"tfw.io/barrelman": None}}})
    held = sync.writes_nothing(SLICES, "--max-deletes", "0", exit_code=3)
    assert "--allow-mass-delete" in held.line("EndpointSlice", "foo/baz-barrelman-ipv4-0")
    sync.converges(SLICES)
    assert slices(local, "foo", "baz") == []


def test_another_source_keeps_its_slices(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    local.add(manual("foo", "baz", 30080))
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(SLICES, "--remote-name", "one")
    run = sync.writes_nothing(SLICES, "--remote-name", "two")
    assert "under the name one" in run.line("foo/baz")
    assert "under the name one" in run.line("foo/bar")
