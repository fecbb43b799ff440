"""`--explain` against two fake API servers: what is read, what is said, and the exit code."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from click.testing import Result

from tests.docs.readme import ROOT
from tests.schema import valid_story
from tests.wire import answers
from tests.wire.commands import Sides, command, invoke
from tests.wire.objects import endpoints, mirror, namespace, node, node_port

pytestmark = pytest.mark.usefixtures("in_process")


def explain(sides: Sides, service: str = "shop/cart", *options: str) -> Result:
    return invoke(*sides.arguments, "--explain", service, *options)


def test_nothing_is_written_and_no_more_is_read_than_in_a_dry_run(sides: Sides) -> None:
    sides.local.store.add(namespace("shop"), mirror("old"), endpoints("old", "10.0.0.9"))
    assert invoke(*sides.arguments, "--dry-run").exit_code == 0
    dry = sorted(request.target for api in (sides.local, sides.remote) for request in api.requests)
    for api in (sides.local, sides.remote):
        api.requests.clear()
    result = explain(sides)
    assert (result.exit_code, result.stderr) == (0, "")
    assert {request.method for api in (sides.local, sides.remote) for request in api.requests} == {"GET"}
    assert sorted(request.target for api in (sides.local, sides.remote) for request in api.requests) == dry
    assert (
        result.stdout.splitlines()[-1]
        == "shop/cart: the remote asks for a mirror; a run would create the Service and the Endpoints"
    )


def test_what_it_says_comes_true(sides: Sides) -> None:
    told = valid_story(json.loads(explain(sides, "shop/cart", "-o", "json").stdout))
    assert [step["action"] for step in told["steps"]] == ["create"] * 3
    run = json.loads(invoke(*sides.arguments, "-o", "json").stdout)
    done = [{name: value for name, value in step.items() if name != "result"} for step in run["steps"]]
    assert done == told["steps"]
    later = explain(sides).stdout.splitlines()
    assert later[-1] == "shop/cart: the remote asks for a mirror; a run would change nothing"


def test_json_and_yaml_say_the_same(sides: Sides) -> None:
    found = json.loads(explain(sides, "shop/cart", "-o", "json").stdout)
    assert yaml.safe_load(explain(sides, "shop/cart", "-o", "yaml").stdout) == found
    assert (found["verdict"], found["exitCode"]) == ("wanted", 0)
    assert [answer["node"] for answer in found["nodes"]] == ["a", "b"]


def test_a_service_that_neither_cluster_has(sides: Sides) -> None:
    """It was told, so the exit code is 0: a script looks at the verdict."""
    result = explain(sides, "shop/card")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "Service shop/card",
        "shop/card: neither cluster has a Service of this name; near it: shop/cart",
    ]
    found = valid_story(json.loads(explain(sides, "shop/card", "-o", "json").stdout))
    assert (found["verdict"], found["near"]) == ("nowhere", [{"namespace": "shop", "name": "cart"}])


def test_a_service_outside_the_options(sides: Sides) -> None:
    result = explain(sides, "shop/cart", "--namespace", "web", "--service-selector", "tier=web")
    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines() if line.startswith("    no")] == [
        "    no  outside --namespace",
        "    no  does not match --service-selector",
    ]
    assert result.stdout.splitlines()[-1] == "shop/cart: no mirror: outside --namespace; a run would change nothing"


def test_a_run_that_would_fail_can_be_explained(sides: Sides) -> None:
    """A dry run exits 1 here. The story says why, so it is told, and that is a success."""
    for name in ("a", "b"):
        sides.remote.store.delete(f"/api/v1/nodes/{name}", {})
    cordoned = node("c", "10.0.0.3")
    cordoned["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    sides.remote.store.add(cordoned)
    assert invoke(*sides.arguments, "--dry-run").exit_code == 1
    result = explain(sides)
    assert result.exit_code == 0
    assert "    no  c  10.0.0.3  not ready" in result.stdout.splitlines()
    assert "! Endpoints     shop/cart  kept: no node can be used" in result.stdout


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_list_that_fails(sides: Sides, output: str) -> None:
    sides.remote.rule("GET", "/api/v1/services", answers.failure(403))
    result = explain(sides, "shop/cart", "-o", output)
    assert result.exit_code == 1
    assert "in the remote cluster failed: " in result.stderr
    if output == "json":
        assert valid_story(json.loads(result.stdout))["problems"]
    else:
        assert result.stdout.startswith("failed")


def test_the_same_cluster_twice(sides: Sides) -> None:
    local = sides.arguments[1]
    result = invoke("--local-kubeconfig", local, "--remote-kubeconfig", local, "--explain", "shop/cart", "-o", "json")
    assert result.exit_code == 2
    assert valid_story(json.loads(result.stdout))["exitCode"] == 2


@pytest.mark.parametrize("text", ["cart", "shop/cart/x", "shop/", "Shop/cart"])
def test_what_names_no_service(sides: Sides, text: str) -> None:
    result = explain(sides, text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--explain'" in result.stderr
    assert "is not the namespace and the name of a Service, such as shop/cart" in result.stderr
    assert sides.local.requests == sides.remote.requests == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--preflight",), "'--preflight'"),
        (("--dry-run", "--detailed-exitcode"), "'--detailed-exitcode'"),
        (("--expect-plan", "0123456789abcdef"), "'--expect-plan'"),
    ],
)
def test_what_does_not_go_with_it(sides: Sides, options: tuple[str, ...], named: str) -> None:
    result = explain(sides, "shop/cart", *options)
    assert result.exit_code == 2
    assert f"Give '--explain' without {named}: it tells about one Service, and writes nothing." in result.stderr


def test_a_dry_run_is_no_contradiction(sides: Sides) -> None:
    assert explain(sides, "shop/cart", "--dry-run").stdout == explain(sides).stdout


def test_no_metrics_are_written(sides: Sides) -> None:
    file = sides.folder / "metrics.prom"
    assert explain(sides, "shop/cart", "--metrics-file", str(file)).exit_code == 0
    assert not file.exists()


def test_the_installed_command_tells_it(sides: Sides) -> None:
    done = command(*sides.arguments, "--explain", "shop/cart")
    assert (done.returncode, done.stderr, sides.writes) == (0, "", [])
    assert done.stdout == explain(sides).stdout


def test_the_example_of_the_docs_is_real(sides: Sides) -> None:
    found = re.search(r"```\n(Service shop/orders\n.*?)```", (ROOT / "docs/troubleshooting.md").read_text(), re.DOTALL)
    assert found
    orders = node_port("orders", node_port=30090)
    orders["metadata"]["annotations"] = {"tfw.io/barrelman": "ignore"}
    sides.remote.store.add(orders)
    assert explain(sides, "shop/orders", "--remote-name", "prod").stdout == found[1]
