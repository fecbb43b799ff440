"""A preflight of two real clusters: what it may ask, and which Services it tries."""

from __future__ import annotations

import json

from lab.controlplane import ControlPlane, wait_until
from lab.controlplane.objects import node, pod
from tests.scenarios.command import NAMESPACE, Sync
from tests.scenarios.views import node_port
from tests.schema import Document, valid_preflight

NOBODY = "192.0.2.1"
"""An address that belongs to no machine (RFC 5737). What answers there is up to the network of this machine."""


def preflight(sync: Sync, *options: str) -> tuple[int, Document]:
    run = sync("--preflight", "-o", "json", *options)
    assert run.stderr == ""
    document = valid_preflight(json.loads(run.stdout))
    assert document["exitCode"] == run.exit_code
    return run.exit_code, document


def failed(document: Document) -> list[str]:
    return [check["message"] for check in document["checks"] if not check["passed"]]


def test_a_service_without_pods_is_not_tried(sync: Sync, remote: ControlPlane) -> None:
    remote.add(node("n1", NOBODY), node_port("foo", "bar", 30080))
    remote.settle()
    exit_code, document = preflight(sync)
    assert (exit_code, failed(document), document["nodes"]["tried"]) == (0, [], [])
    (told,) = (check["message"] for check in document["checks"] if check["check"] == "node_ports")
    assert told.endswith("none of 1 Services with a TCP port has a ready endpoint at a used node")


def test_a_service_with_a_pod_is_tried(sync: Sync, remote: ControlPlane) -> None:
    remote.add(node("n1", NOBODY), node_port("foo", "bar", 30080))
    remote.add(pod("foo", "bar-1", "10.1.0.1", node_name="n1", labels={"app": "bar"}))
    wait_until(lambda: any(found["endpoints"] for found in remote.api.list("EndpointSlice", "foo")), "the pod's slice")
    _, document = preflight(sync, "--timeout", "10s")
    assert document["nodes"] == {"listed": 1, "used": 1, "tried": [{"node": "n1", "address": NOBODY}]}


def test_an_account_without_any_permission_hears_of_all_that_are_missing(sync: Sync, remote: ControlPlane) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": NAMESPACE}}
    remote.api.apply(account)
    kubeconfig = remote.kubeconfig(remote.service_account_token(NAMESPACE, "nobody"), "nobody")
    exit_code, document = preflight(sync, "--remote-kubeconfig", str(kubeconfig))
    assert exit_code == 1
    missing = [check["permission"] for check in document["checks"] if not check["passed"] and "permission" in check]
    assert sorted(missing) == [
        "get namespaces/kube-system",
        "list endpointslices.discovery.k8s.io",
        "list nodes",
        "list services",
    ]
    assert "remote cluster: 4 permissions missing" in failed(document)
    assert {account["cluster"] for account in document["accounts"]} == {"local", "remote"}
