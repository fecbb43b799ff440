"""The control planes themselves: what the other tests rely on."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest

from lab.controlplane import Api, ApiError, ControlPlane, wait_until
from lab.controlplane.api import KINDS
from lab.controlplane.folders import remove_abandoned
from lab.controlplane.objects import endpoints, node, pod, port, service

ROOT = Path(__file__).parents[2]
ONE_CLUSTER = """
import signal
from lab.controlplane import control_planes
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background may ignore SIGINT
with control_planes("other") as (other,):
    print(other.ca_file.parents[1], *other.pids(), flush=True)
    input()
"""


def names(cluster: ControlPlane, kind: str) -> set[str]:
    """Return the names of all objects of a kind."""
    return {obj["metadata"]["name"] for obj in cluster.api.list(kind)}


def slices_of(cluster: ControlPlane, name: str) -> list[str]:
    """Return the addresses in all EndpointSlices of a Service."""
    found = cluster.api.list("EndpointSlice", labelSelector=f"kubernetes.io/service-name={name}")
    return sorted(ip for obj in found for endpoint in obj["endpoints"] or () for ip in endpoint["addresses"])


def test_the_two_are_different_clusters(remote: ControlPlane, local: ControlPlane) -> None:
    """Different uids, different addresses."""
    uids = {cluster.api.get("Namespace", "kube-system")["metadata"]["uid"] for cluster in (remote, local)}
    addresses = {
        cluster.api.get("Service", "kubernetes", "default")["spec"]["clusterIP"] for cluster in (remote, local)
    }
    assert len(uids) == len(addresses) == 2
    assert remote.url != local.url


def test_a_reset_leaves_nothing(remote: ControlPlane) -> None:
    """Objects with finalizers and a terminating namespace go too; only Kubernetes' own stay."""
    before = {kind: names(remote, kind) for kind in KINDS if kind != "Event"}
    kept = service("shop", "kept", port(80, nodePort=30100))
    kept["metadata"]["finalizers"] = ["example.com/kept"]
    remote.add(node("a", "10.0.0.1"), kept, service("default", "cart"), endpoints("default", "loose", "10.0.0.9"))
    remote.add(pod("shop", "web", "10.1.0.1", node_name="a", labels={"app": "kept"}))
    for kind in ("ConfigMap", "Secret", "ServiceAccount"):
        obj = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "mine", "namespace": "shop"}}
        remote.add(obj, {**obj, "metadata": {"name": "mine", "namespace": "default"}})
    remote.add({"apiVersion": KINDS["ClusterRole"].api_version, "kind": "ClusterRole", "metadata": {"name": "mine"}})
    remote.ensure_namespace("leaving")
    remote.api.delete("Namespace", "leaving")
    remote.reset()
    assert {kind: names(remote, kind) for kind in before} == before
    remote.add(service("shop", "again", port(80, nodePort=30100)))  # the port is free


def test_a_namespace_of_the_same_name_stays_empty(remote: ControlPlane) -> None:
    """No controller brings back what a reset removed."""
    for _ in range(5):
        remote.add(*(service("shop", f"s{number}") for number in range(5)))
        remote.reset()
        remote.ensure_namespace("shop")
        remote.settle()
        assert remote.api.list("Endpoints") == remote.api.list("EndpointSlice") == []


def test_the_controllers_serve_a_selector(remote: ControlPlane) -> None:
    """A ready pod is in the Endpoints and the EndpointSlice of its Service."""
    remote.add(node("a"), service("shop", "cart"))
    remote.add(pod("shop", "cart-1", "10.1.0.1", node_name="a", labels={"app": "cart"}))
    wait_until(lambda: slices_of(remote, "cart") == ["10.1.0.1"], "the slice")
    wait_until(lambda: remote.api.get("Endpoints", "cart", "shop").get("subsets"), "the Endpoints")


def test_controllers_are_switched_off_and_on(local: ControlPlane) -> None:
    """Endpoints are mirrored to slices by the mirroring controller alone; a reset brings it back."""
    local.stop_controllers()
    local.add(service("shop", "cart", selector=None), endpoints("shop", "cart", "10.0.0.1"))
    assert slices_of(local, "cart") == []
    local.start_controllers("endpointslice-mirroring-controller")
    wait_until(lambda: slices_of(local, "cart") == ["10.0.0.1"], "the mirrored slice")
    local.stop_controllers()
    local.reset()
    local.add(service("shop", "cart", selector=None), endpoints("shop", "cart", "10.0.0.2"))
    local.settle()
    assert slices_of(local, "cart") == ["10.0.0.2"]


