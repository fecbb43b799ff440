"""externalTrafficPolicy Local: only nodes that have a ready pod answer, and the pod sees who called."""

from __future__ import annotations

import time

from lab.dataplane import Tally
from tests.traffic.lab import NAME, NAMESPACE, Lab, lost, serve

LOCAL = "Local"


def some(lab: Lab) -> Tally:
    """Return some calls, none of which waits for the end of another."""
    with lab.load() as load:
        load.go_on()
    return load.tally


def test_only_nodes_with_a_ready_pod_answer_and_the_pod_sees_the_caller(lab: Lab) -> None:
    """A pod that is not ready counts as none, and the node without a pod is not called."""
    caller = lab.local.node("y1").host.ipv4
    *_, unready = serve(lab.remote, nodes=("x1", "x2"), externalTrafficPolicy=LOCAL)
    lab.mirror()
    both = some(lab)
    lab.tell("pods on two of three nodes", both)
    assert (both.failed, set(both.by), {call.seen_as for call in both.calls}) == (0, {"x1-1", "x2-1"}, {caller})
    unready.ready("False")
    lab.remote.settle()
    lab.mirror()
    one = some(lab)
    lab.tell("one of the pods is not ready", one)
    assert (one.failed, set(one.by), {call.seen_as for call in one.calls}) == (0, {"x1-1"}, {caller})


def test_a_pod_moves_to_another_node(lab: Lab) -> None:
    """The node that lost the pod drops all calls, until the next run."""
    (pod,) = serve(lab.remote, nodes=("x1",), externalTrafficPolicy=LOCAL)
    lab.mirror()
    with lab.load() as before:
        before.go_on()
    assert before.tally.failed == 0
    with lab.load(seconds=2) as load:
        pod.leave()
        lab.remote.pod(NAMESPACE, NAME, on="x2")
        lab.remote.settle()
        moved = time.time()
        load.go_on()
        run = time.time()
        lab.mirror()
    with lab.load() as after:
        after.go_on(300)
    between = load.tally.since(moved).until(run)
    lab.tell("until the next run", between)
    lab.tell("after the run", after.tally)
    assert (between.answered, lost(between)) == (0, {"timeout"})
    assert (after.tally.failed, set(after.tally.by)) == (0, {"x2-1"})


def test_a_pod_moves_and_outlives_the_next_run(lab: Lab) -> None:
    """A pod that ends gracefully goes on answering on its node, so no call fails if a run comes before its end."""
    (pod,) = serve(lab.remote, nodes=("x1",), externalTrafficPolicy=LOCAL)
    lab.mirror()
    with lab.load() as load:
        load.go_on()
        lab.remote.pod(NAMESPACE, NAME, on="x2")
        pod.terminate()
        lab.remote.settle()
        load.go_on()
        lab.mirror()
        pod.leave()
        ran = time.time()
        lab.remote.settle()
        load.go_on(200)
    lab.tell("the pod ends after the run", load.tally)
    assert load.tally.failed == 0
    assert set(load.tally.since(ran).by) == {"x2-1"}
