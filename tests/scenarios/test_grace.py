"""--delete-grace: a mirror that is no longer wanted is marked, waits, and goes or comes back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from lab.controlplane import ControlPlane, Object, wait_until
from lab.controlplane.objects import node, port
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Proxy
from tests.scenarios.test_policies import policy
from tests.scenarios.views import (
    IGNORE,
    MIRROR,
    edit,
    endpoint_ports,
    ips,
    is_there,
    mirror_of,
    node_port,
    node_ports,
    ports,
    unchanged,
)

pytestmark = pytest.mark.usefixtures("nodes")

MARK = "tfw.io/barrelman-orphaned-since"
HOUR = ("--delete-grace", "1h")
LONG_AGO = "2020-01-01T00:00:00Z"


def annotations_of(obj: Object) -> dict[str, str]:
    return dict(obj["metadata"].get("annotations", {}))


def mark_of(local: ControlPlane, name: str = "bar") -> str | None:
    return annotations_of(mirror_of(local, "foo", name)).get(MARK)


def set_mark(local: ControlPlane, mark: str | None, name: str = "bar") -> Object:
    """Let somebody write another mark, who holds it from then on."""
    return edit(local, "foo", name, {"metadata": {"annotations": {MARK: mark}}})


def orphan(sync: Sync, *names: str) -> None:
    """Make mirrors whose remote Services are gone."""
    found = names or ("bar",)
    sync.remote.add(*(node_port("foo", name, 30080 + number) for number, name in enumerate(found)))
    sync.converges()
    for name in found:
        sync.remote.api.delete("Service", name, "foo")


def identity(obj: Object) -> tuple[str, str]:
    return obj["metadata"]["uid"], obj["spec"]["clusterIP"]


def without_us(obj: Object) -> dict[str, Any]:
    """Return all of an object but the mark, its version and what managedFields say of us."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
    others = [entry for entry in metadata["managedFields"] if entry["manager"] != "barrelman-sync"]
    kept = {key: value for key, value in annotations_of(obj).items() if key != MARK}
    return {**obj, "metadata": {**metadata, "managedFields": others, "annotations": kept}}


def test_a_mirror_waits_follows_the_nodes_and_comes_back_as_it_was(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    orphan(sync)
    before = mirror_of(local, "foo", "bar")
    run = sync.converges(*HOUR)
    assert run.line("~ Service", "foo/bar").endswith(": the remote has no Service of this name")
    assert run.writes == ["patch services foo/bar 200"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", mark_of(local) or "")
    assert without_us(mirror_of(local, "foo", "bar")) == without_us(before)

    remote.add(node("n3", "10.0.0.3"))
    remote.api.delete("Node", "n1")
    run = sync.converges(*HOUR)
    assert "orphaned since" in run.line("! Service", "foo/bar")
    assert (ips(local, "foo", "bar"), endpoint_ports(local, "foo", "bar")) == (
        ["10.0.0.2", "10.0.0.3"],
        [("http", "TCP", 30080)],
    )

    remote.add(node_port("foo", "bar", 30090))
    run = sync.converges(*HOUR)
    assert f"metadata.annotations[{MARK}]: " in run.line("~ Service", "foo/bar")
    after = mirror_of(local, "foo", "bar")
    assert (mark_of(local), identity(after)) == (None, identity(before))
    assert (ports(after), endpoint_ports(local, "foo", "bar")) == (
        [("http", "TCP", 80, 30090)],
        [("http", "TCP", 30090)],
    )


@pytest.mark.parametrize("by_another", [False, True], ids=["our mark", "a mark that somebody changed"])
@pytest.mark.parametrize("grace", [HOUR, ()], ids=["with a grace", "without"])
def test_the_mark_goes_whoever_holds_it(
    sync: Sync, remote: ControlPlane, local: ControlPlane, grace: tuple[str, ...], *, by_another: bool
) -> None:
    orphan(sync)
    before = mirror_of(local, "foo", "bar")
    sync.converges(*HOUR)
    if by_another:
        set_mark(local, LONG_AGO)
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(*grace)
    after = mirror_of(local, "foo", "bar")
    assert (annotations_of(after), identity(after)) == (annotations_of(before), identity(before))
    assert [entry["operation"] for entry in after["metadata"]["managedFields"]] == ["Apply"]


@pytest.mark.parametrize("options", [(), ("--endpoint-slices",)], ids=["Endpoints", "slices"])
def test_the_first_run_after_the_grace_deletes(sync: Sync, local: ControlPlane, options: tuple[str, ...]) -> None:
    sync.converges(*options)
    orphan(sync)
    sync.converges(*options, *HOUR)
    set_mark(local, LONG_AGO)
    run = sync.converges(*options, *HOUR)
    assert "the remote has no Service of this name" in run.line("- Service", "foo/bar")
    assert is_there(local, "foo", "bar") == (False, False)
    assert local.api.list("EndpointSlice", "foo") == []


def test_a_short_grace_passes_by_itself(sync: Sync, local: ControlPlane) -> None:
    orphan(sync)
    assert sync("--delete-grace", "2s").exit_code == 0
    assert mark_of(local)

    def is_gone() -> bool:
        assert sync("--delete-grace", "2s").exit_code == 0
        return not is_there(local, "foo", "bar")[0]

    wait_until(is_gone, "the end of the grace")
    assert is_there(local, "foo", "bar") == (False, False)


def test_without_a_grace_a_marked_mirror_goes(sync: Sync, local: ControlPlane) -> None:
    orphan(sync)
    sync.converges(*HOUR)
    sync.converges()
    assert is_there(local, "foo", "bar") == (False, False)


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("2999-01-01T00:00:00Z", "the mark said 2999-01-01T00:00:00Z, which is in the future"),
        ("tomorrow", "the mark said 'tomorrow', which is no time"),
        ("", "the mark said '', which is no time"),
    ],
)
def test_a_mark_of_no_use_counts_from_now_and_the_run_says_so(
    sync: Sync, local: ControlPlane, mark: str, told: str
) -> None:
    orphan(sync)
    set_mark(local, mark)
    run = sync.converges(*HOUR)
    assert f"{told}, so the grace begins now" in run.line("~ Service", "foo/bar", "marked")
    assert mark_of(local) not in {mark, None}
    assert is_there(local, "foo", "bar") == (True, True)


