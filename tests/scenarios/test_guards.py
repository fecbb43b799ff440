"""Brakes on deletes: a remote that lists too little must not become an outage."""

from __future__ import annotations

from lab.controlplane import ControlPlane
from lab.controlplane.objects import port
from tests.scenarios.command import Sync
from tests.scenarios.views import ips, is_there, manual, mirror_of, node_port, ports, relabel, set_ports

ALLOW = "--allow-mass-delete"


def mirrors(local: ControlPlane) -> int:
    """Return how many Services there are in namespace foo."""
    return len(local.api.list("Service", "foo"))


def test_five_of_forty_just_go_and_twenty_of_forty_do_not(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(*(node_port("foo", f"s{number}", 30100 + number) for number in range(45)))
    sync.converges("--max-deletes", "0")
    for number in range(40, 45):
        remote.api.delete("Service", f"s{number}", "foo")
    sync.converges()
    assert mirrors(local) == 40
    for number in range(20):
        remote.api.delete("Service", f"s{number}", "foo")
    set_ports(remote, "foo", "s20", port(80, "http", nodePort=30099))
    remote.add(node_port("foo", "new", 30200))
    run = sync()
    assert run.exit_code == 3
    assert not any(write.startswith("delete") for write in run.writes)
    for number in range(20):
        assert ALLOW in run.line("! Service", f"foo/s{number} ", "delete held back")
    assert mirrors(local) == 41
    assert ports(mirror_of(local, "foo", "s20")) == [("http", "TCP", 80, 30099)]
    assert is_there(local, "foo", "new") == (True, True)
    sync.writes_nothing(exit_code=3)
    assert "dry run" in sync.writes_nothing("--dry-run").stdout
    sync.writes_nothing("--dry-run", "--detailed-exitcode", exit_code=4)
    sync.converges(ALLOW)
    assert (mirrors(local), len(local.api.list("Endpoints", "foo"))) == (21, 21)


def test_the_limit_is_the_users(sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]) -> None:
    remote.add(*(node_port("foo", f"s{number}", 30100 + number) for number in range(3)))
    local.add(manual("foo", "baz", 30080))
    sync.converges()
    remote.api.delete("Service", "s0", "foo")
    relabel(local, "foo", "baz", marker=None)
    for limit in ("1", "49%", "0"):  # two of four
        assert "2 of 4 managed" in sync.writes_nothing("--max-deletes", limit, exit_code=3).line("Endpoints", "foo/baz")
    sync.converges("--max-deletes", "50%")
    assert is_there(local, "foo", "s0") == (False, False)
    assert is_there(local, "foo", "baz") == (True, False)


def test_a_single_delete_is_held_back_while_the_remote_lists_no_node(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    remote.api.delete("Service", "bar", "foo")
    remote.api.delete_all("Node")
    run = sync.writes_nothing(exit_code=3)
    assert "no node at all" in run.line("! Service", "foo/bar")
    assert ALLOW in run.line("! Service", "foo/bar")
    assert ips(local, "foo", "bar") == nodes
    sync.converges(ALLOW)
    assert is_there(local, "foo", "bar") == (False, False)


def test_a_run_that_also_fails_says_so_first(sync: Sync, remote: ControlPlane, nodes: list[str]) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "kept", 30081))
    sync.converges()
    remote.api.delete("Service", "bar", "foo")
    remote.api.delete_all("Node")
    run = sync.writes_nothing(exit_code=1)  # wins over 3
    assert "no node at all" in run.line("! Service", "foo/bar")
    assert "no node can be used" in run.line("Endpoints", "foo/kept")


def test_mirrors_of_this_source_or_of_none_are_counted(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(*(node_port("foo", f"s{number}", 30100 + number) for number in range(4)))
    sync.converges()
    relabel(local, "foo", "s0", source=None)
    relabel(local, "foo", "s1", source="two")
    for number in range(4):
        remote.api.delete("Service", f"s{number}", "foo")
    run = sync.writes_nothing("--max-deletes", "0", exit_code=3)
    assert "3 of 3 managed services would be removed, more than 0" in run.line("! Service", "foo/s0", "held back")
    assert "under the name two" in run.line("Service", "foo/s1")
