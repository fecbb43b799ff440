"""Ports of a remote Service change: a renumbered node port costs calls until the run, other changes cost none.

The remote itself refuses calls to a renamed port for a moment: its Service has the new name before its endpoints do. So
these tests count from the moment at which the remote's own rules are right.
"""

from __future__ import annotations

import time

import pytest

from lab.controlplane import Object
from lab.controlplane.objects import port
from tests.scenarios.origins import Mode, in_both_modes
from tests.scenarios.views import set_ports
from tests.traffic.lab import NAME, NAMESPACE, Lab, serve

LATE_SECONDS = 0.05
ADMIN = port(81, "admin", targetPort=8081, nodePort=30081)


def url(number: int, scheme: str = "http") -> str:
    return f"{scheme}://{NAME}.{NAMESPACE}.svc.cluster.local:{number}/"


def http(name: str, node_port: int = 30080, protocol: str = "TCP") -> Object:
    return port(80, name, protocol=protocol, targetPort=8080, nodePort=node_port)


def change(lab: Lab, *ports: Object) -> float:
    """Give the remote Service these ports, and return when the remote nodes have them."""
    set_ports(lab.remote.plane, NAMESPACE, NAME, *ports)
    lab.remote.settle()
    return time.time()


@in_both_modes
def test_the_node_port_is_renumbered(lab: Lab, mode: Mode) -> None:
    """Nobody answers at the old number, and only a run can tell callers the new one."""
    serve(lab.remote, http("http"))
    lab.mirror(*mode)
    with lab.load() as load:
        load.go_on()
        assert load.tally.failed == 0
        changed = change(lab, http("http", node_port=30090))
        load.go_on()
        run = time.time()
        lab.mirror(*mode)
        ran = time.time()
        load.go_on(300)
    between, after = load.tally.since(changed).until(run), load.tally.since(ran)
    lab.tell("until the run", between)
    lab.tell("after the run", after)
    assert (between.answered, set(between.errors)) == (0, {"refused"})
    assert after.failed == 0


CHANGES = {
    "renamed": ([http("http")], [http("web")]),
    "renamed, and one more": ([http("http")], [http("web"), ADMIN]),
    "named, since there is one more": ([http("")], [http("http"), ADMIN]),
    "unnamed, since it is alone": ([http("http"), ADMIN], [http("")]),
}


@in_both_modes
@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_ports_change_their_names(lab: Lab, mode: Mode, before: list[Object], after: list[Object]) -> None:
    """Two runs: with Endpoints, the first one adds the new names, and the second one removes the old names.

    The pauses hide a Service that does not wait for the copies: the wait is tested in tests/wire/test_copies.py.
    """
    serve(lab.remote, *before)
    lab.mirror(*mode)
    with lab.load() as load:
        load.go_on()
        changed = change(lab, *after)
        load.go_on()
        lab.mirror(*mode)
        load.go_on(200)
        again = lab.mirror(*mode)
        load.go_on(200)
    lab.tell("while the remote changes them", load.tally.until(changed))
    lab.tell("from then on, through two runs", load.tally.since(changed))
    assert [write.split()[:2] for write in again.writes] == ([] if mode else [["patch", "endpoints"]])
    assert load.tally.since(changed).failed == 0
    assert {call.port for call in load.tally.calls if not call.error} == {8080}
    for each in after:
        assert lab.call(url(each["port"]), count=20).failed == 0


@in_both_modes
def test_a_port_changes_its_name_where_slices_come_late(lab: Lab, mode: Mode) -> None:
    """As on a busy cluster: kube-proxy would see the Service first, and refuse calls for a second."""
    serve(lab.remote, http("http"))
    with lab.local.late(lab.local.node("y1"), "endpointslices", LATE_SECONDS):
        lab.mirror(*mode)
        with lab.load() as load:
            load.go_on()
            changed = change(lab, http("web"))
            load.go_on()
            lab.mirror(*mode)
            load.go_on(200)
            lab.mirror(*mode)
            load.go_on(200)
    lab.tell("from then on, through two runs", load.tally.since(changed))
    assert load.tally.since(changed).failed == 0


def test_a_port_changes_its_protocol(lab: Lab) -> None:
    """Who calls by the old protocol is refused, and who calls by the new one is answered from the run on."""
    serve(lab.remote, http("dns"))
    lab.mirror()
    change(lab, http("dns", protocol="UDP"))
    with lab.load(url(80, "udp")) as load:
        load.go_on(50)
        assert load.tally.answered == 0
        lab.mirror()
        ran = time.time()
        load.go_on(200)
    lab.tell("UDP, after the run", load.tally.since(ran))
    assert load.tally.since(ran).failed == 0
    assert set(lab.call(url(80), count=5).errors) == {"refused"}
