"""A remote that is no Kubernetes: what it may say of names, ports, addresses and itself, and what a run makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from click.testing import Result

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.model.names import Key
from tests.schema import valid
from tests.wire import answers
from tests.wire.commands import Sides, invoke
from tests.wire.fakeapi import FakeApi
from tests.wire.objects import endpoints, mirror, namespace, node, node_port
from tests.wire.store import Object

pytestmark = pytest.mark.usefixtures("in_process")

ODD = "a\n\x1b]0;title\x07\u202e+ Service shop/forged\x9b31m"
SERVICES, NODES = "/api/v1/services", "/api/v1/nodes"
SYSTEM = "/api/v1/namespaces/kube-system"
GOOD = ["/api/v1/namespaces/shop", "/api/v1/namespaces/shop/services/good", "/api/v1/namespaces/shop/endpoints/good"]
NAMES = ("../../kube-system/services/dns", "..", ".", "", "good?force=true", "good#", "%2e%2e", ODD, "x" * 10_000)


def run(sides: Sides, *options: str) -> Result:
    return invoke(*sides.arguments, *options)


def says(sides: Sides, path: str, *items: Object) -> None:
    """The remote lists these objects."""
    body = {"metadata": {"resourceVersion": "1"}, "items": [*items]}
    sides.remote.rule_for_ever("GET", path, answers.raw(200, json.dumps(body).encode()))


def service(name: str = "good", space: str = "shop", **spec: Any) -> Object:
    made = node_port(name)
    return {**made, "metadata": {"name": name, "namespace": space}, "spec": {**made["spec"], **spec}}


def written(sides: Sides) -> list[str]:
    return [request.path for request in sides.writes]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:30])
def test_a_name_leads_to_no_other_object(sides: Sides, name: str) -> None:
    """As a part of a URL, such a name would be the name of an object in another namespace."""
    says(sides, SERVICES, service(name), service(space=name), service())
    result = run(sides)
    assert (result.exit_code, written(sides)) == (0, GOOD)
    assert "2 not eligible (name that Kubernetes does not allow: 2)" in result.stdout
    assert len(result.stdout) < 1000


@pytest.mark.parametrize("name", ["../x", "..", ".", "a/b", "a?b", "a#b", "a%2fb", "a\\b"])
def test_the_client_sends_no_such_name(api: FakeApi, client: ClusterClient, name: str) -> None:
    """Whoever asks it to."""
    for key in (Key("shop", name), Key(name, "cart")):
        with pytest.raises(ClusterError, match="is not the name of an object"):
            client.apply(resources.Service, key, {})
    assert api.requests == []


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_documents_stay_valid(sides: Sides, output: str) -> None:
    says(sides, SERVICES, service(), service("types", type=ODD), service(ODD))
    status = {"addresses": [{"type": "InternalIP", "address": ODD}]}
    says(sides, NODES, node("a", "10.0.0.1"), {"metadata": {"name": ODD}, "status": status})
    result = run(sides, "-o", output, "--dry-run")
    document = valid(yaml.safe_load(result.stdout))
    assert result.stdout.isascii()
    assert document["notEligible"] == {"name that Kubernetes does not allow": 1, "type unknown": 1}
    assert [entry["node"] for entry in document["nodes"]["excluded"]] == [ODD]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_text_and_log_stay_lines(sides: Sides, log_format: str) -> None:
    """Labels, taints, reasons, messages and headers of the remote."""
    bad = {"metadata": {"name": ODD, "labels": {ODD: ODD}}, "spec": {"taints": [{"key": ODD}]}}
    says(sides, NODES, node("a", "10.0.0.1"), bad)
    says(sides, SERVICES, service(externalTrafficPolicy="Local"), service("b", externalTrafficPolicy=ODD))
    status = {"kind": "Status", "reason": ODD, "message": ODD, "code": 418}
    refusal = answers.raw(403, json.dumps(status).encode(), Warning='299 - "\x1b[31m"')
    sides.remote.rule_for_ever("GET", "/apis/discovery.k8s.io/v1/endpointslices", refusal)
    result = run(sides, "-vv", "--log-format", log_format)
    assert result.exit_code == 1
    assert "title" in result.stderr
    assert result.output.replace("\n", "").isprintable()
    assert not any(line.startswith("+ Service shop/forged") for line in result.output.splitlines())


def test_a_preflight_stays_lines(sides: Sides) -> None:
    says(sides, NODES, {"metadata": {"name": ODD}}, node("a", ODD))
    says(sides, SERVICES, service(ODD))
    result = run(sides, "--preflight")
    assert "0 of 2 nodes used" in result.stdout
    assert result.output.replace("\n", "").isprintable()


def test_a_context_with_an_odd_name_in_a_usage_error(tmp_path: Any) -> None:
    config = {"current-context": ODD, "contexts": [{"name": ODD, "context": {"cluster": ODD}}], "clusters": []}
    (tmp_path / "config").write_text(json.dumps(config))
    result = invoke("--local-kubeconfig", str(tmp_path / "config"), "--remote-kubeconfig", str(tmp_path / "config"))
    assert result.exit_code == 2
    assert "title" in result.stderr
    assert result.output.replace("\n", "").isprintable()


PORTS: dict[str, Object] = {
    "a negative node port": {"port": 80, "nodePort": -5},
    "node port 70000": {"port": 80, "nodePort": 70_000},
    "huge numbers": {"port": 10**40, "nodePort": 10**40},
    "port 0": {"port": 0, "nodePort": 30_080},
    "a name that is no name": {"port": 80, "nodePort": 30_080, "name": ODD[:40]},
    "an appProtocol that is none": {"port": 80, "nodePort": 30_080, "appProtocol": ODD},
}


@pytest.mark.parametrize("port", PORTS.values(), ids=PORTS)
def test_an_impossible_port_is_skipped_with_its_reason(sides: Sides, port: Object) -> None:
    says(sides, SERVICES, service("bad", ports=[port]), service())
    result = run(sides)
    assert (result.exit_code, written(sides)) == (0, GOOD)
    assert (
        "shop/bad  skipped: a port, or the session affinity, has a value that Kubernetes does not allow"
        in result.stdout
    )


def test_an_object_that_comes_twice(sides: Sides) -> None:
    says(sides, SERVICES, service(), service())
    says(sides, NODES, node("a", "10.0.0.1"), node("a", "10.0.0.1"))
    assert (run(sides).exit_code, written(sides)) == (0, GOOD)
    assert len(sides.writes) == len(GOOD)
    assert run(sides).exit_code == 0
    assert len(sides.writes) == len(GOOD)


@pytest.mark.parametrize("uid", ["", "../x", ODD, "u" * 64, "a b"], ids=ascii)
def test_a_remote_without_a_real_uid_is_refused(sides: Sides, uid: str) -> None:
    """The uid becomes an annotation of every mirror, and says whose it is."""
    body = {"metadata": {"name": "kube-system", "uid": uid}}
    sides.remote.rule_for_ever("GET", SYSTEM, answers.raw(200, json.dumps(body).encode()))
    result = run(sides)
    assert (result.exit_code, sides.writes) == (1, [])
    assert "its uid is none that Kubernetes gives" in result.stderr


# --- addresses --------------------------------------------------------------------------------------------------


def api_server(sides: Sides) -> None:
    """The local API server answers at 10.0.0.1 and fd00::1; 10.96.0.1 is its ClusterIP."""
    own = {"apiVersion": "v1", "metadata": {"namespace": "default", "name": "kubernetes"}}
    spec = {"type": "ClusterIP", "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "ports": []}
    subset = {"addresses": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}], "ports": [{"port": 6443}]}
    sides.local.store.add({**own, "kind": "Service", "spec": spec}, {**own, "kind": "Endpoints", "subsets": [subset]})


@pytest.mark.parametrize("address", ["fd00:0::1", "10.0.0.1"])
def test_callers_are_not_sent_to_the_local_api_server(sides: Sides, address: str) -> None:
    api_server(sides)
    says(sides, NODES, node("a", address), node("b", "10.0.0.2"))
    result = run(sides)
    assert result.exit_code == 0
    assert "1 of 2 nodes used (InternalIP that is the local API server's address here: overlapping" in result.stdout
    made = sides.local.store.get("/api/v1/namespaces/shop/endpoints/cart")
    assert [entry["ip"] for entry in made["subsets"][0]["addresses"]] == ["10.0.0.2"]


def test_the_api_server_is_in_no_plan(sides: Sides) -> None:
    """Its Endpoints are read, and nothing else changes."""
    before = run(sides, "--dry-run", "-o", "json").stdout
    api_server(sides)
    says(sides, NODES, node("a", "10.0.0.7"), node("b", "10.0.0.2"))
    after = json.loads(run(sides, "--dry-run", "-o", "json").stdout)
    assert [step["name"] for step in after["steps"]] == [step["name"] for step in json.loads(before)["steps"]]
    assert after["nodes"]["excluded"] == []


def test_a_mirror_gives_up_the_address_of_the_local_api_server(sides: Sides) -> None:
    api_server(sides)
    sides.local.store.add(namespace("shop"), mirror("cart"), endpoints("cart", "10.0.0.1", "10.0.0.2"))
    assert "subsets.addresses: -10.0.0.1 (a)" in run(sides).stdout
