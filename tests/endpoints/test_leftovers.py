"""Whose slices are whose: ours are pruned, copies and strangers' stay, what Kubernetes left over goes."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane, wait_until
from lab.controlplane.objects import node, pod, service
from tests.endpoints.conftest import NODES
from tests.endpoints.views import (
    CONTROLLER,
    MIRRORING,
    OURS,
    SERVICE_NAME,
    SLICES,
    addresses,
    names,
    served,
    slice_object,
    slices,
)
from tests.endpoints.views import MANAGED_BY as MANAGED_BY_LABEL
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Proxy
from tests.scenarios.views import (
    ENDPOINTS_MANAGED_BY,
    MANAGED_BY,
    MARKER,
    MIRROR,
    SOURCE,
    edit,
    ips,
    is_there,
    labels,
    node_port,
    unchanged,
)

STRANGER = "operator.example.com"


@pytest.fixture(autouse=True)
def bar(remote: ControlPlane, nodes: list[str]) -> None:
    remote.add(node_port("foo", "bar", 30080))


def test_copies_carry_our_labels_and_stay(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    sync.converges()
    wait_until(lambda: sorted(addresses(slices(local, "foo", "bar", MIRRORING))) == nodes, "the mirrored slices")
    (copy,) = slices(local, "foo", "bar", MIRRORING)
    assert labels(copy).items() >= {MARKER: "true", SOURCE: "remote", MANAGED_BY: OURS}.items()
    sync.writes_nothing()
    assert unchanged(copy, slices(local, "foo", "bar", MIRRORING)[0])


def test_slices_of_others_stay_in_both_modes(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    cloned = {MARKER: "true", SOURCE: "remote", MANAGED_BY: OURS}
    sync.converges(SLICES)
    local.add(
        slice_object("foo", "theirs", "bar", "10.9.9.9", manager=STRANGER, labels=cloned),
        slice_object("foo", "nobodys", "bar", "10.9.9.8", manager="", labels=cloned),
    )
    before = [local.api.get("EndpointSlice", name, "foo") for name in ("theirs", "nobodys")]
    sync.writes_nothing(SLICES)
    sync()
    local.settle()
    sync.converges()
    sync.converges(SLICES)
    remote.api.delete("Service", "bar", "foo")
    sync.converges(SLICES)
    assert is_there(local, "foo", "bar") == (False, False)
    after = [local.api.get("EndpointSlice", name, "foo") for name in ("theirs", "nobodys")]
    assert all(unchanged(one, other) for one, other in zip(before, after, strict=True))


def test_a_slice_of_ours_under_another_name_goes_once_another_has_its_addresses(
    sync: Sync, local: ControlPlane, nodes: list[str]
) -> None:
    sync.converges(SLICES)
    local.add(slice_object("foo", "bar-old-name", "bar", "10.0.0.1", "10.9.9.9", manager=OURS))
    run = sync.converges(SLICES)
    assert len(run.writes) == 1
    assert served(local, "foo", "bar") == {"bar-barrelman-ipv4-0": nodes}


@pytest.mark.parametrize("mode", [(), (SLICES,)], ids=["Endpoints", "slices"])
def test_what_kubernetes_left_at_a_mirror_goes(
    sync: Sync, local: ControlPlane, nodes: list[str], mode: tuple[str, ...]
) -> None:
    """Somebody made a mirror a real Service, and a mirror of it again."""
    sync.converges(*mode)
    edit(local, "foo", "bar", {"spec": {"selector": {"app": "bar"}}})
    local.add(node("a"), pod("foo", "bar-1", "10.1.0.1", node_name="a", labels={"app": "bar"}))
    assert "released" in sync(*mode).line("~ Service", "foo/bar")
    wait_until(lambda: addresses(slices(local, "foo", "bar", CONTROLLER)) == ["10.1.0.1"], "the pod's slice")
    wait_until(lambda: ips(local, "foo", "bar") == ["10.1.0.1"], "the pod's Endpoints")
    assert slices(local, "foo", "bar") == []
    edit(local, "foo", "bar", {"spec": {"selector": None}, "metadata": {"labels": {**MIRROR, SOURCE: "remote"}}})
    local.settle()
    assert addresses(slices(local, "foo", "bar", CONTROLLER)) == ["10.1.0.1"]  # nobody else removes it
    run = sync.converges(*mode)
    assert "left over" in run.line("- EndpointSlice")
    assert slices(local, "foo", "bar", CONTROLLER) == []
    if mode:
        assert addresses(slices(local, "foo", "bar")) == nodes
        wait_until(lambda: not slices(local, "foo", "bar", MIRRORING), "copies of the pod's Endpoints to go")
    else:
        assert ips(local, "foo", "bar") == nodes


@pytest.mark.parametrize("mode", [(), (SLICES,)], ids=["Endpoints", "slices"])
def test_a_mirror_that_becomes_real_between_two_lists_keeps_its_pods(
    sync: Sync, local: ControlPlane, local_proxy: Proxy, mode: tuple[str, ...]
) -> None:
    """Its slices look left over as long as nobody looks at the Service again."""
    sync.converges(*mode)
    local.add(node("a"), pod("foo", "bar-1", "10.1.0.1", node_name="a", labels={"app": "bar"}))

    def become_real() -> None:
        edit(local, "foo", "bar", {"spec": {"selector": {"app": "bar"}}})
        wait_until(lambda: addresses(slices(local, "foo", "bar", CONTROLLER)) == ["10.1.0.1"], "the pod's slice")
        wait_until(lambda: ips(local, "foo", "bar") == ["10.1.0.1"], "the pod's Endpoints")

    local_proxy.before("GET", "/api/v1/endpoints", become_real)
    run = sync(*local_proxy.options, *mode)
    assert "released" in run.line("~ Service", "foo/bar")
    local.settle()
    assert addresses(slices(local, "foo", "bar", CONTROLLER)) == ["10.1.0.1"]
    assert ips(local, "foo", "bar") == ["10.1.0.1"]
    sync.writes_nothing(*mode)


NAME = "bar-barrelman-ipv4-0"
RELABELED: dict[str, str | None] = {
    "another Service": "other",
    "another mirror": "till",
    "nobody": "gone",
    "none": None,
}


@pytest.mark.parametrize("mode", [(), (SLICES,)], ids=["Endpoints", "slices"])
@pytest.mark.parametrize("service", RELABELED.values(), ids=RELABELED)
def test_a_slice_of_ours_that_somebody_relabels_is_taken_back(
    sync: Sync, remote: ControlPlane, local: ControlPlane, service: str | None, mode: tuple[str, ...]
) -> None:
    """Its name and its managed-by label say whose it is."""
    nodes = list(NODES.values())
    remote.add(node_port("foo", "till", 30081))
    local.add(node_port("foo", "other", 30090, selector={"app": "other"}))
    sync.converges(SLICES)
    edit(local, "foo", NAME, {"metadata": {"labels": {SERVICE_NAME: service}}}, kind="EndpointSlice")
    run = sync(*mode)
    assert run.exit_code == 0, run
    assert f"{SERVICE_NAME}" in run.line("~ EndpointSlice", f"foo/{NAME}")
    assert served(local, "foo", "bar") == {NAME: nodes}
    assert served(local, "foo", "till") == {"till-barrelman-ipv4-0": nodes}
    sync.converges(SLICES)


def test_a_relabeled_slice_goes_with_its_mirror(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    sync.converges(SLICES)
    edit(local, "foo", NAME, {"metadata": {"labels": {SERVICE_NAME: "other"}}}, kind="EndpointSlice")
    remote.api.delete("Service", "bar", "foo")
    sync.converges(SLICES)
    assert local.api.find("EndpointSlice", NAME, "foo") is None


def test_a_slice_that_no_longer_says_that_it_is_ours_is_told(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    sync.converges(SLICES)
    edit(local, "foo", NAME, {"metadata": {"labels": {MANAGED_BY_LABEL: None}}}, kind="EndpointSlice")
    run = sync(SLICES)
    assert run.exit_code == 1
    assert "does not manage" in run.line("! EndpointSlice", f"foo/{NAME}", "failed")
    local.api.delete("EndpointSlice", NAME, "foo")
    sync.converges(SLICES)
    assert served(local, "foo", "bar") == {NAME: nodes}


def test_endpoints_that_no_longer_say_that_they_are_ours_are_taken_back(
    sync: Sync, local: ControlPlane, nodes: list[str]
) -> None:
    sync.converges()
    for manager in (None, "operator.example.com", "endpoint-controller"):
        edit(local, "foo", "bar", {"metadata": {"labels": {ENDPOINTS_MANAGED_BY: manager}}}, kind="Endpoints")
        assert ENDPOINTS_MANAGED_BY in sync.converges().line("~ Endpoints", "foo/bar")


def test_a_strangers_slice_is_not_overwritten_for_its_name(sync: Sync, local: ControlPlane) -> None:
    """The list of slices does not show it, and its resourceVersion may well be that of the list."""
    sync.converges()
    local.settle()
    theirs = local.api.create(slice_object("foo", "bar-barrelman-ipv4-0", "other", "10.9.9.9", manager=STRANGER))
    run = sync(SLICES)
    assert run.exit_code == 1
    assert "does not manage" in run.line("EndpointSlice", "foo/bar-barrelman-ipv4-0", "failed")
    assert "the next run" not in run.stdout
    assert unchanged(theirs, local.api.get("EndpointSlice", "bar-barrelman-ipv4-0", "foo"))
    assert is_there(local, "foo", "bar") == (True, True)  # the Endpoints stay as long as no slice replaces them


def test_slices_of_a_real_service_are_nobody_elses(sync: Sync, local: ControlPlane) -> None:
    """A local Service is kept, and what Kubernetes writes for it is left, whatever labels it has."""
    service = node_port("foo", "other", 30090, selector={"app": "other"}, labels={"shop": "x"})
    local.add(node("a"), service, pod("foo", "other-1", "10.1.0.1", node_name="a", labels={"app": "other"}))
    sync.converges(SLICES)
    wait_until(lambda: addresses(slices(local, "foo", "other", CONTROLLER)) == ["10.1.0.1"], "the pod's slice")
    (before,) = slices(local, "foo", "other", CONTROLLER)
    sync.writes_nothing(SLICES)
    assert names([before]) == names(slices(local, "foo", "other", CONTROLLER))


@pytest.fixture
def orphans(local: ControlPlane) -> None:
    """Leave the Endpoints and slices of a real Service behind, as `kubectl delete --cascade=orphan` does."""
    labels = {"app": "bar"}
    local.add(service("foo", "bar", selector=labels))
    local.add(node("a"), pod("foo", "bar-1", "10.1.0.1", node_name="a", labels=labels))
    wait_until(lambda: addresses(slices(local, "foo", "bar", CONTROLLER)) == ["10.1.0.1"], "the pod's slice")
    wait_until(lambda: ips(local, "foo", "bar") == ["10.1.0.1"], "the pod's Endpoints")
    local.api.delete("Service", "bar", "foo", propagationPolicy="Orphan")
    wait_until(lambda: local.api.find("Service", "bar", "foo") is None, "the Service to go")
    local.settle()
    assert addresses(slices(local, "foo", "bar", CONTROLLER)) == ["10.1.0.1"]  # nobody removes it


@pytest.mark.usefixtures("orphans")
@pytest.mark.parametrize("mode", [(), (SLICES,)], ids=["Endpoints", "slices"])
def test_what_a_service_that_is_gone_left_goes_as_its_mirror_comes(
    sync: Sync, local: ControlPlane, nodes: list[str], mode: tuple[str, ...]
) -> None:
    run = sync.converges(*mode)
    assert "left over" in run.line("- EndpointSlice")
    assert slices(local, "foo", "bar", CONTROLLER) == []
    if mode:
        assert addresses(slices(local, "foo", "bar")) == nodes
        wait_until(lambda: not slices(local, "foo", "bar", MIRRORING), "copies of the pod's Endpoints to go")
    else:
        assert ips(local, "foo", "bar") == nodes


@pytest.mark.usefixtures("orphans")
@pytest.mark.parametrize("mode", [(), (SLICES,)], ids=["Endpoints", "slices"])
def test_what_is_left_stays_where_somebody_else_makes_the_service(
    sync: Sync, local: ControlPlane, local_proxy: Proxy, mode: tuple[str, ...]
) -> None:
    mine = service("foo", "bar", selector={"app": "bar"})
    local_proxy.before("PATCH", "/foo/services/bar", lambda: local.add(mine))
    run = sync(*local_proxy.options, *mode)
    assert run.exit_code == 1
    assert not any("endpoint" in write for write in run.writes)
    local.settle()
    assert addresses(slices(local, "foo", "bar", CONTROLLER)) == ["10.1.0.1"]
    sync.writes_nothing(*mode)


def test_a_relabeled_slice_is_taken_back_by_a_mirror_that_is_created(
    sync: Sync, local: ControlPlane, nodes: list[str]
) -> None:
    sync.converges(SLICES)
    changes: dict[str, object] = {"labels": {SERVICE_NAME: "other"}, "ownerReferences": None}
    edit(local, "foo", NAME, {"metadata": changes}, kind="EndpointSlice")
    local.api.delete("Service", "bar", "foo")
    run = sync.converges(SLICES)
    assert SERVICE_NAME in run.line("~ EndpointSlice", f"foo/{NAME}")
    assert served(local, "foo", "bar") == {NAME: nodes}
