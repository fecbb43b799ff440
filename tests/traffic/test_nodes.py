"""A remote node goes: announced, it costs no call; without a word, calls fail until the run that sees it.

Once the callers' node has the rules that a run leads to, no call may fail. A SYN that a dead node did not answer stays
in conntrack, but in the lab only for three seconds (hosts.py), and no call comes back to its source port so soon.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from lab.dataplane import Node
from tests.traffic.lab import EXCLUDE, Lab, lost, serve

ANNOUNCE: dict[str, Callable[[Node], None]] = {
    "exclude label": lambda node: node.label(**EXCLUDE),
    "autoscaler taint": lambda node: node.taint("ToBeDeletedByClusterAutoscaler"),
    "drain label of GKE": lambda node: node.label(**{"operation.gke.io/type": "drain"}),
}
LEFT = {"x1-1", "x2-1"}


@pytest.mark.parametrize("announce", ANNOUNCE.values(), ids=ANNOUNCE)
def test_a_node_is_drained(lab: Lab, announce: Callable[[Node], None]) -> None:
    """Announced, a run, its pods leave, the remote's own kube-proxies follow, and then the machine goes."""
    pods, node = serve(lab.remote), lab.remote.node("x3")
    lab.mirror()
    with lab.load() as load:
        load.go_on()
        announce(node)
        lab.mirror()
        pods[2].leave()
        lab.remote.settle()
        load.go_on()
        node.die()
        node.leave()
        gone = time.time()
        load.go_on(200)
        lab.mirror()
        load.go_on()
    lab.tell("in the right order", load.tally)
    assert load.tally.failed == 0
    assert set(load.tally.since(gone).by) == LEFT


def test_a_drained_node_goes_before_its_pods_are_out_of_the_remotes_endpoints(lab: Lab) -> None:
    """The other nodes go on forwarding to the lost pod, and no run can change that."""
    pods, node = serve(lab.remote), lab.remote.node("x3")
    lab.mirror()
    with lab.load(seconds=2) as load:
        load.go_on()
        ANNOUNCE["exclude label"](node)
        lab.mirror()
        node.die()
        node.leave()
        gone = time.time()
        load.go_on(200)
        left = time.time()
        pods[2].leave()
        lab.remote.settle()
    with lab.load() as after:
        after.go_on(200)
    between = load.tally.since(gone).until(left)
    lab.tell("until the pod is out of the remote's endpoints", between)
    lab.tell("after that", after.tally)
    assert lost(between) == {"timeout"}
    assert (after.tally.failed, set(after.tally.by)) == (0, LEFT)


@pytest.mark.parametrize("status", ["Unknown", "False"])
def test_a_node_dies_without_a_word(lab: Lab, status: str) -> None:
    """The remote's control plane sees it first, and then a run does. Each stage ends some of the failures."""
    pods, node = serve(lab.remote), lab.remote.node("x3")
    lab.mirror()
    with lab.load() as before:
        before.go_on()
    assert before.tally.failed == 0
    with lab.load(seconds=2) as load:
        node.die()
        died = time.time()
        load.go_on(200)
        seen = time.time()
        node.ready(status)
        pods[2].ready("False")
        lab.remote.settle()
        followed = time.time()
        load.go_on(200)
        run = time.time()
        lab.mirror()
    with lab.load() as after:
        after.go_on(300)
    unseen, stale = load.tally.since(died).until(seen), load.tally.since(followed).until(run)
    for stage, calls in ("the remote sees it", unseen), ("a run sees it", stale), ("the load ends", after.tally):
        lab.tell(f"until {stage}", calls)
    assert lost(unseen) == lost(stale) == {"timeout"}
    assert (after.tally.failed, set(after.tally.by)) == (0, LEFT)
