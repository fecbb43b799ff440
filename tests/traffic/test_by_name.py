"""A call by the plain name is answered by the nodes of the other cluster."""

from __future__ import annotations

from lab.controlplane.objects import port
from tests.traffic.lab import HTTP, NAMESPACE, URL, Lab, serve

UDP = port(53, "udp", protocol="UDP", targetPort=8081)


def test_every_remote_node_answers_over_tcp_and_udp(lab: Lab) -> None:
    serve(lab.remote, HTTP, UDP)
    lab.mirror()
    for url in (URL, f"udp://web.{NAMESPACE}.svc.cluster.local:53"):
        calls = lab.call(url, count=60)
        lab.tell(url, calls)
        assert calls.failed == 0
        assert set(calls.by) == {"x1-1", "x2-1", "x3-1"}
