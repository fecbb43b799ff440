"""What a preflight tries and says. Node ports are tried for real, in a network that has nothing but this test."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from barrelman_sync.preflight import checks
from tests.schema import valid_preflight
from tests.wire import answers
from tests.wire.commands import Sides, invoke
from tests.wire.fakeapi import Exchange
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.lab import ANSWERING, EMPTY_PORT, NODE_PORT, REFUSING, REVIEWS, SILENT, ready_slice, reviews
from tests.wire.objects import node, node_port

WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ROOT = Path(__file__).parents[2]
LAB = ("unshare", "--map-root-user", "--net", sys.executable, "-m", "tests.wire.lab")


def has_networks() -> bool:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return (
        subprocess.run(["unshare", "--map-root-user", "--net", "true"], capture_output=True, check=False).returncode
        == 0
    )


needs_networks = pytest.mark.skipif(not has_networks(), reason="needs unshare and ip, and to be allowed to use them")


def in_lab(*options: str, denied: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LAB, "--preflight", *options],
        cwd=ROOT,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DENIED": denied},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_networks
def test_each_node_port_is_tried() -> None:
    """Only silence means a firewall. Three silent node ports would take no longer than one."""
    done = in_lab("--timeout", "20s")
    *_, used, udp, tried, answering, silent, advice, refusing, summary = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert used == "ok   remote cluster: 3 of 3 nodes used"
    assert udp.startswith("ok   remote cluster: node ports of shop/dns not tested: UDP")
    nodes = f"a ({ANSWERING}), b ({SILENT}), c ({REFUSING})"
    assert tried == f"ok   remote cluster: node ports tried at {nodes}: 3 of 3 used nodes"
    assert answering == f"ok   connection to {ANSWERING} on node port {NODE_PORT} (shop/cart)"
    assert silent == f"FAIL no connection to {SILENT} on node port {NODE_PORT} (shop/cart)"
    assert "Allow traffic from the local cluster's nodes and pods" in advice
    reachable = "refused at once: reachable, no firewall drops it"
    assert refusing == f"ok   connection to {REFUSING} on node port {NODE_PORT} (shop/cart) {reachable}"
    assert summary == "failed: 1 of 33 checks"


@needs_networks
def test_only_used_nodes_are_tried_and_all_is_well() -> None:
    done = in_lab("--allowed-node-cidr", f"{ANSWERING}/32")
    assert (done.returncode, "FAIL" in done.stdout, SILENT in done.stdout) == (0, False, False)
    assert "ok   local and remote are different clusters" in done.stdout
    assert "ok   remote cluster: 1 of 3 nodes used (InternalIP outside --allowed-node-cidr: 2)" in done.stdout
    assert done.stdout.splitlines()[-1] == "passed: all 31 checks"
    assert "ok   local cluster: connected to local at http://127.0.0.1:" in done.stdout
    assert "shop/empty" not in done.stdout


@needs_networks
def test_where_endpoints_cannot_be_listed_all_services_are_tried() -> None:
    done = in_lab("--allowed-node-cidr", f"{REFUSING}/32", denied="remote list endpointslices")
    assert done.returncode == 1
    assert (
        "FAIL remote cluster: EndpointSlices cannot be listed, so Services without endpoints are tested" in done.stdout
    )
    for port, service in ((NODE_PORT, "cart"), (EMPTY_PORT, "empty")):
        assert f"ok   connection to {REFUSING} on node port {port} (shop/{service}) refused at once" in done.stdout


@needs_networks
def test_a_document() -> None:
    done = in_lab("--allowed-node-cidr", f"{ANSWERING}/32", "-o", "json")
    document = valid_preflight(json.loads(done.stdout))
    assert (done.returncode, document["exitCode"]) == (0, 0)
    assert document["nodes"] == {"listed": 3, "used": 1, "tried": [{"node": "a", "address": ANSWERING}]}


@needs_networks
def test_missing_permissions_are_told_as_lines_of_a_role() -> None:
    done = in_lab("--allowed-node-cidr", f"{ANSWERING}/32", denied="local delete services, local patch endpointslices")
    assert done.returncode == 1
    assert "FAIL local cluster: may not delete services\n" in done.stdout
    assert (
        "FAIL local cluster: 2 permissions missing\n     Add these rules to the ClusterRole in the local cluster:\n"
        in done.stdout
    )
    rules = done.stdout.partition("in the local cluster:\n")[2].splitlines()[:6]
    assert [line.removeprefix("     ") for line in rules] == [
        '  - apiGroups: [""]',
        "    resources: [services]",
        "    verbs: [delete]",
        '  - apiGroups: ["discovery.k8s.io"]',
        "    resources: [endpointslices]",
        "    verbs: [patch]",
    ]


# --- without a node port to try ---------------------------------------------------------------------------------


@pytest.fixture
def bare(sides: Sides) -> Sides:
    """The two clusters, of which the remote has no service. A test says what they allow."""
    sides.remove_from_remote("cart")
    return sides


@pytest.fixture
def quiet(bare: Sides) -> Sides:
    """As `bare`, and everything is allowed."""
    for api in (bare.local, bare.remote):
        api.rule_for_ever("POST", REVIEWS, reviews(set()))
    return bare


pytestmark = pytest.mark.usefixtures("in_process")


def test_a_side_that_does_not_answer_does_not_hide_the_other(quiet: Sides) -> None:
    quiet.local.rule_for_ever("GET", "/api/v1/namespaces/kube-system", answers.failure(401))
    result = invoke(*quiet.arguments, "--preflight")
    assert result.exit_code == 1
    assert "FAIL local cluster: no access" in result.stdout
    assert "ok   remote cluster: connected to remote at http" in result.stdout
    assert "ok   remote cluster: 2 of 2 nodes used" in result.stdout


def test_excluded_nodes_and_the_way_to_use_them(quiet: Sides) -> None:
    for name, ip in (("a", "10.0.0.1"), ("b", "10.0.0.2")):
        excluded = node(name, ip)
        excluded["metadata"]["labels"] = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
        quiet.remote.store.add(excluded)
    result = invoke(*quiet.arguments, "--preflight")
    assert "FAIL remote cluster: 0 of 2 nodes used" in result.stdout
    assert "add --use-excluded-nodes, or remove the label." in result.stdout


def test_a_wrong_kubeconfig_does_not_either(quiet: Sides) -> None:
    result = invoke(*quiet.arguments, "--local-context", "no-such", "--preflight")
    assert (result.exit_code, "has no context 'no-such'" in result.stdout) == (1, True)
    assert "ok   remote cluster: connected to remote at http" in result.stdout


def test_twice_the_same_cluster(quiet: Sides) -> None:
    _, local, _, _ = quiet.arguments
    result = invoke("--local-kubeconfig", local, "--remote-kubeconfig", local, "--preflight")
    assert (result.exit_code, "FAIL local and remote are the same cluster" in result.stdout) == (1, True)


def test_a_remote_whose_name_is_no_label(quiet: Sides) -> None:
    path = kubeconfig(quiet.folder, "a:b", quiet.remote.url, insecure_skip_tls_verify=True)
    result = invoke(*quiet.arguments[:2], "--remote-kubeconfig", str(path), "--preflight")
    assert (result.exit_code, "FAIL remote cluster: no usable name" in result.stdout) == (1, True)
    assert "--remote-name" in result.stdout


def test_nothing_is_written(quiet: Sides) -> None:
    assert invoke(*quiet.arguments, "--preflight").exit_code == 0
    assert {request.path for request in quiet.writes} == {REVIEWS, WHO_AM_I}


def test_it_ends_with_its_time(quiet: Sides) -> None:
    result = invoke(*quiet.arguments, "--preflight", "--timeout", "1ms")
    assert result.exit_code == 1
    assert "the time for the run (--timeout 0.001s) is over" in result.stdout


def test_there_is_nothing_to_try(quiet: Sides) -> None:
    result = invoke(*quiet.arguments, "--preflight")
    assert "ok   remote cluster: no node port tested: no Service to mirror has a TCP port" in result.stdout


def test_services_without_ready_endpoints_are_not_tried(quiet: Sides) -> None:
    not_ready = ready_slice("till", "a")
    not_ready["endpoints"][0]["conditions"] = {"ready": False}
    quiet.remote.store.add(node_port("cart"), node_port("till"), not_ready)
    result = invoke(*quiet.arguments, "--preflight")
    assert (
        "no node port tested: none of 2 Services with a TCP port has a ready endpoint at a used node" in result.stdout
    )
    assert result.exit_code == 0


def test_a_local_service_is_tried_only_where_it_has_endpoints(quiet: Sides) -> None:
    """Here at a node that is not used."""
    cart = node_port("cart")
    cart["spec"]["externalTrafficPolicy"] = "Local"
    quiet.remote.store.add(cart, ready_slice("cart", "elsewhere"))
    result = invoke(*quiet.arguments, "--preflight")
    assert "no node port tested: none of 1 Services" in result.stdout


# --- clusters that refuse ---------------------------------------------------------------------------------------


def test_a_refused_identity_does_not_hide_missing_permissions(bare: Sides) -> None:
    refusal = answers.failure(403)
    for api in (bare.local, bare.remote):
        api.rule_for_ever("GET", "/api/v1/namespaces/kube-system", refusal)
    bare.local.rule_for_ever("POST", REVIEWS, reviews({"get namespaces", "create services"}))
    bare.remote.rule_for_ever("POST", REVIEWS, reviews({"get namespaces", "list nodes"}))
    result = invoke(*bare.arguments, "--preflight")
    assert result.exit_code == 1
    for side in ("local", "remote"):
        assert f"FAIL {side} cluster: connected to {side}, but not identified" in result.stdout
        assert f"FAIL {side} cluster: 2 permissions missing" in result.stdout
    assert "FAIL remote cluster: may not list nodes" in result.stdout
    assert "ok   remote cluster: 2 of 2 nodes used" in result.stdout
    assert "different clusters" not in result.stdout


def test_a_cluster_without_kube_system_is_asked_for_permissions(quiet: Sides) -> None:
    quiet.remote.store.delete("/api/v1/namespaces/kube-system", {})
    result = invoke(*quiet.arguments, "--preflight")
    assert "FAIL remote cluster: connected to remote, but not identified" in result.stdout
    assert "ok   remote cluster: may list nodes" in result.stdout


@pytest.mark.parametrize("status", [403, 404, 500])
def test_one_question_that_fails_does_not_stop_the_others(bare: Sides, status: int) -> None:
    """That the server asks to wait longer than there is time leaves the time to the others."""
    broken = "delete services"

    def answer(exchange: Exchange) -> None:
        asked = exchange.request_now.json["spec"]["resourceAttributes"]
        fails = broken == f"{asked['verb']} {asked['resource']}"
        (answers.failure(status, Retry_After="60") if fails else reviews(set()))(exchange)

    for api in (bare.local, bare.remote):
        api.rule_for_ever("POST", REVIEWS, answer)
    result = invoke(*bare.arguments, "--preflight", "--timeout", "20s")
    assert (result.exit_code, result.stdout.count("FAIL")) == (1, 1)
    assert f"FAIL local cluster: unknown whether we may {broken}" in result.stdout
    assert "ok   local cluster: may delete endpoints" in result.stdout
    assert "ok   remote cluster: may list nodes" in result.stdout


def test_a_cluster_that_cannot_be_reached_is_one_failed_check(quiet: Sides) -> None:
    quiet.local.stop_listening()
    result = invoke(*quiet.arguments, "--preflight", "--timeout", "3s")
    assert [line for line in result.stdout.splitlines() if "FAIL" in line and "local" in line] == [
        "FAIL local cluster: no access"
    ]


def test_a_cluster_that_is_silent_does_not_hide_the_other(quiet: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LOCAL_PART", 1 / 15)
    quiet.local.rule_for_ever("GET", "/api/v1/namespaces/kube-system", answers.silence)
    result = invoke(*quiet.arguments, "--preflight", "--timeout", "45s")
    assert "FAIL local cluster: no access" in result.stdout
    assert quiet.local.requests
    assert "ok   remote cluster: 2 of 2 nodes used" in result.stdout


def test_who_we_are_is_told_where_a_cluster_tells(quiet: Sides) -> None:
    known = json.dumps({"status": {"userInfo": {"username": "sync@x.iam.gserviceaccount.com"}}}).encode()
    quiet.remote.rule("POST", WHO_AM_I, lambda exchange: exchange.send(201, known, "application/json"))
    result = invoke(*quiet.arguments, "--preflight")
    assert (result.exit_code, "local cluster: it knows us" in result.stdout) == (0, False)
    assert "ok   remote cluster: it knows us as sync@x.iam.gserviceaccount.com" in result.stdout


def test_a_document_of_a_cluster_that_refuses(quiet: Sides) -> None:
    quiet.local.rule_for_ever("GET", "/api/v1/namespaces/kube-system", answers.failure(401))
    result = invoke(*quiet.arguments, "--preflight", "-o", "yaml")
    document = valid_preflight(yaml.safe_load(result.stdout))
    assert (result.exit_code, document["exitCode"]) == (1, 1)
    (failed,) = (check for check in document["checks"] if not check["passed"])
    assert (failed["check"], failed["cluster"], "401" in failed["advice"]) == ("access", "local", True)


def test_a_preflight_makes_no_plan_to_expect(quiet: Sides) -> None:
    result = invoke(*quiet.arguments, "--preflight", "--expect-plan", "0123456789abcdef")
    assert (result.exit_code, "Give either '--preflight' or '--expect-plan'" in result.output) == (2, True)
