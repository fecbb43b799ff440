"""What something in the cluster makes of a write: a mutating policy whose changes would come back in every run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from lab.controlplane import ApiError, ControlPlane, Object, wait_until
from lab.controlplane.objects import service
from tests.scenarios.command import Sync
from tests.scenarios.views import edit, endpoint_ports, ips, labels, mirror_of, node_port, set_ports

pytestmark = pytest.mark.usefixtures("nodes")
API = "/apis/admissionregistration.k8s.io/v1"
PROBE = "policy-probe"

Patch = list[dict[str, Any]]
Policy = Callable[..., None]
TO_CLUSTER_IP: Patch = [
    {"op": "replace", "path": "/spec/type", "value": "ClusterIP"},
    {"op": "remove", "path": "/spec/ports/0/nodePort"},
    {"op": "remove", "path": "/spec/externalTrafficPolicy"},  # a default, which the server refuses for this type
]


def _cel(patch: Patch) -> str:
    parts = (", ".join(f"{key}: {json.dumps(value)}" for key, value in step.items()) for step in patch)
    return f"[{', '.join(f'JSONPatch{{{part}}}' for part in parts)}]"


@contextmanager
def policy(cluster: ControlPlane, resource: str, patch: Patch) -> Iterator[None]:
    """Change what the command writes to this resource, and mark a ConfigMap, by which a test sees that it counts."""
    mark = {
        "patchType": "JSONPatch",
        "jsonPatch": {"expression": '[JSONPatch{op: "add", path: "/data", value: {"a": "b"}}]'},
    }
    mutation = {"patchType": "JSONPatch", "jsonPatch": {"expression": _cel(patch)}}
    ours = {"name": "ours", "expression": "request.userInfo.username.endsWith(':barrelman-sync')"}
    marked = {"name": "probe", "expression": f"object.metadata.name == '{PROBE}'"}
    # The probe comes last and goes last, so that it tells of the other one, too.
    with ExitStack() as probing, ExitStack() as changing:
        changing.enter_context(_policy(cluster, f"change-{resource}", _rule(resource), [mutation], [ours]))
        probing.enter_context(_policy(cluster, PROBE, _rule("configmaps"), [mark], [marked]))
        wait_until(lambda: _probe(cluster), "the policies to count")
        yield
    wait_until(lambda: not _probe(cluster), "the policies to count no longer")


def _rule(resource: str) -> Object:
    return {
        "apiGroups": ["discovery.k8s.io" if resource == "endpointslices" else ""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": [resource],
    }


@contextmanager
def _policy(
    cluster: ControlPlane, name: str, rule: Object, mutations: list[Object], conditions: list[Object]
) -> Iterator[None]:
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": conditions,
        "mutations": mutations,
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
    }
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    binding = {**head, "kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": name}}
    try:
        cluster.api.request(
            "POST", f"{API}/mutatingadmissionpolicies", {**head, "kind": "MutatingAdmissionPolicy", "spec": spec}
        )
    except ApiError as error:
        if error.status == 404:
            pytest.skip("Kubernetes has such policies by default since 1.36")
        raise
    try:
        cluster.api.request("POST", f"{API}/mutatingadmissionpolicybindings", binding)
        yield
    finally:
        cluster.api.request("DELETE", f"{API}/mutatingadmissionpolicybindings/{name}")
        cluster.api.request("DELETE", f"{API}/mutatingadmissionpolicies/{name}")


def _probe(cluster: ControlPlane) -> bool:
    made = cluster.api.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": PROBE, "namespace": "default"}}
    )
    cluster.api.delete("ConfigMap", PROBE, "default")
    return "data" in made


def test_a_type_that_is_changed_is_a_failed_write_in_every_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    """The endpoints are written all the same, in the first run too: they serve."""
    remote.add(node_port("foo", "bar", 30080), node_port("other", "fine", 30081))
    with policy(local, "services", TO_CLUSTER_IP):
        for _ in range(2):
            run = sync("--nodeportsvc")
            assert run.exit_code == 1
            line = run.line("! Service", "foo/bar", "failed")
            assert "spec.type is ClusterIP, not NodePort" in line
            assert "spec.ports[http].nodePort is missing, not 30080" in line
            assert "mutating admission policy" in line
            assert line.split("failed: ")[1] in run.stderr
            assert ips(local, "foo", "bar") == nodes
    sync.converges("--nodeportsvc")


def test_what_is_changed_is_named_in_the_document(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    with policy(local, "services", [{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 1}]):
        document = sync("-o", "json").document
    (failed,) = (step for step in document["steps"] if step.get("result") == "failed")
    assert (document["exitCode"], failed["kind"]) == (1, "Service")
    assert "spec.ports[http].targetPort is 1, not 30080" in failed["error"]


def test_without_its_label_a_mirror_gets_no_endpoints(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    """The next run takes the Service for a user's."""
    remote.add(node_port("foo", "bar", 30080))
    with policy(local, "services", [{"op": "remove", "path": "/metadata/labels/tfw.io~1barrelman"}]):
        run = sync()
    assert run.exit_code == 1
    assert "metadata.labels[tfw.io/barrelman] is missing, not managed-resource" in run.line("! Service", "failed")
    assert "not tried" in run.line("! Endpoints", "foo/bar")


