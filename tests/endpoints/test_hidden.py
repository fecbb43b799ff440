"""Endpoints that no caller sees: labels of a former life, a leader election, a mirroring controller that is off."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane, Object, wait_until
from lab.controlplane.objects import endpoints
from tests.endpoints.test_switching import WITHOUT_MIRRORING
from tests.endpoints.views import MIRRORING, SLICES, addresses, slices
from tests.scenarios.command import Sync
from tests.scenarios.views import edit, ips, labels, manual, node_port

SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
HEADLESS = "service.kubernetes.io/headless"
PROXY_NAME = "service.kubernetes.io/service-proxy-name"
LEADER = "control-plane.alpha.kubernetes.io/leader"
HIDING = {SKIP_MIRROR: "true", HEADLESS: "", PROXY_NAME: "other"}
NOTHING_COPIED = "has copied none of our Endpoints"


def leftover(name: str, **metadata: object) -> Object:
    """Return Endpoints that some operator made for a Service."""
    found = endpoints("foo", name, "10.9.9.9")
    found["metadata"].update(metadata)
    return found


def visible(local: ControlPlane, name: str) -> list[str]:
    """Return the addresses that kube-proxy sees: in slices without the labels by which it selects none."""
    found = slices(local, "foo", name, MIRRORING) + slices(local, "foo", name)
    return sorted(addresses(obj for obj in found if not {HEADLESS, PROXY_NAME} & labels(obj).keys()))


@pytest.mark.parametrize("hiding", HIDING)
def test_labels_that_hide_endpoints_are_taken_off(
    sync: Sync, local: ControlPlane, nodes: list[str], hiding: str
) -> None:
    local.add(manual("foo", "baz", 30080), leftover("baz", labels={hiding: HIDING[hiding], "team": "a"}))
    assert f"metadata.labels[{hiding}]" in sync.converges().line("~ Endpoints", "foo/baz")
    wait_until(lambda: visible(local, "baz") == nodes, "the copies")
    found = labels(local.api.get("Endpoints", "baz", "foo"))
    assert (hiding in found, found["team"]) == (False, "a")


def test_a_label_that_comes_later_is_taken_off_too(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    edit(local, "foo", "bar", {"metadata": {"labels": HIDING}}, kind="Endpoints")
    wait_until(lambda: visible(local, "bar") == [], "nothing to be seen")
    run = sync.converges("-o", "json")
    (step,) = (step for step in run.document["steps"] if step["action"] == "update")
    assert {change["path"] for change in step["changes"]} == {f"metadata.labels[{label}]" for label in HIDING}
    wait_until(lambda: visible(local, "bar") == nodes, "the copies")


def test_labels_that_hide_our_slices_are_taken_off(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(SLICES)
    edit(local, "foo", "bar-barrelman-ipv4-0", {"metadata": {"labels": HIDING}}, kind="EndpointSlice")
    assert visible(local, "bar") == []
    sync.converges(SLICES)
    assert visible(local, "bar") == nodes
    (found,) = slices(local, "foo", "bar")
    assert labels(found)[SKIP_MIRROR] == "true"  # hides no slice


def test_labels_that_hide_nothing_stay(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.add(manual("foo", "baz", 30080), leftover("baz", labels={SKIP_MIRROR: "false"}))
    sync.converges()
    wait_until(lambda: visible(local, "baz") == nodes, "the copies")
    assert labels(local.api.get("Endpoints", "baz", "foo"))[SKIP_MIRROR] == "false"


def test_a_leader_election_is_not_disturbed_but_told(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.add(manual("foo", "baz", 30080), leftover("baz", annotations={LEADER: "{}"}))
    sync()
    assert ips(local, "foo", "baz") == nodes
    run = sync.writes_nothing()
    assert "foo/baz" in run.stderr
    assert LEADER in run.stderr
    assert NOTHING_COPIED not in run.stderr
    assert LEADER in local.api.get("Endpoints", "baz", "foo")["metadata"]["annotations"]
    assert LEADER not in sync.converges(SLICES).stderr


def test_a_mirroring_controller_that_is_off_is_told_as_soon_as_it_should_have_copied(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    local.start_controllers(*WITHOUT_MIRRORING)
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "other", 30081))
    assert NOTHING_COPIED not in sync().stderr
    for options in ((), ("--dry-run",)):
        run = sync.writes_nothing(*options)
        assert NOTHING_COPIED in run.stderr
        assert "--endpoint-slices" in run.stderr
    assert NOTHING_COPIED in sync.writes_nothing("-o", "json").document["warnings"][0]
    local.start_controllers()
    wait_until(lambda: visible(local, "bar") == nodes, "the copies")
    assert NOTHING_COPIED not in sync.writes_nothing().stderr


def test_without_endpoints_that_should_be_copied_nothing_is_asked(sync: Sync, local: ControlPlane) -> None:
    local.start_controllers(*WITHOUT_MIRRORING)
    local.add(manual("foo", "real", 30080, selector={"app": "real"}), leftover("somebodys"))
    run = sync.writes_nothing()
    assert NOTHING_COPIED not in run.stderr
    assert len([request for request in run.requests if request.resource == "endpointslices"]) == 1


def test_slices_need_no_copies(sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]) -> None:
    local.start_controllers(*WITHOUT_MIRRORING)
    remote.add(node_port("foo", "bar", 30080))
    sync()
    assert NOTHING_COPIED not in sync.converges(SLICES).stderr
