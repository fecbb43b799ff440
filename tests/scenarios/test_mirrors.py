"""Automatic mirrors: what the remote does, the local cluster follows."""

from __future__ import annotations

from typing import Any

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node, port, service
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Proxy
from tests.scenarios.views import (
    ENDPOINTS_MANAGED_BY,
    IGNORE,
    MANAGED_BY,
    MARKER,
    SOURCE,
    edit,
    endpoint_ports,
    ips,
    is_there,
    labels,
    manual,
    mirror_of,
    node_port,
    ports,
    set_ports,
    unchanged,
)

pytestmark = pytest.mark.usefixtures("nodes")


def test_a_node_port_service_appears_with_namespace_and_endpoints(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    run = sync.converges()
    assert [line[:2] for line in run.stdout.splitlines()[:-1]] == ["+ "] * 3
    mirror = mirror_of(local, "foo", "bar")
    assert (mirror["spec"]["type"], ports(mirror)) == ("ClusterIP", [("http", "TCP", 80, 30080)])
    assert "selector" not in mirror["spec"]
    assert (ips(local, "foo", "bar"), endpoint_ports(local, "foo", "bar")) == (nodes, [("http", "TCP", 30080)])


def test_all_that_is_made_says_whose_it_is(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    ours = {SOURCE: "remote", MANAGED_BY: "barrelman-sync"}
    mirror, endpoints = mirror_of(local, "foo", "bar"), local.api.get("Endpoints", "bar", "foo")
    namespace = labels(local.api.get("Namespace", "foo"))
    assert ours.items() <= namespace.items()
    assert labels(mirror) == {**ours, MARKER: "managed-resource"}
    assert labels(endpoints) == {**ours, MARKER: "true", ENDPOINTS_MANAGED_BY: "barrelman-sync"}
    (owner,) = endpoints["metadata"]["ownerReferences"]
    assert owner == {"apiVersion": "v1", "kind": "Service", "name": "bar", "uid": mirror["metadata"]["uid"]}


def test_a_moved_node_port_is_followed(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    set_ports(remote, "foo", "bar", port(80, "http", nodePort=30081))
    run = sync.converges()
    assert "30080 -> 30081" in run.line("~ Service")
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", 80, 30081)]
    assert endpoint_ports(local, "foo", "bar") == [("http", "TCP", 30081)]


PORTS = {
    "removed": [("http", "TCP", 80, 0)],
    "replaced": [("c", "TCP", 82, 2), ("http", "TCP", 80, 0)],
    "added": [("b", "TCP", 81, 1), ("c", "TCP", 82, 2), ("http", "TCP", 80, 0)],
    "renamed": [("b", "TCP", 81, 1), ("web", "TCP", 80, 0)],
    "renumbered": [("b", "TCP", 81, 1), ("http", "TCP", 8080, 0)],
    "names-swapped": [("b", "TCP", 80, 0), ("http", "TCP", 81, 1)],
    "node-ports-swapped": [("b", "TCP", 81, 0), ("http", "TCP", 80, 1)],
    "to-udp": [("b", "UDP", 81, 1), ("http", "TCP", 80, 0)],
    "unnamed": [("", "TCP", 80, 0)],
}
NUMBERS = {name: 30100 + 10 * place for place, name in enumerate(PORTS)}


def test_ports_are_followed(sync: Sync, remote: ControlPlane, local: ControlPlane, subtests: pytest.Subtests) -> None:
    for name, first in NUMBERS.items():
        remote.add(service("foo", name, port(80, "http", nodePort=first), port(81, "b", nodePort=first + 1)))
    sync.converges()
    for name, after in PORTS.items():
        wanted = [port(n, p, protocol=protocol, nodePort=NUMBERS[name] + add) for p, protocol, n, add in after]
        set_ports(remote, "foo", name, *wanted)
    sync()  # endpoints of a port that gets another name keep the old one until the next run
    sync.converges()
    for name, after in PORTS.items():
        with subtests.test(name):
            expected = [(p, protocol, number, NUMBERS[name] + add) for p, protocol, number, add in after]
            assert ports(mirror_of(local, "foo", name)) == expected
            assert endpoint_ports(local, "foo", name) == [(p, protocol, target) for p, protocol, _, target in expected]


def test_tcp_and_udp_share_a_number(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    both = [port(53, "dns", nodePort=30053), port(53, "dns-udp", protocol="UDP", nodePort=30053)]
    remote.add(service("foo", "dns", *both))
    sync.converges()
    assert ports(mirror_of(local, "foo", "dns")) == [("dns", "TCP", 53, 30053), ("dns-udp", "UDP", 53, 30053)]
    set_ports(remote, "foo", "dns", both[1])
    sync.converges()
    assert ports(mirror_of(local, "foo", "dns")) == [("dns-udp", "UDP", 53, 30053)]


def test_affinity_and_app_protocol_are_copied(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    config = {"clientIP": {"timeoutSeconds": 600}}
    web = port(80, "http", nodePort=30080, appProtocol="kubernetes.io/h2c")
    remote.add(service("foo", "bar", web, sessionAffinity="ClientIP", sessionAffinityConfig=config))
    sync.converges()
    spec = mirror_of(local, "foo", "bar")["spec"]
    assert (spec["sessionAffinity"], spec["sessionAffinityConfig"]) == ("ClientIP", config)
    assert spec["ports"][0]["appProtocol"] == "kubernetes.io/h2c"
    edit(remote, "foo", "bar", {"spec": {"sessionAffinity": "None", "sessionAffinityConfig": None}})
    sync.converges()
    spec = mirror_of(local, "foo", "bar")["spec"]
    assert (spec["sessionAffinity"], "sessionAffinityConfig" in spec) == ("None", False)


def test_a_deleted_service_goes_and_its_namespace_stays(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))  # the only one
    sync.converges()
    remote.api.delete("Service", "bar", "foo")
    sync.converges()
    assert is_there(local, "foo", "bar") == (False, False)
    assert local.api.get("Namespace", "foo")["status"]["phase"] == "Active"


def test_a_local_service_wins_until_it_is_gone(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    local.add(service("foo", "bar", port(8080), type="ClusterIP"))
    local.settle()
    before = [local.api.get(kind, "bar", "foo") for kind in ("Service", "Endpoints")]
    assert "a local Service with this name already exists" in sync.writes_nothing().line("foo/bar")
    after = [local.api.get(kind, "bar", "foo") for kind in ("Service", "Endpoints")]
    assert all(map(unchanged, before, after))
    local.api.delete("Service", "bar", "foo")
    local.settle()
    sync.converges()
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", 80, 30080)]


def test_a_service_that_is_no_longer_to_be_mirrored_goes_and_returns(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "ignored", 30080), node_port("foo", "inner", 30081))
    sync.converges()
    edit(remote, "foo", "ignored", {"metadata": {"annotations": IGNORE}})
    edit(remote, "foo", "inner", {"spec": {"type": "ClusterIP", "ports": [port(80, "http")]}})
    sync.converges()
    assert [is_there(local, "foo", name) for name in ("ignored", "inner")] == [(False, False)] * 2
    edit(remote, "foo", "ignored", {"metadata": {"annotations": {MARKER: None}}})
    edit(remote, "foo", "inner", {"spec": {"type": "NodePort", "ports": [port(80, "http", nodePort=30090)]}})
    sync.converges()
    assert [is_there(local, "foo", name) for name in ("ignored", "inner")] == [(True, True)] * 2


def test_a_delete_says_what_became_of_the_remote_service(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    kinds = ("gone", "inner", "outer", "named")
    remote.add(*(node_port("foo", name, 30080 + number) for number, name in enumerate(kinds)))
    sync.converges()
    remote.api.delete("Service", "gone", "foo")
    edit(remote, "foo", "inner", {"spec": {"type": "ClusterIP", "ports": [port(80, "http")]}})
    edit(remote, "foo", "outer", {"spec": {"type": "LoadBalancer"}})
    edit(remote, "foo", "named", {"spec": {"type": "ExternalName", "externalName": "example.com", "clusterIP": None}})
    assert "type LoadBalancer: 1" in sync("--dry-run").stdout
    assert "--include-loadbalancers" not in sync("--dry-run", "--include-loadbalancers").stdout
    run = sync.converges()
    assert "the remote has no Service of this name" in run.line("- Service", "foo/gone")
    assert "the remote Service is of type ClusterIP now" in run.line("- Service", "foo/inner")
    assert "the remote Service is of type ExternalName now" in run.line("- Service", "foo/named")
    for kind in ("- Service", "- Endpoints"):
        assert "of type LoadBalancer now, see --include-loadbalancers" in run.line(kind, "foo/outer")
    assert is_there(local, "foo", "outer") == (False, False)


def test_a_service_that_is_being_deleted_is_gone_already(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    edit(remote, "foo", "bar", {"metadata": {"finalizers": ["example.com/slow"]}})
    remote.api.delete("Service", "bar", "foo")
    sync.converges()
    assert is_there(local, "foo", "bar") == (False, False)


def test_a_week_without_a_run_is_made_up_for_in_one(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "gone", 30080), node_port("foo", "moved", 30081), node_port("foo", "kept", 30082))
    sync.converges()
    remote.api.delete("Service", "gone", "foo")
    set_ports(remote, "foo", "moved", port(80, "http", nodePort=30091))
    remote.add(node_port("new", "come", 30083), node("n3", "10.0.0.3"))
    for name in ("n1", "n2"):
        remote.api.delete("Node", name)
    sync.converges()
    assert is_there(local, "foo", "gone") == (False, False)
    assert ports(mirror_of(local, "foo", "moved")) == [("http", "TCP", 80, 30091)]
    assert [ips(local, *key) for key in (("foo", "kept"), ("foo", "moved"), ("new", "come"))] == [["10.0.0.3"]] * 3


def test_load_balancers_are_mirrored_on_demand(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(service("foo", "bar", port(80, "http", nodePort=30080), type="LoadBalancer"))
    sync.writes_nothing()
    sync.converges("--include-loadbalancers")
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", 80, 30080)]
    assert mirror_of(local, "foo", "bar")["spec"]["type"] == "ClusterIP"


def test_only_services_whose_labels_match_are_mirrored(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "web", 30080, labels={"tier": "web"}), node_port("foo", "db", 30081))
    local.add(manual("foo", "baz", 30100))
    selected = "--service-selector", "tier in (web,api),!internal"
    run = sync.converges(*selected)
    assert "not eligible (does not match --service-selector: 1, type ClusterIP: 1)" in run.stdout
    assert [is_there(local, "foo", name) for name in ("web", "db", "baz")] == [
        (True, True),
        (False, False),
        (True, True),
    ]
    edit(remote, "foo", "web", {"metadata": {"labels": {"internal": ""}}})
    held = sync(*selected, "--max-deletes", "0")
    assert held.exit_code == 3
    assert is_there(local, "foo", "web") == (True, True)
    run = sync.converges(*selected)
    for kind in ("- Service", "- Endpoints"):
        assert "the remote Service no longer matches --service-selector" in run.line(kind, "foo/web")
    assert is_there(local, "foo", "web") == (False, False)
    sync.converges()
    assert [is_there(local, "foo", name) for name in ("web", "db")] == [(True, True)] * 2


def test_ports_without_a_node_port_are_skipped_with_a_warning(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    none: dict[str, Any] = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}
    remote.add(
        service("foo", "some", port(80, "http", nodePort=30080), port(81, "b"), **none),
        service("foo", "none", port(80, "http"), **none),
    )
    run = sync.converges("--include-loadbalancers")
    assert "port b/TCP of Service foo/some" in run.stderr
    assert "has no node port" in run.line("foo/none")
    assert ports(mirror_of(local, "foo", "some")) == [("http", "TCP", 80, 30080)]
    assert is_there(local, "foo", "none") == (False, False)


def test_what_is_not_eligible_is_counted_and_what_is_skipped_is_named(sync: Sync, remote: ControlPlane) -> None:
    remote.add(
        service("foo", "inner", type="ClusterIP"),
        node_port("kube-system", "dns", 30053),
        node_port("foo", "ignored", 30080, annotations=IGNORE),
        manual("foo", "manual", 80, type="NodePort"),
    )
    document = sync.writes_nothing("-o", "json").document
    assert document["notEligible"] == {"ignored namespace kube-system": 1, "type ClusterIP": 2}
    assert [skip["name"] for skip in document["skipped"]] == ["ignored", "manual"]


def test_long_lists_are_read_page_by_page(
    sync: Sync, remote: ControlPlane, local: ControlPlane, remote_proxy: Proxy
) -> None:
    remote.add(*(node_port("foo", f"s{number}", 30080 + number) for number in range(5)))
    remote_proxy.limit = 2
    sync.converges(*remote_proxy.options)
    assert len(local.api.list("Endpoints", "foo")) == 5
