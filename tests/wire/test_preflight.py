"""What a preflight tries and says. Node ports are tried for real, in a network that has nothing but this test."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire import answers
from tests.wire.commands import Sides, invoke
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.lab import ANSWERING, NODE_PORT, REVIEWS, SILENT, reviews

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
    done = in_lab()
    *_, used, answering, silent, advice, summary = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert used == "ok   remote cluster: 2 of 2 nodes used"
    assert answering == f"ok   connection to {ANSWERING} on node port {NODE_PORT} (shop/cart)"
    assert silent == f"FAIL no connection to {SILENT} on node port {NODE_PORT} (shop/cart)"
    assert "Allow traffic from the local cluster's nodes and pods" in advice
    assert summary == "failed: 1 of 29 checks"


@needs_networks
def test_only_used_nodes_are_tried_and_all_is_well() -> None:
    done = in_lab("--allowed-node-cidr", f"{ANSWERING}/32")
    assert (done.returncode, "FAIL" in done.stdout, SILENT in done.stdout) == (0, False, False)
    assert "ok   local and remote are different clusters" in done.stdout
    assert "ok   remote cluster: 1 of 2 nodes used (InternalIP outside --allowed-node-cidr: 1)" in done.stdout
    assert done.stdout.splitlines()[-1] == "passed: all 28 checks"
    assert "ok   local cluster: connected to local at http://127.0.0.1:" in done.stdout


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
def quiet(sides: Sides) -> Sides:
    """The two clusters, of which the remote has no service."""
    sides.remove_from_remote("cart")
    for api in (sides.local, sides.remote):
        api.rule_for_ever("POST", REVIEWS, reviews(set()))
    return sides


pytestmark = pytest.mark.usefixtures("in_process")


def test_a_side_that_does_not_answer_does_not_hide_the_other(quiet: Sides) -> None:
    quiet.local.rule_for_ever("GET", "/api/v1/namespaces/kube-system", answers.failure(401))
    result = invoke(*quiet.arguments, "--preflight")
    assert result.exit_code == 1
    assert "FAIL local cluster: no access" in result.stdout
    assert "ok   remote cluster: connected to remote at http" in result.stdout
    assert "ok   remote cluster: 2 of 2 nodes used" in result.stdout


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
    assert {request.path for request in quiet.writes} == {REVIEWS}


def test_it_ends_with_its_time(quiet: Sides) -> None:
    result = invoke(*quiet.arguments, "--preflight", "--timeout", "1ms")
    assert result.exit_code == 1
    assert "the time for the run (--timeout 0.001s) is over" in result.stdout
