"""What a user types, wrong things too: one clear message each. The installed command itself."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import yaml

from lab.controlplane import ControlPlane
from lab.controlplane.api import KINDS
from lab.controlplane.objects import node, port, service
from tests.scenarios.command import NAMESPACE, Run, Sync
from tests.scenarios.views import is_there, manual, node_port, set_conditions
from tests.schema import valid, valid_story

RBAC = KINDS["ClusterRole"].api_version
GROUP = RBAC.partition("/")[0]


def says(run: Run, exit_code: int, *words: str) -> None:
    """Expect one message with all these words, and nothing else on stderr."""
    assert (run.exit_code, run.writes) == (exit_code, []), run
    messages = run.stderr.splitlines()
    assert len(messages) == 1, run
    assert all(word in messages[0] for word in ("Error: ", *words)), run


def test_the_installed_command_does_the_main_job(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    run = sync.installed()
    assert (run.exit_code, run.stderr) == (0, "")
    assert run.stdout.splitlines()[-1].startswith("done: 3 created")
    assert {request.user_agent.split("/")[0] for request in run.requests} == {"barrelman-sync"}
    assert is_there(local, "foo", "bar") == (True, True)
    assert sync.installed().writes == []


def test_a_wrong_path(sync: Sync) -> None:
    for side in ("local", "remote"):
        says(sync(f"--{side}-kubeconfig", "/nowhere/config"), 2, f"--{side}-kubeconfig", "/nowhere/config not found")


def test_a_wrong_context(sync: Sync) -> None:
    for side in ("local", "remote"):
        says(sync(f"--{side}-context", "wrong"), 2, f"--{side}-kubeconfig", "no context 'wrong'", f"there are: {side}")


def test_a_bad_option_and_every_other_one_at_once(sync: Sync) -> None:
    says(sync("--max-deletes", "many"), 2, "--max-deletes", "'many'")
    run = sync("--max-deletes", "many", "--timeout", "soon", "--remote-name", "", BARRELMAN_SYNC_ALLOWED_NODE_CIDR="x")
    assert (run.exit_code, run.writes) == (2, [])
    assert len(run.stderr.splitlines()) == 4
    for option in ("--max-deletes", "--timeout", "--remote-name", "--allowed-node-cidr"):
        assert option in run.stderr
    unknown = sync("--no-such-option")
    assert unknown.exit_code == 2
    assert "No such option" in unknown.stderr


def test_an_unreachable_server(sync: Sync, tmp_path: Path) -> None:
    for side, kubeconfig in (("local", sync.local_kubeconfig), ("remote", sync.remote_kubeconfig)):
        config = yaml.safe_load(kubeconfig.read_text())
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            server = f"https://127.0.0.1:{unused.getsockname()[1]}"
            config["clusters"][0]["cluster"]["server"] = server
            (tmp_path / side).write_text(yaml.safe_dump(config))
            run = sync(f"--{side}-kubeconfig", str(tmp_path / side), "--timeout", "6s")
        assert (run.exit_code, run.writes) == (1, []), run
        message = run.stderr.splitlines()[-1]
        assert message.startswith("Error: ")
        assert f"{side} cluster" in message
        assert server in message
        assert "Traceback" not in run.stderr


def test_refused_credentials(sync: Sync, remote: ControlPlane) -> None:
    says(sync("--remote-kubeconfig", str(remote.kubeconfig("wrong", "wrong"))), 1, "remote cluster", "401")


def test_twice_the_same_cluster_is_refused(sync: Sync, local: ControlPlane, remote: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    says(sync("--local-kubeconfig", str(remote.kubeconfig())), 2, "same")
    says(sync("--remote-kubeconfig", str(local.kubeconfig())), 2, "same")


def test_twice_the_same_kubeconfig_is_refused(sync: Sync) -> None:
    says(sync("--remote-kubeconfig", str(sync.local_kubeconfig)), 2, "same")


def test_a_dry_run_needs_only_get_and_list(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    local.add(manual("foo", "baz", 30082))
    sync.converges()
    remote.api.delete("Service", "gone", "foo")
    remote.add(node_port("new", "bar", 30083))
    set_conditions(remote, "n1", Ready="False")
    auditor = {"--local-kubeconfig": str(local.kubeconfig(viewer(local), "auditor"))}
    options = [word for pair in auditor.items() for word in pair]
    run = sync.writes_nothing("--dry-run", *options)
    assert run.stdout.splitlines()[-1].startswith("dry run: 3 to create, 2 to update, 2 to delete")
    assert {request.verb for request in run.requests} == {"get", "list"}
    sync.writes_nothing("--dry-run", "--detailed-exitcode", *options, exit_code=4)
    refused = sync(*options)
    assert refused.exit_code == 1
    assert {write.split()[-1] for write in refused.writes} == {"403"}
    sync.converges()
    sync.writes_nothing("--dry-run", "--detailed-exitcode", *options)


def test_an_auditor_may_ask_about_a_service(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    """The roles of a dry run are enough, and the story is what the run then does."""
    remote.add(
        node_port("foo", "bar", 30080),
        node_port("foo", "pods", 30081, externalTrafficPolicy="Local"),
        node_port("foo", "taken", 30082),
        service("foo", "inner", port(80, "http"), type="ClusterIP"),
        node("n3", "10.0.0.3", conditions={"Ready": "False"}),
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"namespace": "foo", "name": "pods", "labels": {"kubernetes.io/service-name": "pods"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.1.0.1"], "nodeName": "n2"}],
        },
    )
    local.add(service("foo", "taken", port(80, "http")))
    auditor = "--local-kubeconfig", str(local.kubeconfig(viewer(local), "auditor"))

    def explain(name: str) -> dict[str, Any]:
        run = sync.writes_nothing("--explain", name, "-o", "json", *auditor)
        assert {request.verb for request in run.requests} == {"get", "list"}
        return valid_story(json.loads(run.stdout))

    def answers(name: str) -> dict[str, str]:
        return {answer["node"]: answer.get("reason", "serves") for answer in explain(name)["nodes"]}

    assert answers("foo/bar") == {"n1": "serves", "n2": "serves", "n3": "not_ready"}
    assert answers("foo/pods") == {"n1": "no_endpoint", "n2": "serves", "n3": "not_ready"}
    assert explain("foo/inner")["message"] == "no mirror: type ClusterIP"
    assert [step["reason"] for step in explain("foo/taken")["steps"]] == ["local_service"]
    assert explain("foo/bra")["near"] == [{"namespace": "foo", "name": "bar"}]
    told = [line.strip() for line in sync.writes_nothing("--explain", "foo/pods", *auditor).stdout.splitlines()]
    planned = [line for line in sync.converges().stdout.splitlines() if "foo/pods" in line]
    assert [line for line in told if line.startswith("+")] == planned
    assert explain("foo/bar")["local"]["service"]["ofThisSource"]
    assert [step["action"] for step in explain("foo/bar")["steps"]] == ["unchanged", "unchanged"]


def viewer(local: ControlPlane) -> str:
    """Return the token of an account that has the role barrelman-sync-viewer and no other."""
    local.add(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "auditor", "namespace": NAMESPACE}},
        {
            "apiVersion": RBAC,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "auditor"},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "barrelman-sync-viewer"},
            "subjects": [{"kind": "ServiceAccount", "name": "auditor", "namespace": NAMESPACE}],
        },
    )
    return local.service_account_token(NAMESPACE, "auditor")


def test_a_document_is_all_that_goes_to_stdout(sync: Sync, remote: ControlPlane, nodes: list[str]) -> None:
    remote.add(node_port("foo", "bar", 30080))
    for output, told in (("json", {("create", "done")}), ("yaml", {("unchanged", None)})):
        run = sync("-o", output, "-vv")
        steps = valid(yaml.safe_load(run.stdout))["steps"]
        assert {(step["action"], step.get("result")) for step in steps} == told
        assert "GET" in run.stderr
