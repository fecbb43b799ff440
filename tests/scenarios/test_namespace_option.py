"""`--namespace`: each run keeps to its namespaces."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node
from tests.scenarios.command import Sync
from tests.scenarios.origins import Mode, in_both_modes, served, written
from tests.scenarios.views import (
    ips,
    is_there,
    manual,
    node_port,
    relabel,
    set_ports,
)

pytestmark = pytest.mark.usefixtures("nodes")


@in_both_modes
def test_two_runs_of_one_remote_keep_to_their_namespaces(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str], mode: Mode
) -> None:
    for namespace, number in (("a", 30080), ("b", 30090)):
        remote.add(*(node_port(namespace, name, number + n) for n, name in enumerate(("one", "two"))))
        local.add(manual(namespace, "baz", 30100))
    in_a, in_b = (("--namespace", namespace, *mode) for namespace in ("a", "b"))
    run = sync.converges(*in_a)
    assert {write.split()[2].split("/")[0] for write in run.writes} == {"a"}
    assert "outside --namespace" in run.line("! Service", "b/baz", "left")
    assert is_there(local, "b", "one") == (False, False)
    sync.converges(*in_b)
    before = [written(local, "b", name) for name in ("one", "two", "baz")]

    remote.add(node("n3", "10.0.0.3"))
    set_ports(remote, "b", "one", {"port": 81, "name": "http", "nodePort": 30095})
    remote.api.delete("Service", "two", "b")
    for name in ("one", "two"):
        remote.api.delete("Service", name, "a")
    relabel(local, "b", "baz", marker="false")
    held = sync(*in_a, "--max-deletes", "1")
    assert held.exit_code == 3
    assert "2 of 3 managed services would be removed" in held.line("! Service", "a/one")
    sync.converges(*in_a)
    assert is_there(local, "a", "one") == (False, False)
    assert served(local, "a", "baz") == [*nodes, "10.0.0.3"]
    assert [written(local, "b", name)[1:] for name in ("one", "two", "baz")] == [found[1:] for found in before]


def test_a_namespace_that_is_both_named_and_ignored_is_not_mirrored(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(*(node_port(namespace, "bar", 30080 + n) for n, namespace in enumerate(("a", "b", "c"))))
    local.add(manual("b", "baz", 30100))
    run = sync.converges("--namespace", "a", "--namespace", "b", "--ignore-namespace", "b")
    assert "ignored namespace b: 1, outside --namespace: 1" in run.stdout
    assert [is_there(local, namespace, "bar")[0] for namespace in ("a", "b", "c")] == [True, False, False]
    assert ips(local, "b", "baz") == nodes
