"""From Endpoints to EndpointSlices and back: at no moment without endpoints, no leftovers, then nothing to do."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from lab.controlplane import CONTROLLERS, ControlPlane, wait_until
from lab.controlplane.objects import node
from tests.endpoints.views import MIRRORING, SLICES, addresses, slices
from tests.endpoints.watching import Target, watched
from tests.scenarios.command import Sync
from tests.scenarios.views import ips, is_there, manual, node_port, set_conditions

WITHOUT_MIRRORING = tuple(name for name in CONTROLLERS if "mirroring" not in name)


def targets(ips: Iterable[str]) -> set[Target]:
    return {(ip, "http", 30080) for ip in ips}


@pytest.fixture(autouse=True)
def bar(remote: ControlPlane, nodes: list[str]) -> None:
    remote.add(node_port("foo", "bar", 30080))


def mirrored(local: ControlPlane) -> list[str]:
    return sorted(addresses(slices(local, "foo", "bar", MIRRORING)))


def test_there_in_one_run_and_back_over_two(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    sync.converges()
    wait_until(lambda: mirrored(local) == nodes, "the mirrored slices")
    with watched(local, "foo", "bar") as seen:
        run = sync(SLICES)
        assert run.exit_code == 0
        assert [write.split()[0] for write in run.writes] == ["patch", "delete"]
        wait_until(lambda: not mirrored(local), "the mirrored slices to go")
        sync.writes_nothing(SLICES)
        assert is_there(local, "foo", "bar") == (True, False)
        run = sync()
        assert run.exit_code == 0
        assert [write.split()[0] for write in run.writes] == ["patch"]
        assert "endpointslice-mirroring controller" in run.line("! EndpointSlice")
        assert addresses(slices(local, "foo", "bar")) == nodes
        wait_until(lambda: mirrored(local) == nodes, "the mirrored slices")
        sync.converges()
    assert seen.always == targets(nodes)
    assert len(seen.states) > 4
    assert slices(local, "foo", "bar") == []
    assert (ips(local, "foo", "bar"), mirrored(local)) == (nodes, nodes)


def test_with_mirroring_stopped_the_slices_stay_and_follow_the_nodes(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    sync.converges(SLICES)
    local.start_controllers(*WITHOUT_MIRRORING)
    with watched(local, "foo", "bar") as seen:
        assert sync().exit_code == 0
        assert "endpointslice-mirroring controller" in sync.writes_nothing().line("! EndpointSlice")
        remote.add(node("n4", "10.0.0.4"))
        set_conditions(remote, "n1", Ready="False")
        after = [*nodes[1:], "10.0.0.4"]
        run = sync.converges()
        assert len(run.writes) == 2
        assert (ips(local, "foo", "bar"), addresses(slices(local, "foo", "bar"))) == (after, after)
        local.start_controllers()
        wait_until(lambda: mirrored(local) == after, "the mirrored slices")
        sync.converges()
    assert seen.always == targets(nodes[1:])
    assert slices(local, "foo", "bar") == []


def test_a_copy_that_is_behind_takes_nothing_over(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    """Where Endpoints change while the mirroring controller is away, its old copy does not count."""
    sync.converges(SLICES)
    sync()
    wait_until(lambda: mirrored(local) == nodes, "the mirrored slices")
    local.start_controllers(*WITHOUT_MIRRORING)
    remote.add(node("n4", "10.0.0.4"))
    with watched(local, "foo", "bar") as seen:
        sync.converges()
        assert addresses(slices(local, "foo", "bar")) == [*nodes, "10.0.0.4"]
        local.start_controllers()
        wait_until(lambda: len(mirrored(local)) == 4, "the mirrored slices")
        sync.converges()
    assert seen.always == targets(nodes)
    assert slices(local, "foo", "bar") == []


def test_a_change_of_mind_on_the_way_is_no_gap(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    sync.converges(SLICES)
    with watched(local, "foo", "bar") as seen:
        for _ in range(3):
            sync()
            sync.converges(SLICES)
        wait_until(lambda: not mirrored(local), "the mirrored slices to go")
    assert seen.always == targets(nodes)


def test_a_manual_service_switches_too(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.add(manual("foo", "baz", 30080))
    sync.converges()
    wait_until(lambda: slices(local, "foo", "baz", MIRRORING), "the mirrored slices")
    with watched(local, "foo", "baz") as seen:
        sync.converges(SLICES)
        wait_until(lambda: not slices(local, "foo", "baz", MIRRORING), "the mirrored slices to go")
        sync()
        wait_until(lambda: slices(local, "foo", "baz", MIRRORING), "the mirrored slices")
        sync.converges()
    assert {ip for ip, _, _ in seen.always} == set(nodes)
    assert slices(local, "foo", "baz") == []


def test_copies_of_former_endpoints_take_nothing_over(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    """There and back while controllers lag: the copies are of Endpoints that are gone, and go with them."""
    sync.converges()
    wait_until(lambda: mirrored(local) == nodes, "the mirrored slices")
    local.start_controllers("endpoints-controller")
    try:
        sync(SLICES)
        sync()
        assert mirrored(local) == nodes  # of the former ones
        sync()
        assert addresses(slices(local, "foo", "bar")) == nodes
    finally:
        local.start_controllers()
    wait_until(lambda: sync().writes == [] and slices(local, "foo", "bar") == [], "the copies to take over")
    assert mirrored(local) == nodes


def test_where_the_switch_has_to_wait_what_is_there_follows_the_nodes(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    """A guard keeps the mirror, so its Endpoints go on to serve, and Kubernetes goes on to copy them."""
    sync.converges()
    wait_until(lambda: mirrored(local) == nodes, "the mirrored slices")
    remote.api.delete("Service", "bar", "foo")
    set_conditions(remote, "n1", Ready="False")
    run = sync(SLICES, "--max-deletes", "0")
    assert run.exit_code == 3
    assert ips(local, "foo", "bar") == nodes[1:]
    wait_until(lambda: mirrored(local) == nodes[1:], "the mirrored slices to follow")
    sync.writes_nothing(SLICES, "--max-deletes", "0", exit_code=3)
