"""Both IP families: which of them a Service gets endpoints of, and what is said of a family without nodes."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node
from tests.endpoints.views import MIRRORING, SLICES, addresses, served, slices
from tests.scenarios.command import Sync
from tests.scenarios.views import edit, ips, is_there, manual, node_port

V4, V6 = ["10.0.0.1", "10.0.0.2"], ["fd00::1", "fd00::2"]
BOTH: dict[str, object] = {"ipFamilyPolicy": "RequireDualStack"}
ONLY_V6: dict[str, object] = {"ipFamilies": ["IPv6"]}
V6_FIRST: dict[str, object] = {**BOTH, "ipFamilies": ["IPv6", "IPv4"]}


@pytest.fixture
def dual_nodes(remote: ControlPlane) -> None:
    """Give the remote two nodes with both families; their order in the status says nothing."""
    remote.add(node("n1", "10.0.0.1", "fd00::1"), node("n2", "fd00:0:0::2", "10.0.0.2"))


@pytest.fixture
def v4_nodes(remote: ControlPlane) -> None:
    """Give the remote two nodes with IPv4 alone."""
    remote.add(node("n1", V4[0]), node("n2", V4[1]))


def both(name: str) -> dict[str, list[str]]:
    return {f"{name}-barrelman-ipv4-0": V4, f"{name}-barrelman-ipv6-0": V6}


@pytest.mark.usefixtures("dual_nodes")
def test_slices_in_each_family_that_the_service_has(dual_sync: Sync, dual: ControlPlane) -> None:
    dual.add(manual("foo", "v4", 1), manual("foo", "v6", 1, **ONLY_V6), manual("foo", "both", 1, **BOTH))
    dual.add(manual("foo", "six-first", 1, **V6_FIRST), manual("foo", "headless", 1, clusterIP="None"))
    dual_sync.converges(SLICES)
    assert served(dual, "foo", "v4") == {"v4-barrelman-ipv4-0": V4}
    assert served(dual, "foo", "v6") == {"v6-barrelman-ipv6-0": V6}
    for name in ("both", "six-first", "headless"):
        assert served(dual, "foo", name) == both(name)
        assert [found["addressType"] for found in slices(dual, "foo", name)] == ["IPv4", "IPv6"]


@pytest.mark.usefixtures("dual_nodes")
def test_a_mirror_gets_the_family_of_the_cluster_and_follows_its_service(
    dual_sync: Sync, remote: ControlPlane, dual: ControlPlane
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    dual_sync.converges(SLICES)
    assert served(dual, "foo", "bar") == {"bar-barrelman-ipv4-0": V4}
    edit(dual, "foo", "bar", {"spec": {"ipFamilyPolicy": "PreferDualStack"}})
    dual_sync.converges(SLICES)
    assert served(dual, "foo", "bar") == both("bar")
    edit(dual, "foo", "bar", {"spec": {"ipFamilyPolicy": "SingleStack"}})
    run = dual_sync.converges(SLICES)
    assert "spec.ipFamilies no longer has IPv6" in run.line("- EndpointSlice")
    assert served(dual, "foo", "bar") == {"bar-barrelman-ipv4-0": V4}


@pytest.mark.usefixtures("dual_nodes")
def test_endpoints_have_the_primary_family(dual_sync: Sync, dual: ControlPlane) -> None:
    dual.add(manual("foo", "v4", 1), manual("foo", "v6", 1, **ONLY_V6), manual("foo", "both", 1, **BOTH))
    dual.add(manual("foo", "six-first", 1, **V6_FIRST))
    dual_sync.converges()
    found = {name: ips(dual, "foo", name) for name in ("v4", "v6", "both", "six-first")}
    assert found == {"v4": V4, "v6": V6, "both": V4, "six-first": V6}


@pytest.mark.usefixtures("dual_nodes")
def test_the_way_to_endpoints_keeps_the_second_family_as_long_as_the_first(dual_sync: Sync, dual: ControlPlane) -> None:
    dual.add(manual("foo", "both", 1, **BOTH))
    dual_sync.converges(SLICES)
    dual.stop_controllers()
    dual_sync()
    dual_sync.writes_nothing()
    assert (ips(dual, "foo", "both"), served(dual, "foo", "both")) == (V4, both("both"))
    dual.start_controllers()
    dual.settle()
    assert sorted(addresses(slices(dual, "foo", "both", MIRRORING))) == V4
    dual_sync.converges()
    assert served(dual, "foo", "both") == {}


@pytest.mark.usefixtures("v4_nodes")
def test_a_family_without_any_node_is_said_and_fails_only_where_no_other_is_served(
    dual_sync: Sync, dual: ControlPlane
) -> None:
    dual.add(manual("foo", "both", 1, **BOTH), manual("foo", "six-first", 1, **V6_FIRST))
    run = dual_sync.converges(SLICES)
    for name in ("both", "six-first"):
        assert "no used node has an IPv6 address" in run.line("Endpoints", f"foo/{name}", "left")
        assert served(dual, "foo", name) == {f"{name}-barrelman-ipv4-0": V4}
    dual.add(manual("foo", "v6", 1, **ONLY_V6))
    run = dual_sync.writes_nothing(SLICES, exit_code=1)
    assert "no used node has an IPv6 address" in run.line("foo/v6")
    assert served(dual, "foo", "v6") == {}


@pytest.mark.usefixtures("v4_nodes")
def test_in_endpoints_mode_the_primary_family_decides(dual_sync: Sync, dual: ControlPlane) -> None:
    dual.add(manual("foo", "both", 1, **BOTH), manual("foo", "six-first", 1, **V6_FIRST))
    run = dual_sync()
    assert run.exit_code == 1
    assert "no used node has an IPv6 address" in run.line("foo/six-first")
    assert (ips(dual, "foo", "both"), is_there(dual, "foo", "six-first")) == (V4, (True, False))


@pytest.mark.usefixtures("dual_nodes")
def test_a_family_that_lost_its_nodes_keeps_its_slices(
    dual_sync: Sync, remote: ControlPlane, dual: ControlPlane
) -> None:
    dual.add(manual("foo", "both", 1, **BOTH))
    dual_sync.converges(SLICES)
    remote.replace(*({**node(name, ip)} for name, ip in zip(("n1", "n2"), V4, strict=True)))
    assert "no used node has an IPv6 address" in dual_sync.converges(SLICES).line("foo/both")
    assert served(dual, "foo", "both") == both("both")


@pytest.mark.usefixtures("v4_nodes")
def test_a_headless_service_has_both_families_in_a_cluster_of_one(sync: Sync, local: ControlPlane) -> None:
    """Kubernetes gives both to one without a selector: nobody can know where its endpoints are."""
    created = local.api.create(_headless(local))
    assert created["spec"]["ipFamilies"] == ["IPv4", "IPv6"]
    run = sync.converges(SLICES)
    assert "no used node has an IPv6 address" in run.line("! Endpoints", "foo/headless")
    assert served(local, "foo", "headless") == {"headless-barrelman-ipv4-0": V4}
    sync()
    local.settle()
    sync.converges()
    assert (ips(local, "foo", "headless"), served(local, "foo", "headless")) == (V4, {})


@pytest.mark.usefixtures("dual_nodes")
def test_a_headless_service_gets_both_families_in_a_cluster_of_one(sync: Sync, local: ControlPlane) -> None:
    local.api.create(_headless(local))
    sync.converges(SLICES)
    assert served(local, "foo", "headless") == both("headless")


def _headless(local: ControlPlane) -> dict[str, object]:
    local.ensure_namespace("foo")
    return manual("foo", "headless", 30080, clusterIP="None")