def test_many_marks_are_made_and_many_that_are_over_meet_the_guard(sync: Sync, local: ControlPlane) -> None:
    names = [f"s{number}" for number in range(4)]
    orphan(sync, *names)
    sync.converges(*HOUR, "--max-deletes", "3")
    for name in names:
        set_mark(local, LONG_AGO, name)
    run = sync.writes_nothing(*HOUR, "--max-deletes", "3", exit_code=3)
    assert "4 of 4 managed services would be removed" in run.line("! Service", "foo/s0", "held back")
    sync.converges(*HOUR, "--max-deletes", "3", "--allow-mass-delete")
    assert local.api.list("Service", "foo") == []


def test_nothing_foreign_is_touched(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    orphan(sync)
    theirs = {"labels": {"team": "a"}, "annotations": {"example.com/note": 'line\n"two" ~1/', "example.com/empty": ""}}
    before = edit(local, "foo", "bar", {"metadata": theirs, "spec": {"externalIPs": ["192.0.2.1"]}})
    sync.converges(*HOUR)
    assert without_us(mirror_of(local, "foo", "bar")) == without_us(before)
    assert mark_of(local)
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(*HOUR)
    assert without_us(mirror_of(local, "foo", "bar")) == without_us(before)
    assert mark_of(local) is None


def test_a_mirror_of_the_original_has_no_annotations_at_all(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    old = node_port("foo", "bar", 30080, type="ClusterIP", selector=None, labels=MIRROR)
    del old["spec"]["ports"][0]["nodePort"]
    old["spec"]["ports"][0]["targetPort"] = 30080
    local.add(old)
    assert "annotations" not in local.api.get("Service", "bar", "foo")["metadata"]
    sync.converges(*HOUR)
    assert annotations_of(mirror_of(local, "foo", "bar")).keys() == {MARK, "tfw.io/barrelman-source-uid"}
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(*HOUR)
    assert annotations_of(mirror_of(local, "foo", "bar")).keys() == {"tfw.io/barrelman-source-uid"}


def test_a_dry_run_shows_the_mark_and_the_plan_stays_the_same(sync: Sync, local: ControlPlane) -> None:
    orphan(sync)
    before = mirror_of(local, "foo", "bar")
    first = sync.writes_nothing(*HOUR, "--dry-run")
    assert "marked, to be deleted after" in first.line("~ Service", "foo/bar")
    assert "1 to mark" in first.stdout
    fingerprint = first.stdout.split()[-1]
    moment = int(time.time())
    wait_until(lambda: time.time() > moment + 1, "another second")
    document = sync.writes_nothing(*HOUR, "--dry-run", "--detailed-exitcode", "-o", "json", exit_code=4).document
    assert document["fingerprint"] == fingerprint
    assert unchanged(before, mirror_of(local, "foo", "bar"))
    sync.writes_nothing("--expect-plan", fingerprint, exit_code=1)  # without a grace it is a delete
    assert sync(*HOUR, "--expect-plan", fingerprint).exit_code == 0
    assert mark_of(local)


def marked(sync: Sync) -> None:
    orphan(sync)


def back(sync: Sync) -> None:
    orphan(sync)
    sync.converges(*HOUR)
    sync.remote.add(node_port("foo", "bar", 30081))


@pytest.mark.parametrize("before", [marked, back])
def test_a_lost_answer_is_no_failure(
    sync: Sync, local: ControlPlane, local_proxy: Proxy, before: Callable[[Sync], None]
) -> None:
    before(sync)
    local_proxy.lose("PATCH", "/services/bar")
    run = sync(*HOUR, *local_proxy.options)
    assert run.exit_code == 0, run
    assert bool(mark_of(local)) == (before is marked)
    sync.writes_nothing(*HOUR)


@pytest.mark.parametrize("before", [marked, back])
def test_a_mirror_that_changed_since_the_list_is_left_to_the_next_run(
    sync: Sync, local: ControlPlane, local_proxy: Proxy, before: Callable[[Sync], None]
) -> None:
    before(sync)
    mark = mark_of(local)
    theirs = {"metadata": {"annotations": {"example.com/note": "now"}}}
    local_proxy.before("PATCH", "/services/bar", lambda: edit(local, "foo", "bar", theirs))
    run = sync(*HOUR, *local_proxy.options)
    assert run.exit_code == 1
    assert "409" in run.line("Service", "foo/bar", "failed")
    assert mark_of(local) == mark
    sync.converges(*HOUR)
    assert bool(mark_of(local)) == (before is marked)
    assert annotations_of(mirror_of(local, "foo", "bar"))["example.com/note"] == "now"


def test_a_mark_that_a_policy_takes_off_is_a_failed_write_and_the_endpoints_follow(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    orphan(sync)
    remote.api.delete("Node", "n1")
    with policy(local, "services", [{"op": "remove", "path": f"/metadata/annotations/{MARK.replace('/', '~1')}"}]):
        run = sync(*HOUR)
    assert run.exit_code == 1
    assert f"metadata.annotations[{MARK}]" in run.line("! Service", "foo/bar", "failed")
    assert (mark_of(local), ips(local, "foo", "bar")) == (None, ["10.0.0.2"])


def test_a_service_that_is_skipped_waits_and_is_served_by_its_serving_nodes(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    """As long as the remote Service is there, what its policy says counts: no node has a pod, so endpoints stay."""
    remote.add(node_port("foo", "bar", 30080, externalTrafficPolicy="Local"))
    sync.converges()
    assert ips(local, "foo", "bar") == []
    edit(remote, "foo", "bar", {"metadata": {"annotations": IGNORE}})
    run = sync.converges(*HOUR)
    assert "the remote Service is annotated to be ignored" in run.line("~ Service", "foo/bar", "marked")
    assert "no used node has a serving endpoint" in run.line("Endpoints", "foo/bar", "kept")


def test_a_node_port_that_another_mirror_needs_does_not_wait(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "old", 30080), node_port("foo", "other", 30081))
    sync.converges("--nodeportsvc")
    for name in ("old", "other"):
        remote.api.delete("Service", name, "foo")
    remote.add(node_port("foo", "new", 30080))
    run = sync.converges("--nodeportsvc", *HOUR)
    assert "foo/new needs node port 30080" in run.line("- Service", "foo/old")
    assert node_ports(mirror_of(local, "foo", "new")) == [30080]
    assert node_ports(mirror_of(local, "foo", "other")) == [30081]
    assert mark_of(local, "other")


def test_a_marked_mirror_that_becomes_a_real_service_is_released(sync: Sync, local: ControlPlane) -> None:
    orphan(sync)
    sync.converges(*HOUR)
    edit(local, "foo", "bar", {"spec": {"selector": {"app": "bar"}, "ports": [port(80, "http", targetPort=8080)]}})
    run = sync.converges(*HOUR)
    assert "released" in run.line("~ Service", "foo/bar")
    assert MIRROR.items() - local.api.get("Service", "bar", "foo")["metadata"].get("labels", {}).items()