@pytest.mark.parametrize(
    ("field", "value"), [("clusterIP", "None"), ("selector", {"app": "bar"})], ids=["headless", "with a selector"]
)
def test_a_mirror_that_would_be_released_is_a_failed_write(
    sync: Sync, remote: ControlPlane, local: ControlPlane, field: str, value: object
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    with policy(local, "services", [{"op": "add", "path": f"/spec/{field}", "value": value}]):
        run = sync()
    assert run.exit_code == 1
    assert f"spec.{field}" in run.line("! Service", "foo/bar", "failed")


def test_a_port_that_is_renamed_keeps_the_endpoints_that_serve(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    """They also have the new name, so they would serve the Service after its update, too."""
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    set_ports(remote, "foo", "bar", {"port": 80, "name": "web", "nodePort": 30080})
    with policy(local, "services", [{"op": "replace", "path": "/spec/ports/0/name", "value": "http"}]):
        run = sync()
    assert run.exit_code == 1
    assert endpoint_ports(local, "foo", "bar") == [("http", "TCP", 30080), ("web", "TCP", 30080)]
    sync()
    sync.converges()
    assert endpoint_ports(local, "foo", "bar") == [("web", "TCP", 30080)]


def test_a_new_service_whose_port_is_renamed_is_served_by_the_second_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    with policy(local, "services", [{"op": "replace", "path": "/spec/ports/0/name", "value": "web"}]):
        assert (sync().exit_code, sync().exit_code) == (1, 1)
        both = [("http", "TCP", 30080), ("web", "TCP", 30080)]
        assert endpoint_ports(local, "foo", "bar") == both
        assert ips(local, "foo", "bar") == nodes
        assert sync().exit_code == 1
        assert endpoint_ports(local, "foo", "bar") == both
    sync()
    sync.converges()
    assert endpoint_ports(local, "foo", "bar") == [("http", "TCP", 30080)]


UID = "/metadata/annotations/tfw.io~1barrelman-source-uid"


@pytest.mark.parametrize(
    ("resource", "kind"), [("services", "Service"), ("endpoints", "Endpoints"), ("endpointslices", "EndpointSlice")]
)
def test_a_uid_that_is_taken_off_or_changed_is_a_failed_write(
    sync: Sync, remote: ControlPlane, local: ControlPlane, resource: str, kind: str
) -> None:
    """Otherwise a second cluster of the same name would take the object for its own, or this one for another's."""
    remote.add(node_port("foo", "bar", 30080))
    mode = ["--endpoint-slices"] if kind == "EndpointSlice" else []
    uid = remote.api.get("Namespace", "kube-system")["metadata"]["uid"]
    with policy(local, resource, [{"op": "remove", "path": UID}]):
        for _ in range(2):
            run = sync(*mode)
            assert run.exit_code == 1
            line = run.line(f"! {kind}", "foo/bar", "failed")
            assert f"metadata.annotations[tfw.io/barrelman-source-uid] is missing, not {uid}" in line
    with policy(local, resource, [{"op": "replace", "path": UID, "value": "another"}]):
        run = sync(*mode)
        assert run.exit_code == 1
        assert f"is another, not {uid}" in run.line(f"! {kind}", "foo/bar", "failed")


def test_addresses_that_are_taken_out_are_a_failed_write(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    with policy(local, "endpoints", [{"op": "remove", "path": "/subsets/0/addresses/0"}]):
        run = sync()
    assert run.exit_code == 1
    assert "subsets.addresses" in run.line("! Endpoints", "foo/bar", "failed")
    sync.converges()
    assert ips(local, "foo", "bar") == nodes


def test_new_slices_that_are_changed_do_not_replace_the_endpoints(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    with policy(local, "endpointslices", [{"op": "replace", "path": "/ports/0/port", "value": 1}]):
        run = sync("--endpoint-slices")
    assert run.exit_code == 1
    assert "ports" in run.line("! EndpointSlice", "failed")
    assert ips(local, "foo", "bar") == nodes
    sync.converges("--endpoint-slices")


def test_what_a_policy_adds_is_no_failure(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(service("foo", "bar", *[{"port": 80, "name": "http", "nodePort": 30080}]))
    added: Patch = [
        {"op": "add", "path": "/metadata/labels/team", "value": "a"},
        {"op": "add", "path": "/metadata/annotations/note", "value": "b"},
        {"op": "add", "path": "/spec/publishNotReadyAddresses", "value": True},
    ]
    with policy(local, "services", added):
        sync.converges()
    assert labels(mirror_of(local, "foo", "bar"))["team"] == "a"


def test_a_release_that_is_undone_is_a_failed_write(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    edit(local, "foo", "bar", {"spec": {"selector": {"app": "bar"}}})
    label: Patch = [{"op": "add", "path": "/metadata/labels", "value": {"tfw.io/barrelman": "managed-resource"}}]
    with policy(local, "services", label):
        run = sync()
    assert run.exit_code == 1
    assert "metadata.labels[tfw.io/barrelman]" in run.line("! Service", "failed")
