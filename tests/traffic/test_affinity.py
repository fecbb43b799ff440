"""Session affinity: a client stays with one remote node, and moves whole when that node goes."""

from __future__ import annotations

from lab.dataplane import Tally
from tests.traffic.lab import EXCLUDE, URL, Lab, serve


def test_a_client_stays_with_one_node_and_moves_whole(lab: Lab) -> None:
    """The node that serves the client is drained, and then dies."""
    # With the policy Local, the pod that answers is on the node that was called.
    served_by = {pod.by: pod for pod in serve(lab.remote, sessionAffinity="ClientIP", externalTrafficPolicy="Local")}
    lab.mirror()
    before = lab.call(count=200)
    lab.tell("y1", before)
    first = only(before)

    other = lab.local.node("y2").call(URL, 200)
    lab.tell("y2", other)
    only(other)

    with lab.load() as load:
        load.go_on(100)
        node = lab.remote.node(first.partition("-")[0])
        node.label(**EXCLUDE)
        lab.mirror()
        load.go_on(100)
        served_by[first].leave()
        node.leave()
        node.die()
        load.go_on(200)
    lab.tell("y1, while its node goes", load.tally)
    assert load.tally.failed == 0
    after = lab.call(count=200)
    lab.tell("y1, after its node went", after)
    assert only(after) != first
    assert set(load.tally.by) == {first, only(after)}


def only(calls: Tally) -> str:
    """Return the one pod that answered all calls."""
    assert (calls.failed, len(calls.by)) == (0, 1), calls
    return calls.calls[0].by
