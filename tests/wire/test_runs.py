"""Whole runs against two fake API servers: what is sent, what is said, and the exit code."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from tests.schema import valid
from tests.wire import answers
from tests.wire.commands import Sides, command, invoke
from tests.wire.fakeapi import Answer, normally, status_object
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.objects import endpoints, mirror, namespace, node_port

pytestmark = pytest.mark.usefixtures("in_process")

SERVICE = "/api/v1/namespaces/shop/services/cart"
LISTS = (
    ("local", "/api/v1/namespaces"),
    ("local", "/api/v1/services"),
    ("local", "/api/v1/endpoints"),
    ("local", "/apis/discovery.k8s.io/v1/endpointslices"),
    ("remote", "/api/v1/namespaces/kube-system"),
    ("remote", "/api/v1/nodes"),
    ("remote", "/api/v1/services"),
)
FAULTS: dict[str, tuple[Answer, ...]] = {
    "403": (answers.failure(403),),
    "404": (answers.failure(404),),
    "half a page": (answers.half_without_length,),
}


def run(sides: Sides, *options: str) -> Result:
    return invoke(*sides.arguments, *options)


def owning(sides: Sides, *names: str) -> None:
    """Makes the local cluster hold mirrors that the remote no longer asks for."""
    sides.local.store.add(namespace("shop"), *(mirror(name) for name in names))
    sides.local.store.add(*(endpoints(name, "10.0.0.1", "10.0.0.2") for name in names))


def test_the_first_run_and_the_second(sides: Sides) -> None:
    """Local is read before remote; namespace, service and endpoints are written in this order; then nothing."""
    first = run(sides)
    assert (first.exit_code, first.stderr) == (0, "")
    assert [request.path for request in sides.writes] == [
        "/api/v1/namespaces/shop",
        SERVICE,
        SERVICE.replace("services", "endpoints"),
    ]
    owner = sides.local.store.get(SERVICE.replace("services", "endpoints"))["metadata"]["ownerReferences"][0]
    assert owner["uid"] == sides.local.store.get(SERVICE)["metadata"]["uid"]
    assert first.stdout.splitlines()[-1].startswith("done: 3 created, 0 updated, 0 deleted, 0 unchanged")
    second = run(sides)
    assert second.exit_code == 0
    assert len(sides.writes) == 3
    assert second.stdout.startswith("done: 0 created, 0 updated, 0 deleted, 2 unchanged")
    assert len(second.stdout.splitlines()) == 1


def test_the_local_cluster_is_read_in_two_steps(sides: Sides) -> None:
    """A loaded server takes long for each list, so what does not depend on an answer is asked at the same time."""
    owning(sides, "cart")
    steps = [threading.Barrier(number) for number in (2, 3)]
    for step, lists in zip(steps, ([*LISTS[:2]], [LISTS[2], LISTS[3], LISTS[3]]), strict=True):
        for _, path in lists:
            sides.local.rule("GET", path, answers.together(step))
    assert run(sides).exit_code == 0
    assert not any(step.broken for step in steps)


def test_the_installed_command_does_it(sides: Sides) -> None:
    done = command(*sides.arguments)
    assert (done.returncode, done.stderr, len(sides.writes)) == (0, "", 3)
    assert done.stdout.splitlines()[-1].startswith("done: 3 created")


def test_a_dry_run_sends_reads_only(sides: Sides) -> None:
    owning(sides, "old")
    result = run(sides, "--dry-run")
    assert result.exit_code == 0
    assert {request.method for api in (sides.local, sides.remote) for request in api.requests} == {"GET"}
    # Two more for Kubernetes' copies of the Endpoints, of which one is enough: twice, because there is none.
    assert len(sides.local.requests) + len(sides.remote.requests) == len(LISTS) + 2
    assert sides.local.requests[-1].query["limit"] == "1"
    assert "dry run: 2 to create, 0 to update, 2 to delete" in result.stdout


def test_the_labels_of_services_are_compared_here(sides: Sides) -> None:
    """A list of the server with labelSelector would make a Service that no longer matches look deleted."""
    selected = node_port("api", node_port=30081)
    selected["metadata"]["labels"] = {"tier": "web", "team": "shop"}
    sides.remote.store.add(selected)
    result = run(sides, "--service-selector", "tier=web")
    assert result.exit_code == 0
    assert "1 not eligible (does not match --service-selector: 1)" in result.stdout
    assert [request.path.rpartition("/")[2] for request in sides.writes] == ["shop", "api", "api"]
    (listed,) = [request for request in sides.remote.requests if request.path == "/api/v1/services"]
    assert "labelSelector" not in listed.query


def test_a_dry_run_can_tell_of_changes(sides: Sides) -> None:
    assert run(sides, "--dry-run", "--detailed-exitcode").exit_code == 4
    assert run(sides).exit_code == 0
    assert run(sides, "--dry-run", "--detailed-exitcode").exit_code == 0


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(("side", "path"), LISTS, ids=[f"{side} {path.rpartition('/')[2]}" for side, path in LISTS])
def test_no_list_no_write(sides: Sides, side: str, path: str, fault: tuple[Answer, ...]) -> None:
    """Whatever is missing could be the reason for a delete."""
    owning(sides, "old")
    api = {"local": sides.local, "remote": sides.remote}[side]
    api.rule("GET", path, *fault)
    result = run(sides)
    assert result.exit_code == 1
    assert sides.writes == []
    assert result.stdout.startswith("failed")
    (line,) = [line for line in result.stderr.splitlines() if not line.startswith("WARNING")]
    assert line.startswith("Error: ")
    assert f"in the {side} cluster failed: " in line
    assert sides.remote.requests == [] or side == "remote"


@pytest.mark.parametrize(("side", "path"), [row for row in LISTS if row[1].count("/") == 3])
def test_no_second_page_no_write(sides: Sides, side: str, path: str) -> None:
    owning(sides, "old", "older")
    api = {"local": sides.local, "remote": sides.remote}[side]
    api.store.page = 1
    sides.remote.store.add(node_port("more", 80, 30081))
    api.rule("GET", path, normally, answers.half_without_length)
    result = run(sides)
    assert (result.exit_code, sides.writes) == (1, [])


def test_the_remote_is_the_local_cluster(sides: Sides) -> None:
    sides.remote.store.add(namespace("kube-system", "uid-of-local"))
    result = run(sides)
    assert (result.exit_code, sides.writes) == (2, [])
    assert result.stderr.startswith("Error: The local and the remote cluster are the same one")


def test_a_remote_without_identity(sides: Sides) -> None:
    """A server that knows no kube-system is no cluster."""
    sides.remote.store.delete("/api/v1/namespaces/kube-system", {})
    result = run(sides)
    assert (result.exit_code, sides.writes) == (1, [])
    assert "there is no such namespace" in result.stderr


@pytest.mark.parametrize("answer", [answers.plain(404), answers.raw(404, b"{}")], ids=["text", "JSON"])
def test_a_remote_that_is_no_api_server(sides: Sides, answer: Answer) -> None:
    """Such as a load balancer, which answers 404 to everything."""
    sides.remote.rule_for_ever("GET", "/api/v1/namespaces/kube-system", answer)
    result = run(sides)
    assert (result.exit_code, sides.writes) == (1, [])
    assert "Check that the server is a Kubernetes API server" in result.stderr


def test_the_404_of_a_proxy_is_no_sign_that_a_delete_is_done(sides: Sides) -> None:
    owning(sides, "cart")
    sides.remove_from_remote("cart")
    for method in ("DELETE", "GET"):
        sides.local.rule_for_ever(method, SERVICE, answers.plain(404, "default backend - 404"))
    result = run(sides)
    assert (result.exit_code, "default backend - 404" in result.stderr) == (1, True)


def test_an_unreachable_server(sides: Sides) -> None:
    """The tries are in the log, the error is said once."""
    dead = kubeconfig(sides.folder, "dead", "https://127.0.0.1:1", insecure_skip_tls_verify=True)
    result = run(sides, "--remote-kubeconfig", str(dead))
    assert (result.exit_code, sides.writes) == (1, [])
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.count("Error: ") == 1
    assert "no connection to https://127.0.0.1:1" in result.stderr.splitlines()[-1]


def test_one_bad_object_does_not_stop_the_others(sides: Sides) -> None:
    sides.remote.store.add(node_port("good", 80, 30081))
    sides.local.rule_for_ever("PATCH", SERVICE, answers.failure(422, "Invalid"))
    result = run(sides)
    assert result.exit_code == 1
    assert sides.local.store.find("/api/v1/namespaces/shop/endpoints/good")
    said = " ".join(result.stdout.split())
    assert "! Service shop/cart failed: applying Service shop/cart in the local cluster failed: " in said
    assert "! Endpoints shop/cart not tried: Service shop/cart could not be written" in said
    assert len([request for request in sides.writes if "cart" in request.path]) == 1


def test_the_summary_counts_what_was_done(sides: Sides) -> None:
    """Of five: namespace, the good service and its endpoints; and of two failed, one was not tried."""
    sides.remote.store.add(node_port("good", 80, 30081))
    sides.local.rule_for_ever("PATCH", SERVICE, answers.failure(422, "Invalid"))
    assert "3 created" in run(sides).stdout.splitlines()[-1]


def test_a_refused_namespace_stops_what_goes_in_it(sides: Sides) -> None:
    sides.local.rule_for_ever("PATCH", "/api/v1/namespaces/shop", answers.failure(403))
    result = run(sides)
    assert (result.exit_code, len(sides.writes)) == (1, 1)
    assert result.stdout.count("not tried: Namespace shop could not be written") == 2


def test_deletes_come_last(sides: Sides) -> None:
    owning(sides, "aaa")
    assert run(sides).exit_code == 0
    assert [request.method for request in sides.writes] == ["PATCH", "PATCH", "DELETE", "DELETE"]
    assert sides.local.store.find("/api/v1/namespaces/shop/endpoints/aaa") is None


def test_a_guard_holds_deletes_back(sides: Sides) -> None:
    owning(sides, *(f"old{number}" for number in range(11)))
    result = run(sides)
    assert result.exit_code == 3
    assert {request.method for request in sides.writes} == {"PATCH"}
    assert "22 held back" in result.stdout.splitlines()[-1]
    assert run(sides, "--allow-mass-delete").exit_code == 0
    assert len(sides.local.sent("DELETE")) == 22


def test_a_failure_wins_over_a_guard(sides: Sides) -> None:
    owning(sides, *(f"old{number}" for number in range(11)))
    sides.local.rule_for_ever("PATCH", SERVICE, answers.failure(422))
    assert run(sides).exit_code == 1


def test_only_who_serves_local_traffic_may_stay_unknown(sides: Sides) -> None:
    """Of a service whose slices cannot be read, the endpoints stay as they are; the others are served, exit code 1."""
    local_traffic = node_port("local", 80, 30081)
    local_traffic["spec"]["externalTrafficPolicy"] = "Local"
    sides.remote.store.add(local_traffic)
    owning(sides, "local")
    before = sides.local.store.find("/api/v1/namespaces/shop/endpoints/local")
    sides.remote.rule("GET", "/apis/discovery.k8s.io/v1/endpointslices", answers.failure(403))
    assert run(sides).exit_code == 1
    assert sides.local.store.find("/api/v1/namespaces/shop/endpoints/local") == before
    assert sides.local.store.find("/api/v1/namespaces/shop/endpoints/cart")


def test_slices_are_not_read_for_mirrors_that_the_run_leaves(sides: Sides) -> None:
    """Outside `--namespace`, as here, or of another source: a team needs no permission for them."""
    local_traffic = node_port("local", 80, 30081)
    local_traffic["spec"]["externalTrafficPolicy"] = "Local"
    sides.remote.store.add(local_traffic)
    owning(sides, "local")
    assert run(sides, "--namespace", "elsewhere").exit_code == 0
    assert not any("endpointslices" in request.path for request in sides.remote.requests)


def test_the_documents(sides: Sides) -> None:
    """JSON and YAML say the same, alone on stdout, with the exit code."""
    sides.local.rule_for_ever("PATCH", SERVICE, answers.failure(422))
    documents = [json.loads(run(sides, "-o", "json").stdout), yaml.safe_load(run(sides, "-o", "yaml").stdout)]
    assert all(valid(document) for document in documents)
    assert [document["exitCode"] for document in documents] == [1, 1]
    assert [step["result"] for step in documents[0]["steps"]] == ["done", "failed", "not tried"]
    assert documents[0]["steps"][1:] == documents[1]["steps"]


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_a_document_of_failure(sides: Sides, output: str) -> None:
    sides.remote.rule("GET", "/api/v1/nodes", answers.failure(403))
    document = valid(yaml.safe_load(run(sides, "-o", output).stdout))
    assert (document["schemaVersion"], document["exitCode"]) == (1, 1)
    assert "listing nodes in the remote cluster failed" in document["problems"][0]


def test_the_log(sides: Sides) -> None:
    """On stderr, a line a request with -vv; nothing of the libraries."""
    result = run(sides, "-vv", "--log-format", "json")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert {line["logger"].partition(".")[0] for line in lines} == {"barrelman_sync"}
    sent = [line["message"] for line in lines if line["severity"] == "DEBUG"]
    assert len(sent) == len(sides.local.requests) + len(sides.remote.requests)
    assert f"GET {sides.local.url}/api/v1/namespaces?limit=500: {HTTPStatus.OK.value}" in sent
    assert len([line for line in lines if line["severity"] == "INFO"]) == 3


ODD = "denied:\n\x1b]0;title\x07 \u202e\r\n+ Service shop/forged\x9b31m"
SHOWN = "denied: \\x1b]0;title\\x07 \\u202e + Service shop/forged\\x9b31m"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_a_cluster_says_cannot_forge_a_line(sides: Sides, log_format: str) -> None:
    """The answer of a webhook. A port name of the remote is not shown: Kubernetes does not allow this one."""
    body = json.dumps(status_object(422, "Invalid", ODD)).encode()
    sides.local.rule_for_ever("PATCH", SERVICE, answers.raw(422, body))
    service = node_port("odd", 80, 30081)
    service["spec"]["ports"][0]["name"] = ODD
    sides.remote.store.add(service)
    result = run(sides, "--log-format", log_format)
    assert result.exit_code == 1
    assert result.stdout.replace("\n", "").isprintable()
    assert len(result.stdout.splitlines()) == 3 + 1 + 2 + 1  # created, skipped, failed, summary
    assert result.stdout.count(SHOWN) == 1
    (line,) = result.stderr.splitlines()
    assert SHOWN in (json.loads(line)["message"] if log_format == "json" else line)


def test_documents_have_what_a_cluster_says_as_it_is(sides: Sides) -> None:
    body = json.dumps(status_object(422, "Invalid", ODD)).encode()
    sides.local.rule_for_ever("PATCH", SERVICE, answers.raw(422, body))
    for output in ("json", "yaml"):
        document = yaml.safe_load(run(sides, "-o", output).stdout)
        assert any(ODD in step.get("error", "") for step in document["steps"])


def test_both_sides_problems_are_told_at_once(tmp_path: Path) -> None:
    arguments = [word for side in ("local", "remote") for word in (f"--{side}-kubeconfig", str(tmp_path / side))]
    result = invoke(*arguments, "-o", "json")
    assert result.exit_code == 2
    lines = [f"'--{side}-kubeconfig' {tmp_path / side}: {tmp_path / side} not found" for side in ("local", "remote")]
    assert result.stderr.splitlines() == [f"Error: {line}" for line in lines]
    assert valid(json.loads(result.stdout)) == {"schemaVersion": 1, "exitCode": 2, "problems": lines}
    assert invoke(*arguments).stdout == "failed: nothing was planned and nothing written\n"


# --- quiet ------------------------------------------------------------------------------------------------------


def odd(sides: Sides) -> None:
    """Makes the remote have a Service that is skipped, beside one that is new."""
    skipped = node_port("ignored")
    skipped["metadata"]["annotations"] = {"tfw.io/barrelman": "ignore"}
    sides.remote.store.add(skipped)


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_quiet_run_prints_no_line_of_what_is_skipped(sides: Sides, options: tuple[str, ...]) -> None:
    odd(sides)
    dry = run(sides, "--dry-run").stdout.splitlines()
    assert [line for line in dry if line.startswith("!")] == [line for line in dry if "shop/ignored" in line] != []
    result = run(sides, "-q", *options)
    *steps, summary = result.stdout.splitlines()
    assert (result.exit_code, result.stderr) == (0, "")
    assert steps == [line for line in dry[:-1] if not line.startswith("!")]
    assert "1 skipped" in summary
    if not options:
        again = run(sides, "-q").stdout
        assert again == "done: 0 created, 0 updated, 0 deleted, 2 unchanged, 1 skipped; 2 of 2 nodes used\n"


def test_a_quiet_run_tells_what_failed_and_warns(sides: Sides) -> None:
    sides.local.rule_for_ever("PATCH", SERVICE, answers.failure(403))
    result = run(sides, "-q")
    assert result.exit_code == 1
    assert [line.split()[:3] for line in result.stdout.splitlines() if line.startswith("!")] == [
        ["!", "Service", "shop/cart"],
        ["!", "Endpoints", "shop/cart"],
    ]


def test_a_quiet_document_is_the_whole_document(sides: Sides) -> None:
    odd(sides)
    assert run(sides, "-q", "--dry-run", "-o", "json").stdout == run(sides, "--dry-run", "-o", "json").stdout
