"""--prefer-same-zone: callers stay in their zone as long as it has a remote node."""

from __future__ import annotations

import pytest

from lab.controlplane import wait_until
from lab.controlplane.objects import ZONE
from lab.dataplane import Pod
from tests.traffic.lab import EXCLUDE, URL, Lab, serve

OPTIONS = ("--endpoint-slices", "--prefer-same-zone")
Pods = dict[str, Pod]


@pytest.fixture
def pods(lab: Lab) -> Pods:
    """Serve on each remote node, and mirror. With the policy Local, the node that is called answers itself."""
    found = {pod.by: pod for pod in serve(lab.remote, externalTrafficPolicy="Local")}
    lab.mirror(*OPTIONS)
    return found


@pytest.mark.usefixtures("pods")
def test_callers_stay_in_their_zone(lab: Lab) -> None:
    for caller, answers in (("y1", "x1-1"), ("y2", "x2-1")):
        calls = lab.local.node(caller).call(URL, 200)
        lab.tell(caller, calls)
        assert (calls.failed, set(calls.by)) == (0, {answers})


def test_callers_leave_a_zone_whose_node_is_drained(lab: Lab, pods: Pods) -> None:
    with lab.load() as load:
        load.go_on(100)
        node = lab.remote.node("x1")
        node.label(**EXCLUDE)
        lab.mirror(*OPTIONS)
        load.go_on(100)
        pods["x1-1"].leave()
        node.leave()
        node.die()
        load.go_on(200)
    lab.tell("y1, while the node of its zone goes", load.tally)
    assert load.tally.failed == 0
    calls = lab.call(count=60)
    assert (calls.failed, set(calls.by)) == (0, {"x2-1", "x3-1"})


@pytest.mark.usefixtures("pods")
def test_callers_in_a_zone_without_a_remote_node_use_all(lab: Lab) -> None:
    y1 = lab.local.node("y1")
    with lab.load() as load:
        load.go_on(100)
        y1.label(**{ZONE: "zone-d"})
        wait_until(lambda: set(y1.call(URL, 30).by) == {"x1-1", "x2-1", "x3-1"}, "the calls to leave zone-a")
        load.go_on(100)
    lab.tell("y1, while it gets another zone", load.tally)
    assert load.tally.failed == 0


def test_callers_use_all_without_the_option(lab: Lab, pods: Pods) -> None:
    """The option is taken back under load."""
    with lab.load() as load:
        load.go_on(100)
        lab.mirror("--endpoint-slices")
        load.go_on(100)
    lab.tell("y1, while the option is taken back", load.tally)
    assert load.tally.failed == 0
    assert set(lab.call(count=60).by) == set(pods)
