"""Whose a mirror is: two clusters of one name, and a remote that was made anew.

A third control plane is the second remote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lab.controlplane import ControlPlane, control_planes
from lab.controlplane.objects import node
from tests.scenarios.command import Sync
from tests.scenarios.origins import Mode, in_both_modes, served, uid_of, uids, written
from tests.scenarios.views import (
    SOURCE,
    SOURCE_UID,
    annotations_of,
    edit,
    is_there,
    labels,
    manual,
    node_port,
    relabel,
)

pytestmark = pytest.mark.usefixtures("nodes")
PROD = ("--remote-name", "prod")
ADOPT_PROD = ("--adopt-source", "prod")


@pytest.fixture(scope="module")
def third(clusters: tuple[ControlPlane, ...]) -> Iterator[ControlPlane]:
    """Return one more control plane for all tests of this module."""
    with control_planes("third") as (plane,):
        yield plane


@pytest.fixture
def other(third: ControlPlane, sync: Sync, tmp_path: Path) -> Sync:
    """Return the command from the third cluster, which has one node, to the local one."""
    third.reset()
    third.add(node("n9", "10.0.0.9"))
    return Sync(third, sync.local, tmp_path / "other")


# --- two clusters of one name ------------------------------------------------------------------------------------


@in_both_modes
def test_two_clusters_of_one_name_do_not_touch_each_others_mirrors(sync: Sync, other: Sync, mode: Mode) -> None:
    remote, third, local = sync.remote, other.remote, sync.local
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    third.add(node_port("foo", "bar", 30090), node_port("foo", "own", 30091))
    sync.converges(*PROD, *mode)
    before = written(local, "foo", "bar") + written(local, "foo", "gone")
    assert uids(local, "foo", "bar") == {uid_of(remote)}

    run = other(*PROD, *mode)
    assert run.exit_code == 1
    for name in ("bar", "gone"):
        line = run.line("! Service", f"foo/{name}", "left")
        assert f"uid {uid_of(remote)}" in line
        assert "(--remote-name)" in line
        assert "(--adopt-source prod)" in line
    summary = run.stdout.splitlines()[-1]
    assert summary.startswith("failed: 2 created")
    assert "left (from another cluster that is called prod" in summary
    assert {write.split()[2] for write in run.writes} <= {"foo/own", "foo/own-barrelman-ipv4-0"}
    assert (served(local, "foo", "own"), uids(local, "foo", "own")) == (["10.0.0.9"], {uid_of(third)})

    other.writes_nothing(*PROD, *mode, exit_code=1)
    assert "foo/own" in sync.writes_nothing(*PROD, *mode, exit_code=1).stdout
    assert written(local, "foo", "bar") + written(local, "foo", "gone") == before


@in_both_modes
def test_with_a_name_of_its_own_the_second_cluster_is_mirrored_beside_the_first(
    sync: Sync, other: Sync, mode: Mode
) -> None:
    remote, third, local = sync.remote, other.remote, sync.local
    remote.add(node_port("foo", "bar", 30080))
    third.add(node_port("foo", "bar", 30090), node_port("foo", "own", 30091))
    sync.converges(*PROD, *mode)
    run = other.converges("--remote-name", "prod-2", *mode)
    assert "mirrored from prod" in run.line("foo/bar")
    assert "mirrored from prod-2" in sync.writes_nothing(*PROD, *mode).line("foo/own")
    assert (uids(local, "foo", "bar"), uids(local, "foo", "own")) == ({uid_of(remote)}, {uid_of(third)})


def test_two_clusters_of_one_name_may_each_have_a_namespace(sync: Sync, other: Sync) -> None:
    remote, third, local = sync.remote, other.remote, sync.local
    remote.add(node_port("a", "bar", 30080))
    third.add(node_port("b", "bar", 30090))
    sync.converges(*PROD, "--namespace", "a")
    other.converges(*PROD, "--namespace", "b")
    assert "outside --namespace" in sync.writes_nothing(*PROD, "--namespace", "a").line("b/bar")
    assert (uids(local, "a", "bar"), uids(local, "b", "bar")) == ({uid_of(remote)}, {uid_of(third)})


# --- a remote that was made anew ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "name"),
    [pytest.param(PROD, "prod", id="named"), pytest.param((), "third", id="by default")],
)
@in_both_modes
def test_a_remote_made_anew_takes_over_on_demand(
    sync: Sync, other: Sync, named: Sequence[str], name: str, mode: Mode
) -> None:
    """Until then, nothing is deleted, and callers keep what they have."""
    remote, third, local = sync.remote, other.remote, sync.local
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    third.add(node_port("foo", "bar", 30090))
    local.add(manual("foo", "baz", 30082))
    sync.converges("--remote-name", name, *mode)
    run = other.writes_nothing(*named, *mode, exit_code=1)
    assert f"--adopt-source {name}" in run.line("! Service", "foo/baz", "left")
    assert served(local, "foo", "bar") == ["10.0.0.1", "10.0.0.2"]

    other.converges(*named, "--adopt-source", name, *mode)
    other.writes_nothing(*named, *mode)
    assert is_there(local, "foo", "gone") == (False, False)
    for service in ("bar", "baz"):
        assert served(local, "foo", service) == ["10.0.0.9"]
    found = [*written(local, "foo", "bar"), *written(local, "foo", "baz")[1:]]
    assert {annotations_of(obj)[SOURCE_UID] for obj in found} == {uid_of(third)}
    assert {labels(obj)[SOURCE] for obj in found} == {name}


def test_what_another_cluster_owned_under_another_name_is_adopted_in_one_run(sync: Sync, other: Sync) -> None:
    """As when services move from one cluster to the next: the user names the former one."""
    remote, third, local = sync.remote, other.remote, sync.local
    remote.add(node_port("foo", "bar", 30080))
    third.add(node_port("foo", "bar", 30090))
    sync.converges("--remote-name", "blue")
    assert "mirrored from blue" in other.writes_nothing("--remote-name", "green").line("foo/bar")
    other.converges("--remote-name", "green", "--adopt-source", "blue")
    other.writes_nothing("--remote-name", "green")
    assert (uids(local, "foo", "bar"), served(local, "foo", "bar")) == ({uid_of(third)}, ["10.0.0.9"])


def test_an_empty_uid_counts_as_none(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    for kind in ("Service", "Endpoints"):
        edit(local, "foo", "bar", {"metadata": {"annotations": {SOURCE_UID: ""}}}, kind=kind)
    sync.converges()
    assert uids(local, "foo", "bar") == {uid_of(remote)}


# --- manual services ---------------------------------------------------------------------------------------------


@in_both_modes
def test_a_manual_service_is_served_by_the_remote_in_its_label_or_else_by_the_first(
    sync: Sync, other: Sync, mode: Mode
) -> None:
    local = sync.local
    local.add(manual("foo", "first", 30080), manual("foo", "labeled", 30081, labels={SOURCE: "two"}))
    one, two = ("--remote-name", "one", *mode), ("--remote-name", "two", *mode)
    sync.converges(*one)
    run = other.converges(*two)
    assert "served from one" in run.line("foo/first")
    assert "served from two" in sync.writes_nothing(*one).line("foo/labeled")
    assert served(local, "foo", "labeled") == ["10.0.0.9"]
    assert {annotations_of(obj)[SOURCE_UID] for obj in written(local, "foo", "labeled")[1:]} == {uid_of(other.remote)}

    relabel(local, "foo", "first", source="two")
    sync.writes_nothing(*one)
    other.converges(*two)
    assert served(local, "foo", "first") == ["10.0.0.9"]


def test_a_manual_service_that_nobody_asks_for_any_more_is_told_to_a_cluster_of_the_same_name(
    sync: Sync, other: Sync, local: ControlPlane
) -> None:
    """Its remote may be gone, and its endpoints still draw traffic."""
    local.add(manual("foo", "baz", 30080))
    sync.converges(*PROD)
    relabel(local, "foo", "baz", marker=None)
    run = other.writes_nothing(*PROD, exit_code=1)
    assert "--adopt-source prod" in run.line("! Endpoints", "foo/baz", "left")
    other.converges(*PROD, *ADOPT_PROD)
    assert is_there(local, "foo", "baz") == (True, False)
