"""--nodeportsvc: node ports are allocated once in a cluster, so the order of writes counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node, port, service
from tests.scenarios.command import Sync
from tests.scenarios.views import is_there, manual, mirror_of, node_port, node_ports, set_ports

pytestmark = pytest.mark.usefixtures("nodes")
NODE_PORTS = "--nodeportsvc"


def reassign(remote: ControlPlane, numbers: Mapping[str, int]) -> None:
    """Give the remote's Services in foo these node ports, whoever has them now."""
    for name in numbers:
        if remote.api.find("Service", name, "foo"):
            remote.api.delete("Service", name, "foo")
    remote.add(*(node_port("foo", name, number) for name, number in numbers.items()))


def test_node_ports_change_hands_in_one_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane, subtests: pytest.Subtests
) -> None:
    for what, numbers in {
        "new": {"a": 30001, "b": 30002, "c": 30003},
        "swap": {"a": 30002, "b": 30001, "c": 30003},
        "ring": {"a": 30001, "b": 30003, "c": 30002},
        "chain": {"a": 30003, "b": 30002, "c": 30004},
        "chain-to-a-new-one": {"d": 30004, "a": 30005, "b": 30003, "c": 30002},
    }.items():
        with subtests.test(what):
            reassign(remote, numbers)
            sync.converges(NODE_PORTS)
            assert {name: node_ports(mirror_of(local, "foo", name)) for name in numbers} == {
                name: [number] for name, number in numbers.items()
            }


