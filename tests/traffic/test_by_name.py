"""A call by the plain name is answered by the nodes of the other cluster, or fails at once if nobody is there."""

from __future__ import annotations

from collections.abc import Mapping

from lab.controlplane.objects import port, service
from tests.scenarios.views import is_there
from tests.traffic.lab import HTTP, NAME, NAMESPACE, URL, Lab, serve

ADMIN = port(81, "admin", targetPort=8081)
UDP = port(53, "udp", protocol="UDP", targetPort=8082)
HOST = f"{NAME}.{NAMESPACE}.svc.cluster.local"
ADMIN_URL, UDP_URL = f"http://{HOST}:81/", f"udp://{HOST}:53"
FEW = 5  # Linux tells one host six times at once that a UDP port is closed, and then once a second
ANSWERED_ON = {URL: 8080, ADMIN_URL: 8081, UDP_URL: 8082}


def test_every_remote_node_answers_over_tcp_and_udp_each_port_on_its_own(lab: Lab) -> None:
    serve(lab.remote, HTTP, ADMIN, UDP)
    lab.mirror()
    for url, answered_on in ANSWERED_ON.items():
        calls = lab.call(url, count=100)
        lab.tell(url, calls)
        assert calls.failed == 0
        assert set(calls.by) == {"x1-1", "x2-1", "x3-1"}
        assert {call.port for call in calls.calls} == {answered_on}
        # A node that passes a call on to a pod of another node does so with its own address.
        assert {call.seen_as for call in calls.calls} >= {node.host.ipv4 for node in lab.remote.nodes.values()}


def test_pods_call_as_nodes_do(lab: Lab) -> None:
    serve(lab.remote, HTTP, UDP)
    lab.mirror()
    for url in (URL, UDP_URL):
        calls = lab.local.node("y1").call(url, 100, place=1)
        lab.tell(f"from a pod: {url}", calls)
        assert calls.failed == 0
        assert set(calls.by) == {"x1-1", "x2-1", "x3-1"}


def test_callers_hear_at_once_that_the_remote_service_has_gone(lab: Lab) -> None:
    serve(lab.remote, HTTP, UDP)
    lab.mirror()
    lab.remote.api.delete("Service", NAME, NAMESPACE)
    lab.remote.settle()
    all_fail(lab, "no run yet: the remote nodes refuse", {URL: "refused", UDP_URL: "refused"})
    lab.mirror()
    assert is_there(lab.local.plane, NAMESPACE, NAME) == (False, False)
    all_fail(lab, "the mirror has gone", {URL: "no_such_name", UDP_URL: "no_such_name"})


def test_callers_hear_at_once_that_a_mirror_has_no_endpoints(lab: Lab) -> None:
    lab.remote.plane.add(service(NAMESPACE, NAME, HTTP, UDP, externalTrafficPolicy="Local"))  # and no pod
    lab.mirror()
    assert is_there(lab.local.plane, NAMESPACE, NAME) == (True, False)
    # kube-proxy rejects the packet before it leaves the node, and for UDP the sender is told: not permitted.
    all_fail(lab, "no endpoints", {URL: "refused", UDP_URL: "denied"})


def all_fail(lab: Lab, when: str, expected: Mapping[str, str]) -> None:
    """Expect that all calls of each URL fail in this way, and soon."""
    for url, error in expected.items():
        calls = lab.call(url, FEW, "--timeout=2s")
        lab.tell(f"{when}: {url}", calls)
        assert calls.errors == {error: FEW}
