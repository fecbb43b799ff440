"""Load balancers, affinity and protocols: what else of a Service reaches its mirror and the endpoints."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane, Object
from lab.controlplane.objects import port, service
from tests.endpoints.views import SLICES, slices
from tests.endpoints.views import ports as slice_ports
from tests.scenarios.command import Sync
from tests.scenarios.views import edit, endpoint_ports, is_there, ports

pytestmark = pytest.mark.usefixtures("nodes")

LOADBALANCER: dict[str, object] = {"type": "LoadBalancer"}
NONE_ALLOCATED: dict[str, object] = {**LOADBALANCER, "allocateLoadBalancerNodePorts": False}
BOTH = "--include-loadbalancers"


def http(**more: str) -> Object:
    return {**port(80, "http", nodePort=30080), **more}


def test_load_balancers_are_mirrored_where_the_user_wants_it(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(service("foo", "lb", http(), **LOADBALANCER))  # type: ignore[arg-type]
    assert "type LoadBalancer: 1" in sync.converges().stdout
    assert is_there(local, "foo", "lb") == (False, False)
    sync.converges(BOTH)
    mirror = local.api.get("Service", "lb", "foo")
    assert (mirror["spec"]["type"], ports(mirror)) == ("ClusterIP", [("http", "TCP", 80, 30080)])
    assert endpoint_ports(local, "foo", "lb") == [("http", "TCP", 30080)]
    sync.converges()
    assert is_there(local, "foo", "lb") == (False, False)


@pytest.mark.parametrize("mode", [(), (SLICES,)], ids=["Endpoints", "slices"])
def test_ports_without_a_node_port_are_skipped(
    sync: Sync, remote: ControlPlane, local: ControlPlane, mode: tuple[str, ...]
) -> None:
    some = (http(), port(443, "https"), port(53, "dns", protocol="UDP"))
    remote.add(
        service("foo", "some", *some, **NONE_ALLOCATED),  # type: ignore[arg-type]
        service("foo", "none", port(80), **NONE_ALLOCATED),  # type: ignore[arg-type]
    )
    run = sync.converges(BOTH, *mode)
    for skipped in ("https/TCP", "dns/UDP"):
        assert f"port {skipped} of Service foo/some is skipped" in run.stderr
    assert "has no node port" in run.line("! Service", "foo/none")
    assert ports(local.api.get("Service", "some", "foo")) == [("http", "TCP", 80, 30080)]
    if mode:
        assert slice_ports(slices(local, "foo", "some")) == [("http", "TCP", 30080, "")]
    else:
        assert endpoint_ports(local, "foo", "some") == [("http", "TCP", 30080)]
    assert is_there(local, "foo", "none") == (False, False)


def affinity(cluster: ControlPlane) -> tuple[str, object]:
    spec = cluster.api.get("Service", "bar", "foo")["spec"]
    return spec["sessionAffinity"], spec.get("sessionAffinityConfig")


def test_session_affinity_is_copied_with_its_time(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    config = {"clientIP": {"timeoutSeconds": 123}}
    remote.add(service("foo", "bar", http(), sessionAffinity="ClientIP", sessionAffinityConfig=config))
    sync.converges()
    assert affinity(local) == ("ClientIP", config)
    edit(remote, "foo", "bar", {"spec": {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 456}}}})
    assert "123 -> 456" in sync.converges().line("~ Service")
    edit(remote, "foo", "bar", {"spec": {"sessionAffinity": "None", "sessionAffinityConfig": None}})
    sync.converges()
    assert affinity(local) == ("None", None)
    edit(remote, "foo", "bar", {"spec": {"sessionAffinity": "ClientIP"}})
    sync.converges()
    assert affinity(local) == ("ClientIP", {"clientIP": {"timeoutSeconds": 10800}})


def app_protocols(cluster: ControlPlane) -> list[object]:
    """Return the appProtocol in the mirror, in its Endpoints and in its slices, where it has them."""
    endpoints = cluster.api.find("Endpoints", "bar", "foo")
    subsets = endpoints["subsets"] if endpoints else []
    found: list[Object] = [
        *cluster.api.get("Service", "bar", "foo")["spec"]["ports"],
        *(entry for subset in subsets for entry in subset["ports"]),
        *(entry for slice_ in slices(cluster, "foo", "bar") for entry in slice_["ports"]),
    ]
    return [entry.get("appProtocol") for entry in found]


@pytest.mark.parametrize("mode", [(), (SLICES,)], ids=["Endpoints", "slices"])
def test_app_protocol_is_copied_everywhere(
    sync: Sync, remote: ControlPlane, local: ControlPlane, mode: tuple[str, ...]
) -> None:
    remote.add(service("foo", "bar", http(appProtocol="kubernetes.io/h2c")))
    sync.converges(*mode)
    assert app_protocols(local) == ["kubernetes.io/h2c"] * 2
    edit(remote, "foo", "bar", {"spec": {"ports": [http(appProtocol="https")]}})
    sync.converges(*mode)
    assert app_protocols(local) == ["https"] * 2
    edit(remote, "foo", "bar", {"spec": {"ports": [http()]}})
    sync.converges(*mode)
    assert app_protocols(local) == [None, None]


@pytest.mark.parametrize("mode", [(), (SLICES,)], ids=["Endpoints", "slices"])
def test_sctp_and_udp_beside_tcp_on_one_number(
    sync: Sync, remote: ControlPlane, local: ControlPlane, mode: tuple[str, ...]
) -> None:
    protocols = ("SCTP", "TCP", "UDP")
    remote.add(service("foo", "bar", *(port(80, p.lower(), protocol=p, nodePort=30080) for p in protocols)))
    sync.converges(*mode)
    assert ports(local.api.get("Service", "bar", "foo")) == [(p.lower(), p, 80, 30080) for p in protocols]
    if mode:
        assert slice_ports(slices(local, "foo", "bar")) == [(p.lower(), p, 30080, "") for p in protocols]
    else:
        assert sorted(endpoint_ports(local, "foo", "bar")) == [(p.lower(), p, 30080) for p in protocols]