def test_a_deleted_mirror_frees_its_node_port_for_another(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    reassign(remote, {"a": 30001, "b": 30002})
    sync.converges(NODE_PORTS)
    remote.api.delete("Service", "a", "foo")
    reassign(remote, {"b": 30001, "new": 30002})
    held = sync(NODE_PORTS, "--max-deletes", "0")
    assert held.exit_code == 3
    updated = held.line("Service", "foo/b", "update held back")
    created = held.line("Service", "foo/new", "create held back")
    assert "needs node port 30001 of foo/a, whose step is held back" in updated
    assert "needs node port 30002 of foo/b, whose step is held back" in created
    sync.converges(NODE_PORTS)
    assert [node_ports(mirror_of(local, "foo", name)) for name in ("b", "new")] == [[30001], [30002]]
    assert is_there(local, "foo", "a") == (False, False)


def test_one_that_a_stranger_holds_is_reported_and_the_others_are_done(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    local.add(service("other", "stranger", port(80, nodePort=30001)))
    local.settle()
    remote.add(node_port("foo", "bar", 30001), node_port("foo", "fine", 30002))
    run = sync(NODE_PORTS)
    assert run.exit_code == 1
    line = run.line("! Service", "foo/bar", "failed")
    assert "local cluster" in line
    assert "provided port is already allocated" in line
    assert is_there(local, "foo", "bar") == (False, False)
    assert node_ports(mirror_of(local, "foo", "fine")) == [30002]
    local.api.delete("Service", "stranger", "other")
    sync.converges(NODE_PORTS)
    assert node_ports(mirror_of(local, "foo", "bar")) == [30001]


def together(sync: Sync, *options: str) -> None:
    """Let two runs go on at once, and expect that both succeed."""
    runs = [run.finish() for run in [sync.start(*options) for _ in range(2)]]
    assert [run.exit_code for run in runs] == [0, 0], runs


def test_two_runs_at_once_create_the_same_services(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    """A server allocates a node port before it stores the Service, so each run meets ports that are taken."""
    names = [f"s{number}" for number in range(20)]
    for _ in range(10):
        remote.add(*(node_port("foo", name, 30000 + number) for number, name in enumerate(names)))
        together(sync, NODE_PORTS)
        assert {name: node_ports(mirror_of(local, "foo", name)) for name in names} == {
            name: [30000 + number] for number, name in enumerate(names)
        }
        for cluster in (remote, local):
            cluster.api.delete_all("Service", "foo")
        local.settle()


def test_two_runs_at_once_move_node_ports(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    """Swaps, of which one is in the middle when the other run looks, and a chain to a new Service."""
    numbers = {f"s{number}": 30000 + number for number in range(10)}
    reassign(remote, numbers)
    sync.converges(NODE_PORTS)
    for _ in range(5):
        swapped = zip(numbers, [numbers[f"s{number ^ 1}"] for number in range(10)], strict=True)
        numbers = dict(swapped)
        reassign(remote, numbers)
        together(sync, NODE_PORTS)
        assert {name: node_ports(mirror_of(local, "foo", name)) for name in numbers} == {
            name: [number] for name, number in numbers.items()
        }
    sync.writes_nothing(NODE_PORTS)


def test_ports_of_a_new_service_that_share_a_node_port(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    """A server refuses to create them (422), and takes them as an update: the remote came to them like this."""
    shared = [port(80, "http", nodePort=30080), port(8080, "udp", protocol="UDP", nodePort=30080)]
    remote.add(service("foo", "bar", shared[0]))
    set_ports(remote, "foo", "bar", *shared)
    run = sync.converges(NODE_PORTS, "-o", "json")
    (step,) = (step for step in run.document["steps"] if step["kind"] == "Service")
    assert (step["action"], step["result"]) == ("create", "done")
    assert run.writes == [
        "patch namespaces foo/foo 201",
        "patch services foo/bar 201",
        "patch services foo/bar 200",
        "patch endpoints foo/bar 201",
    ]
    assert node_ports(mirror_of(local, "foo", "bar")) == [30080, 30080]
    local.api.delete("Service", "bar", "foo")
    local.settle()
    together(sync, NODE_PORTS)
    assert node_ports(mirror_of(local, "foo", "bar")) == [30080, 30080]
    sync.writes_nothing(NODE_PORTS)


def test_shared_node_ports_that_a_stranger_holds(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    """The mirror serves by name, without its node ports, from the first run on."""
    shared = [port(80, "http", nodePort=30080), port(8080, "udp", protocol="UDP", nodePort=30080)]
    remote.add(service("foo", "bar", shared[0]))
    set_ports(remote, "foo", "bar", *shared)
    local.add(service("other", "stranger", port(80, nodePort=30080)))
    for _ in range(2):
        run = sync(NODE_PORTS)
        assert run.exit_code == 1
        assert "provided port is already allocated" in run.line("! Service", "foo/bar", "failed")
        assert is_there(local, "foo", "bar") == (True, True)
        assert node_ports(mirror_of(local, "foo", "bar")) == []
    local.api.delete("Service", "stranger", "other")
    sync.converges(NODE_PORTS)
    assert node_ports(mirror_of(local, "foo", "bar")) == [30080, 30080]


@pytest.fixture
def both(sync: Sync, back: Sync, remote: ControlPlane, local: ControlPlane) -> Callable[[], None]:
    """Let two clusters mirror each other, twice, and expect that then there is nothing to do."""
    local.add(node("m1", "10.1.0.1"))

    def run() -> None:
        for direction in (sync, back, sync, back):
            assert direction(NODE_PORTS).exit_code == 0
        for direction in (sync, back):
            direction.writes_nothing(NODE_PORTS)

    return run


def test_two_clusters_mirror_each_other_and_nothing_resurrects(
    both: Callable[[], None], remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "here", 30001), node_port("foo", "both", 30003))
    local.add(node_port("foo", "there", 30002), node_port("foo", "both", 30004))
    both()
    assert node_ports(mirror_of(local, "foo", "here")) == [30001]
    assert node_ports(mirror_of(remote, "foo", "there")) == [30002]
    for cluster in (remote, local):
        assert cluster.api.get("Service", "both", "foo")["spec"]["selector"] == {"app": "both"}  # each keeps its own
    remote.api.delete("Service", "here", "foo")
    local.api.delete("Service", "there", "foo")
    both()
    for cluster in (remote, local):
        assert [is_there(cluster, "foo", name)[0] for name in ("here", "there", "both")] == [False, False, True]


def test_a_manual_node_port_service_of_the_remote_is_not_mirrored(
    sync: Sync, back: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    local.add(node("m1", "10.1.0.1"))
    remote.add(manual("foo", "manual", 30080, type="NodePort"))
    back.converges()
    assert "manual service" in sync.writes_nothing().line("foo/manual")
    assert is_there(local, "foo", "manual") == (False, False)