def test_what_belongs_to_a_service_goes_with_it(local: ControlPlane) -> None:
    """The garbage collector works."""
    local.add(service("shop", "cart", selector=None))
    owner = {"apiVersion": "v1", "kind": "Service", "name": "cart"}
    owner["uid"] = local.api.get("Service", "cart", "shop")["metadata"]["uid"]
    owned = {"name": "owned", "namespace": "shop", "ownerReferences": [owner]}
    local.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": owned})
    local.api.delete("Service", "cart", "shop")
    wait_until(lambda: local.api.find("ConfigMap", "owned", "shop") is None, "the owned object to go")


def test_a_token_has_its_own_permissions_only(remote: ControlPlane) -> None:
    """RBAC is on: what no role grants is refused."""
    remote.add({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": "shop"}})
    rbac = KINDS["ClusterRole"].api_version
    rules = [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}]
    subjects = [{"kind": "ServiceAccount", "name": "reader", "namespace": "shop"}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"}
    metadata = {"name": "reader"}
    remote.add({"apiVersion": rbac, "kind": "ClusterRole", "metadata": metadata, "rules": rules})
    binding = {"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": metadata}
    remote.add({**binding, "roleRef": role, "subjects": subjects})
    reader = remote.client(remote.service_account_token("shop", "reader"))
    wait_until(lambda: may_list(reader, "Service"), "the binding to count")
    assert not may_list(reader, "Node")


def may_list(client: Api, kind: str) -> bool:
    """Say whether the API server lets this client list."""
    try:
        client.list(kind)
    except ApiError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return False
    return True


def test_requests_are_recorded_when_their_answer_is_here(remote: ControlPlane) -> None:
    """All of them, with what they asked; not what the tests' own client asked."""
    remote.add({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": "shop"}})
    remote.api.list("Node")
    client = remote.client(remote.service_account_token("shop", "nobody"))
    for _ in range(20):
        mark = remote.mark()
        assert not may_list(client, "Service")
        (request,) = remote.requests("tests", since=mark)
        assert (request.verb, request.resource, request.status) == ("list", "services", 403)
        assert (request.user, request.uri) == ("system:serviceaccount:shop:nobody", "/api/v1/services")
    assert len(remote.requests("tests")) == 20
    assert remote.requests("somebody-else") == []


def test_managers_of_fields(local: ControlPlane) -> None:
    """A test can write as anybody: with an update, and with apply."""
    local.ensure_namespace("shop")
    written = local.api.create(service("shop", "cart", selector=None), manager="barrelman")
    wanted = {key: written[key] for key in ("apiVersion", "kind")}
    wanted["metadata"] = {"name": "cart", "namespace": "shop", "labels": {"a": "b"}}
    applied = local.api.apply(wanted, manager="barrelman-sync")
    managers = {(entry["manager"], entry["operation"]) for entry in applied["metadata"]["managedFields"]}
    assert managers == {("barrelman", "Update"), ("barrelman-sync", "Apply")}


def test_a_kubeconfig_is_private(remote: ControlPlane) -> None:
    """Only its owner may read the token in it."""
    assert stat.S_IMODE(remote.kubeconfig().stat().st_mode) == 0o600


@contextmanager
def another_run() -> Iterator[tuple[subprocess.Popen[str], Path, list[int]]]:
    """Run one more cluster in a process of its own, beside ours."""
    command = [sys.executable, "-c", ONE_CLUSTER]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            folder, *pids = run.stdout.readline().split()
            yield run, Path(folder), [int(pid) for pid in pids]
        finally:
            run.kill()


def is_running(pid: int) -> bool:
    """Say whether the process runs; one that only waits to be collected does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_ended_run_leaves_nothing(remote: ControlPlane, ending: signal.Signals) -> None:
    """No process and no folder, however a run ends; and a run beside it never notices."""
    with another_run() as (run, folder, pids):
        assert len([pid for pid in pids if is_running(pid)]) == 3
        run.send_signal(ending)
        run.wait()
        wait_until(lambda: not any(map(is_running, pids)), "the servers to end")
    remove_abandoned()  # as the next run would
    assert not folder.exists()
    remote.add(service("shop", "cart"))
    remote.settle()
