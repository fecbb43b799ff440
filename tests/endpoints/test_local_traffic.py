"""externalTrafficPolicy Local: only nodes that have an endpoint answer, and the remote's slices say which."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from lab.controlplane import ApiError, ControlPlane, Object, Request, wait_until
from lab.controlplane.api import KINDS
from lab.controlplane.objects import node, pod
from tests.endpoints.conftest import NODES
from tests.endpoints.views import CONTROLLER, SLICES, addresses, slices
from tests.scenarios.command import Run, Sync
from tests.scenarios.proxy import Proxy, refuse
from tests.scenarios.views import IGNORE, edit, ips, is_there, node_port

LOCAL: dict[str, object] = {"externalTrafficPolicy": "Local"}
REMOTE_USER = "system:serviceaccount:barrelman-sync:barrelman-sync-remote"
REMOTE_SLICES = "/apis/discovery.k8s.io/v1/endpointslices"


@pytest.fixture(autouse=True)
def bar(remote: ControlPlane, nodes: list[str]) -> None:
    """Let bar be served by the nodes that run it, and other by all."""
    remote.add(node_port("foo", "bar", 30080, **LOCAL), node_port("foo", "other", 30081))


def start(remote: ControlPlane, *names: str, service: str = "bar") -> None:
    """Run a ready pod of the Service on each of these nodes."""
    for name in names:
        pod_ip = f"10.1.0.{name[1:]}"
        remote.add(pod("foo", f"{service}-{name}", pod_ip, node_name=name, labels={"app": service}))
        wait_until(lambda name=name: conditions(remote, service, name).get("ready"), "the slice")  # type: ignore[misc]


def stop(remote: ControlPlane, name: str, service: str = "bar", seconds: int = 0) -> None:
    """Let a pod go; with some seconds it keeps serving, as nobody ends it here."""
    remote.api.delete("Pod", f"{service}-{name}", "foo", gracePeriodSeconds=str(seconds))
    expected = {"ready": False, "serving": True, "terminating": True} if seconds else {}
    wait_until(lambda: conditions(remote, service, name) == expected, "the slice")


def conditions(remote: ControlPlane, service: str, name: str) -> Object:
    """Return what the remote says of the endpoint on a node; nothing if there is none."""
    endpoints = (entry for slice_ in slices(remote, "foo", service, CONTROLLER) for entry in slice_["endpoints"] or ())
    return next((dict(entry["conditions"]) for entry in endpoints if entry["nodeName"] == name), {})


def slice_reads(run: Run) -> list[Request]:
    """Return the requests for EndpointSlices at the remote."""
    return [ask for ask in run.requests if ask.resource == "endpointslices" and ask.user == REMOTE_USER]


@pytest.mark.parametrize("mode", [(), (SLICES,)], ids=["Endpoints", "slices"])
def test_the_nodes_that_run_it_and_then_those_that_it_moves_to(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str], mode: tuple[str, ...]
) -> None:
    def found(name: str) -> list[str]:
        return addresses(slices(local, "foo", name)) if mode else ips(local, "foo", name)

    start(remote, "n2")
    sync.converges(*mode)
    assert (found("bar"), found("other")) == ([NODES["n2"]], nodes)
    start(remote, "n3")
    sync.converges(*mode)
    assert found("bar") == [NODES["n2"], NODES["n3"]]
    stop(remote, "n2")
    run = sync.converges(*mode)
    assert f"-{NODES['n2']} (n2)" in run.line("~ Endpoint", "foo/bar")
    assert found("bar") == [NODES["n3"]]


def test_terminating_pods_serve_only_where_no_other_is_ready(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    start(remote, "n1", "n2")
    stop(remote, "n1", seconds=3600)
    sync.converges()
    assert ips(local, "foo", "bar") == [NODES["n2"]]
    stop(remote, "n2")
    sync.converges()
    assert ips(local, "foo", "bar") == [NODES["n1"]]


def test_where_nothing_serves_endpoints_stay_and_that_is_no_failure(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    start(remote, "n1")
    sync.converges()
    stop(remote, "n1")
    remote.add(node_port("foo", "new", 30082, **LOCAL))
    run = sync.converges()
    for name in ("bar", "new"):
        reason = run.line("! Endpoints", f"foo/{name}")
        assert "kept: no used node has a serving endpoint" in reason
    assert ips(local, "foo", "bar") == [NODES["n1"]]
    assert is_there(local, "foo", "new") == (True, False)
    start(remote, "n3", service="new")
    sync.converges()
    assert ips(local, "foo", "new") == [NODES["n3"]]


def test_an_excluded_node_serves_nothing(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node("n4", "10.0.0.4", labels={"operation.gke.io/type": "drain"}))
    start(remote, "n2", "n4")
    sync.converges()
    assert ips(local, "foo", "bar") == [NODES["n2"]]
    stop(remote, "n2")
    assert "kept: " in sync.converges().line("! Endpoints", "foo/bar")
    assert ips(local, "foo", "bar") == [NODES["n2"]]


def test_a_policy_that_changes_is_followed(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    start(remote, "n1")
    sync.converges()
    edit(remote, "foo", "bar", {"spec": {"externalTrafficPolicy": "Cluster"}})
    sync.converges()
    assert ips(local, "foo", "bar") == nodes
    assert local.api.get("Service", "bar", "foo")["spec"].get("externalTrafficPolicy") is None


# --- reading the remote's slices ---------------------------------------------------------------------------------


def test_slices_are_read_only_where_such_a_service_is_mirrored(sync: Sync, remote: ControlPlane) -> None:
    start(remote, "n1")
    (asked,) = slice_reads(sync.converges())
    assert "labelSelector=kubernetes.io%2Fservice-name+in+%28bar%29" in asked.uri
    edit(remote, "foo", "bar", {"metadata": {"annotations": IGNORE}})
    assert slice_reads(sync()) == []
    edit(remote, "foo", "bar", {"metadata": {"annotations": None}, "spec": {"externalTrafficPolicy": "Cluster"}})
    assert slice_reads(sync()) == []


def forbid_slices(sync: Sync) -> None:
    """Take the permission to list slices away, as from a role that was applied before it was needed."""
    role = sync.remote.api.get("ClusterRole", "barrelman-sync-remote")
    role["rules"] = [rule for rule in role["rules"] if "endpointslices" not in rule["resources"]]
    sync.remote.api.replace({**role, "apiVersion": KINDS["ClusterRole"].api_version, "kind": "ClusterRole"})
    client = sync.remote.client(sync.remote_token)

    def forbidden() -> bool:
        try:
            client.list("EndpointSlice")
        except ApiError as error:
            return error.status == HTTPStatus.FORBIDDEN
        return False

    wait_until(forbidden, "the role to count")


@pytest.mark.parametrize("fault", ["403 by RBAC", "500", "503"])
def test_unreadable_slices_cost_those_services_alone(
    sync: Sync, remote: ControlPlane, local: ControlPlane, remote_proxy: Proxy, fault: str
) -> None:
    start(remote, "n1")
    sync.converges()
    remote.add(node("n4", "10.0.0.4"), node_port("foo", "new", 30082, **LOCAL), node_port("foo", "newer", 30083))
    options: tuple[str, ...] = remote_proxy.options
    if "RBAC" in fault:
        forbid_slices(sync)
    else:
        remote_proxy.spoil(REMOTE_SLICES, refuse(int(fault)))
        options = ("--timeout", "12s", *options)  # a part of it is lost in waiting for the fault to pass
    run = sync(*options)
    assert run.exit_code == 1
    assert "could not be read" in run.line("! Endpoints", "foo/bar")
    assert "endpointslices" in run.stderr
    assert ips(local, "foo", "bar") == [NODES["n1"]]
    assert is_there(local, "foo", "new") == (True, False)
    for name in ("other", "newer"):
        assert ips(local, "foo", name) == [*NODES.values(), "10.0.0.4"]
    sync.writes_nothing(*options, exit_code=1)
