"""--prefer-same-zone: each endpoint has the zone of its node, and a hint for callers in this zone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lab.controlplane import ControlPlane, Object, wait_until
from lab.controlplane.objects import ZONE, node, port
from tests.endpoints.conftest import NODES
from tests.endpoints.test_local_traffic import LOCAL, start
from tests.endpoints.views import MIRRORING, SLICES, add_nodes, addresses, slices
from tests.endpoints.watching import watched
from tests.scenarios.command import Sync
from tests.scenarios.views import edit, manual, node_port, set_conditions, set_ports

ZONES = (SLICES, "--prefer-same-zone")
N1, N2, N3 = NODES.values()
THREE = {N1: "a", N2: "b", N3: "b"}


@pytest.fixture(autouse=True)
def bar(remote: ControlPlane, nodes: list[str]) -> None:
    """Let three nodes in two zones serve bar."""
    for name, address in NODES.items():
        put_into_zone(remote, name, THREE[address])
    remote.add(node_port("foo", "bar", 30080))


def put_into_zone(remote: ControlPlane, name: str, zone: str | None) -> None:
    edit(remote, "", name, {"metadata": {"labels": {ZONE: zone}}}, kind="Node")


def zones(local: ControlPlane, name: str = "bar") -> Mapping[str, str]:
    """Return the zone of each endpoint of a Service, which has to be what its only hint says; "" if it has neither."""
    found: dict[str, str] = {}
    for endpoint in endpoints(local, name):
        hints = [hint["name"] for hint in endpoint.get("hints", {}).get("forZones", ())]
        assert hints == ([endpoint["zone"]] if "zone" in endpoint else [])
        found |= dict.fromkeys(endpoint["addresses"], endpoint.get("zone", ""))
    return found


def endpoints(local: ControlPlane, name: str = "bar") -> list[Object]:
    return [endpoint for obj in slices(local, "foo", name) for endpoint in obj["endpoints"]]


def test_on_and_off_in_place(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    sync.converges(SLICES)
    plain = endpoints(local)
    with watched(local, "foo", "bar") as seen:
        run = sync.converges(*ZONES)
        assert run.writes == ["patch endpointslices foo/bar-barrelman-ipv4-0 200"]
        assert "endpoints.zones: 10.0.0.1 (n1) none -> a, 10.0.0.2 (n2) none -> b" in run.line("~ EndpointSlice")
        assert zones(local) == THREE
        run = sync.converges(SLICES)
        assert run.writes == ["patch endpointslices foo/bar-barrelman-ipv4-0 200"]
    assert endpoints(local) == plain
    assert seen.always == {(ip, "http", 30080) for ip in nodes}


def test_a_mirror_and_a_manual_service_from_the_start(sync: Sync, local: ControlPlane) -> None:
    local.add(manual("foo", "baz", 30080))
    assert "warning" not in sync.converges(*ZONES).stderr.lower()
    assert zones(local) == zones(local, "baz") == THREE


def test_zones_follow_the_nodes(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    sync.converges(*ZONES)
    put_into_zone(remote, "n2", "c")
    remote.add(node("n4", "10.0.0.4", labels={ZONE: "c"}))
    set_conditions(remote, "n1", Ready="False")
    run = sync.converges(*ZONES, "-o", "json")
    changes = [change for step in run.document["steps"] for change in step.get("changes", ())]
    assert changes == [
        {"path": "endpoints.addresses", "removed": [N1], "added": ["10.0.0.4"]},
        {"path": "endpoints.zones", "before": {N2: "b"}, "after": {N2: "c"}},
    ]
    assert zones(local) == {N2: "c", N3: "b", "10.0.0.4": "c"}


@pytest.mark.parametrize("zone", [None, ""])
def test_a_node_without_zone_is_a_warning(
    sync: Sync, remote: ControlPlane, local: ControlPlane, zone: str | None
) -> None:
    put_into_zone(remote, "n3", zone)
    run = sync.converges(*ZONES)
    assert "1 of 3 used nodes have no zone (label topology.kubernetes.io/zone), n3 among them" in run.stderr
    assert zones(local) == {**THREE, N3: ""}
    assert endpoints(local)[2] == {"addresses": [N3], "conditions": {"ready": True}}
    put_into_zone(remote, "n3", "b")
    assert "no zone" not in sync.converges(*ZONES).stderr
    assert zones(local) == THREE


def test_any_value_of_a_label_is_a_zone(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    """The server takes whatever a label may be."""
    odd = {"n1": "A" * 63, "n2": "0", "n3": "a_b.c-D"}
    for name, zone in odd.items():
        put_into_zone(remote, name, zone)
    sync.converges(*ZONES)
    assert zones(local) == dict(zip(NODES.values(), odd.values(), strict=True))


def test_what_others_do_to_zones_is_undone(sync: Sync, local: ControlPlane) -> None:
    sync.converges(*ZONES)
    (good,) = slices(local, "foo", "bar")
    name, (first, *others) = good["metadata"]["name"], good["endpoints"]
    strays: list[Object] = [
        {**first, "zone": "x"},
        {**first, "hints": {"forZones": [{"name": "x"}]}},
        {**first, "hints": {"forZones": [{"name": "a"}, {"name": "x"}]}},
        {**first, "hints": {"forZones": [{"name": "a"}], "forNodes": [{"name": "n1"}]}},
        {**first, "hints": None},
        {"addresses": first["addresses"], "conditions": {"ready": True}},
    ]
    for stray in strays:
        edit(local, "foo", name, {"endpoints": [stray, *others]}, kind="EndpointSlice")
        kept = slices(local, "foo", "bar")[0]["endpoints"] != good["endpoints"]
        assert kept or "forNodes" in str(stray), stray  # which a server of 1.32 or older drops
        assert sync(*ZONES).writes == [f"patch endpointslices foo/{name} 200"] * kept, stray
        assert slices(local, "foo", "bar")[0]["endpoints"] == good["endpoints"], stray


def test_zones_of_both_families(dual_sync: Sync, remote: ControlPlane, dual: ControlPlane) -> None:
    for name in NODES:
        remote.api.delete("Node", name)
    remote.add(node("n1", N1, "fd00::1", labels={ZONE: "a"}), node("n2", N2, "fd00::2", labels={ZONE: "b"}))
    dual.add(manual("foo", "both", 1, ipFamilyPolicy="RequireDualStack"))
    dual_sync.converges(*ZONES)
    assert zones(dual, "both") == {N1: "a", N2: "b", "fd00::1": "a", "fd00::2": "b"}


def test_zones_of_the_nodes_that_are_picked_and_of_those_that_answer(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "local", 30081, **LOCAL))
    start(remote, "n3", service="local")
    sync.converges(*ZONES, "--max-endpoints", "2")
    assert sorted(zones(local).values()) == ["a", "b"]
    assert zones(local, "local") == {N3: "b"}


def test_one_node_in_another_zone_rewrites_one_of_many_slices(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    add_nodes(remote, 210)
    sync.converges(*ZONES, "--max-endpoints", "0")
    assert len(slices(local, "foo", "bar")) == 3
    put_into_zone(remote, "node-0007", "elsewhere")
    assert len(sync.converges(*ZONES, "--max-endpoints", "0").writes) == 1
    assert zones(local)["10.0.7.1"] == "elsewhere"


def test_endpoints_that_are_kept_keep_their_zones(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    sync.converges(*ZONES)
    for name in NODES:
        put_into_zone(remote, name, "x")
        set_conditions(remote, name, Ready="False")
    sync.writes_nothing(*ZONES, exit_code=1)
    sync.writes_nothing(SLICES, exit_code=1)
    assert zones(local) == THREE


def test_an_orphaned_mirror_and_a_renamed_port_have_zones(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    sync.converges(*ZONES)
    set_ports(remote, "foo", "bar", port(80, "web", nodePort=30080))
    sync.converges(*ZONES)
    assert zones(local) == THREE
    remote.api.delete("Service", "bar", "foo")
    put_into_zone(remote, "n1", "c")
    sync(*ZONES, "--delete-grace", "1h")
    assert zones(local) == {**THREE, N1: "c"}


def test_from_endpoints_and_back(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    sync.converges()
    wait_until(lambda: sorted(addresses(slices(local, "foo", "bar", MIRRORING))) == nodes, "the copies")
    with watched(local, "foo", "bar") as seen:
        sync(*ZONES)
        assert zones(local) == THREE
        sync()
        wait_until(lambda: sorted(addresses(slices(local, "foo", "bar", MIRRORING))) == nodes, "the copies")
        sync.converges()
    assert slices(local, "foo", "bar") == []
    assert seen.always == {(ip, "http", 30080) for ip in nodes}


def test_what_other_proxies_need_on_a_mirror_stays(sync: Sync, local: ControlPlane) -> None:
    sync.converges(*ZONES)
    theirs = {
        "metadata": {"annotations": {"service.kubernetes.io/topology-mode": "Auto"}},
        "spec": {"trafficDistribution": "PreferClose"},
    }
    edit(local, "foo", "bar", theirs)
    sync.writes_nothing(*ZONES)
    sync.converges(*ZONES, "--nodeportsvc")
    found = local.api.get("Service", "bar", "foo")
    assert found["spec"]["trafficDistribution"] == "PreferClose"
    assert found["metadata"]["annotations"]["service.kubernetes.io/topology-mode"] == "Auto"
