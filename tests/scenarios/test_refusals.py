"""Writes that a policy refuses in every run: the callers of such a mirror must not pay for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from lab.controlplane import ApiError, ControlPlane, Object, wait_until
from tests.scenarios.command import Sync
from tests.scenarios.views import is_there, mirror_of, node_port, ports, set_ports

API = "/apis/admissionregistration.k8s.io/v1"
PROBE = "refusal-probe"
MODES = {"Endpoints": (), "slices": ("--endpoint-slices",)}
REASONS = {403: "Forbidden", 422: "Invalid"}


@contextmanager
def refused(cluster: ControlPlane, operation: str, status: int = 422) -> Iterator[None]:
    """Refuse the command's writes of Services by this operation; a ConfigMap shows when that counts.

    A policy answers 422 unless it says otherwise.
    """
    rules = [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": ["services", "configmaps"]}
    ]
    ours = f"request.userInfo.username.endsWith(':barrelman-sync') || request.?name.orValue('') == '{PROBE}'"
    spec = {
        "matchConstraints": {"resourceRules": rules},
        "matchConditions": [{"name": "ours", "expression": ours}],
        "validations": [{"expression": "false", "message": f"no {operation} here", "reason": REASONS[status]}],
    }
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "refuse"}}
    binding = {
        **head,
        "kind": "ValidatingAdmissionPolicyBinding",
        "spec": {"policyName": "refuse", "validationActions": ["Deny"]},
    }
    policy = {**head, "kind": "ValidatingAdmissionPolicy", "spec": spec}
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": PROBE, "namespace": "default"}}
    cluster.api.create(probe)
    with ExitStack() as stack:
        stack.callback(cluster.api.delete, "ConfigMap", PROBE, "default")
        stack.callback(wait_until, lambda: not _is_refused(cluster, operation), "the policy to count no longer")
        for plural, obj in (("validatingadmissionpolicies", policy), ("validatingadmissionpolicybindings", binding)):
            cluster.api.request("POST", f"{API}/{plural}", obj)
            stack.callback(cluster.api.request, "DELETE", f"{API}/{plural}/refuse")
        wait_until(lambda: _is_refused(cluster, operation), "the policy to count")
        yield


def _is_refused(cluster: ControlPlane, operation: str) -> bool:
    path = f"/api/v1/namespaces/default/configmaps/{PROBE}"
    obj = cluster.api.get("ConfigMap", PROBE, "default")
    try:
        cluster.api.request("DELETE" if operation == "DELETE" else "PUT", path, _body(obj, operation), dryRun="All")
    except ApiError as error:
        if f"no {operation} here" in str(error):
            return True
        raise
    return False


def _body(obj: Object, operation: str) -> Object | None:
    return None if operation == "DELETE" else {**obj, "data": {"a": "b"}}


def addresses(cluster: ControlPlane, options: tuple[str, ...]) -> list[str]:
    """Return the addresses in what we write for foo/bar in this mode."""
    if not options:
        found = cluster.api.get("Endpoints", "bar", "foo")
        return [address["ip"] for subset in found["subsets"] for address in subset["addresses"]]
    slices = cluster.api.list("EndpointSlice", "foo")
    return sorted(address for found in slices for endpoint in found["endpoints"] for address in endpoint["addresses"])


@pytest.mark.usefixtures("nodes")
@pytest.mark.parametrize("status", REASONS)
@pytest.mark.parametrize("options", MODES.values(), ids=MODES)
def test_the_endpoints_of_a_mirror_that_cannot_be_deleted_follow_the_nodes(
    sync: Sync, options: tuple[str, ...], status: int
) -> None:
    """In the same run, and told; the next run changes nothing more, and fails again."""
    remote, local = sync.remote, sync.local
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(*options)
    remote.api.delete("Service", "bar", "foo")
    remote.api.delete("Node", "n2")
    kind = "EndpointSlice" if options else "Endpoints"
    with refused(local, "DELETE", status):
        run = sync(*options)
        assert run.exit_code == 1, run
        refusal = run.line("! Service", "foo/bar", "failed")
        assert "no DELETE here" in refusal
        assert "Not a permission problem: an admission policy" in refusal
        assert "Service foo/bar could not be written" in run.line(f"! {kind}", "foo/bar", "not tried")
        assert "-10.0.0.2" in run.line(f"~ {kind}", "foo/bar", "fallback done")
        assert "0 deleted" in run.stdout.splitlines()[-1]
        assert addresses(local, options) == ["10.0.0.1"]
        again = sync(*options, "-o", "json")
        assert (again.exit_code, again.writes) == (1, [f"delete services foo/bar {status}"]), again
        assert "fallback" not in json.dumps(again.document["steps"])
        assert addresses(local, options) == ["10.0.0.1"]
    sync.converges(*options)
    assert is_there(local, "foo", "bar") == (False, False)


@pytest.mark.usefixtures("nodes")
@pytest.mark.parametrize("options", MODES.values(), ids=MODES)
def test_endpoints_of_a_port_whose_new_name_is_refused_follow_the_nodes(
    sync: Sync, remote: ControlPlane, local: ControlPlane, options: tuple[str, ...]
) -> None:
    """The endpoints have both names, and the nodes that there are."""
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(*options)
    set_ports(remote, "foo", "bar", {"port": 80, "name": "web", "nodePort": 30080})
    remote.api.delete("Node", "n2")
    with refused(local, "UPDATE"):
        run = sync(*options, "-o", "json")
        assert run.exit_code == 1, run
        (service,) = (step for step in run.document["steps"] if step["kind"] == "Service")
        assert "no UPDATE here" in service["error"]
        assert "fallback" not in service
        (endpoints,) = (step for step in run.document["steps"] if step["kind"] != "Service")
        assert endpoints["result"] == ("failed" if options else "done")
        assert endpoints["changes"][0]["removed"] == ["10.0.0.2"]
        assert addresses(local, options) == ["10.0.0.1"]
        again = sync(*options)
        assert (again.exit_code, again.writes) == (1, ["patch services foo/bar 422"]), again
    assert [name for name, *_ in ports(mirror_of(local, "foo", "bar"))] == ["http"]
    sync(*options)
    sync.converges(*options)
    assert [name for name, *_ in ports(mirror_of(local, "foo", "bar"))] == ["web"]
