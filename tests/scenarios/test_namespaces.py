"""Namespaces: made where missing, never deleted, kept out of where the user says so."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import port
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Proxy
from tests.scenarios.views import ips, is_there, manual, mirror_of, node_port, ports, relabel, set_ports

pytestmark = pytest.mark.usefixtures("nodes")
NO_CREATE = "--no-create-namespaces"


def test_namespaces_are_ignored_on_both_sides(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    local.add(manual("foo", "baz", 30082))
    sync.converges()
    remote.api.delete("Service", "gone", "foo")
    set_ports(remote, "foo", "bar", port(80, "http", nodePort=30090))
    remote.add(node_port("foo", "new", 30083))
    set_ports(local, "foo", "baz", port(80, targetPort=30084))
    run = sync.converges("--ignore-namespace", "foo", "--ignore-namespace", "more")
    for name in ("bar", "gone"):
        assert "ignored namespace" in run.line("Service", f"foo/{name}")
    assert run.writes == ["patch endpoints foo/baz 200"]  # ignoring is about mirroring, not about endpoints
    sync.converges()
    assert is_there(local, "foo", "gone") == (False, False)
    assert ports(mirror_of(local, "foo", "new")) == [("http", "TCP", 80, 30083)]


def test_kube_system_is_ignored_until_it_is_taken_off_the_list(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("kube-system", "dns", 30053), node_port("foo", "bar", 30080))
    local.add(manual("kube-system", "baz", 30082))
    run = sync.converges(BARRELMAN_SYNC_IGNORE_NAMESPACE="foo more")
    assert "ignored namespace kube-system: 1" in run.stdout
    assert (is_there(local, "kube-system", "dns"), ips(local, "kube-system", "baz")) == ((False, False), nodes)
    sync.converges("--ignore-namespace", "-kube-system", "--ignore-namespace", "foo")
    assert [ips(local, "kube-system", name) for name in ("dns", "baz")] == [nodes, nodes]
    assert is_there(local, "foo", "bar") == (False, False)


def test_namespaces_are_left_to_others_on_demand(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("there", "bar", 30081))
    local.ensure_namespace("there")
    run = sync.converges(NO_CREATE)
    assert "namespace foo does not exist" in run.line("foo/bar")
    assert (is_there(local, "foo", "bar"), is_there(local, "there", "bar")) == ((False, False), (True, True))
    assert local.api.find("Namespace", "foo") is None
    local.ensure_namespace("foo")
    sync.converges(NO_CREATE)
    assert is_there(local, "foo", "bar") == (True, True)


def test_services_in_a_terminating_namespace_are_left(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    local.add(manual("foo", "baz", 30082))
    sync.converges()
    local.api.delete("Namespace", "foo")
    relabel(local, "foo", "baz", marker=None)
    remote.api.delete("Service", "gone", "foo")
    remote.add(node_port("foo", "new", 30083))
    run = sync.writes_nothing()
    for name in ("bar", "gone", "baz", "new"):
        assert "namespace foo is terminating" in run.line(f"foo/{name}")


def test_a_namespace_that_begins_to_terminate_during_the_run_fails_its_objects_alone(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy
) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("fine", "bar", 30081))
    local.ensure_namespace("foo")
    local_proxy.before("PATCH", "/foo/services/", lambda: local.api.delete("Namespace", "foo"))
    run = sync(*local_proxy.options)
    assert run.exit_code == 1
    line = run.line("Service", "foo/bar", "failed")
    assert "local cluster" in line
    assert "because it is being terminated. The namespace is being deleted; later runs leave the namespace" in line
    assert (is_there(local, "foo", "bar"), is_there(local, "fine", "bar")) == ((False, False), (True, True))
    sync.writes_nothing()  # now the list says so


def test_a_namespace_that_is_deleted_during_the_run_fails_its_objects_alone(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy
) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("fine", "bar", 30081))
    local.ensure_namespace("foo")

    def delete() -> None:
        local.api.delete("Namespace", "foo")
        local.finish_namespace("foo")

    local_proxy.before("PATCH", "/foo/services/", delete)
    run = sync(*local_proxy.options)
    assert run.exit_code == 1
    assert run.line("Service", "foo/bar", "failed")  # 404, or 403 as long as the API server's cache has it terminating
    assert is_there(local, "fine", "bar") == (True, True)
    sync.converges()
    assert is_there(local, "foo", "bar") == (True, True)
