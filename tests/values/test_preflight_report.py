"""What a preflight prints of its checks: text, or a document that docs/preflight.schema.json describes."""

from __future__ import annotations

import json

import pytest
import yaml

from barrelman_sync.model.settings import Output
from barrelman_sync.report.preflight import Check, Topic, print_checks
from tests.schema import Document, valid_preflight

GOOD = Check(
    Topic.PERMISSION, passed=True, what="local cluster: may list services", side="local", facts={"permission": "list x"}
)
BAD = Check(
    Topic.PERMISSIONS,
    passed=False,
    what="remote cluster: 2 permissions missing",
    advice="Add these rules:\n  - verbs: [list]",
)


def test_all_passed(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_checks([GOOD, GOOD], Output.TEXT, color=False)
    assert capsys.readouterr().out.splitlines() == [f"ok   {GOOD.what}", f"ok   {GOOD.what}", "passed: all 2 checks"]


def test_one_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert not print_checks([GOOD, BAD], Output.TEXT, color=False)
    assert capsys.readouterr().out.splitlines() == [
        f"ok   {GOOD.what}",
        f"FAIL {BAD.what}",
        "     Add these rules:",
        "       - verbs: [list]",
        "failed: 1 of 2 checks",
    ]


def test_a_quiet_preflight_is_what_failed_and_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert not print_checks([GOOD, BAD], Output.TEXT, color=False, quiet=True)
    assert capsys.readouterr().out.splitlines() == [
        f"FAIL {BAD.what}",
        "     Add these rules:",
        "       - verbs: [list]",
        "failed: 1 of 2 checks",
    ]
    assert print_checks([GOOD], Output.TEXT, color=False, quiet=True)
    assert capsys.readouterr().out == "passed: all 1 checks\n"


def test_only_the_mark_is_colored(capsys: pytest.CaptureFixture[str]) -> None:
    print_checks([BAD], Output.TEXT, color=True)
    assert capsys.readouterr().out.splitlines()[0] == f"\x1b[31mFAIL\x1b[0m {BAD.what}"


def test_text_of_others_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    print_checks(
        [Check(Topic.ACCESS, passed=False, what="no\x1b[2J\nok   all", advice="Add:\n  \x1b[31m- a\r\n  - b")],
        Output.TEXT,
        color=False,
    )
    assert capsys.readouterr().out.splitlines()[:-1] == [
        "FAIL no\\x1b[2J ok   all",
        "     Add:",
        "       \\x1b[31m- a",
        "       - b",
    ]


def port_check(node: str, address: str, service: str) -> Check:
    facts: dict[str, str | int] = {
        "node": node,
        "address": address,
        "port": 30080,
        "namespace": "shop",
        "service": service,
    }
    return Check(Topic.NODE_PORT, passed=True, what=f"connection to {address}", side="remote", facts=facts)


EVERY_KIND = [
    *[
        Check(topic, passed=True, what=str(topic))
        for topic in Topic
        if topic not in (Topic.NODE_PORT, Topic.ACCOUNT, Topic.NODES)
    ],
    Check(Topic.ACCOUNT, passed=True, what="Google's", side="remote", facts={"googleAccount": "sync@x"}),
    Check(Topic.ACCOUNT, passed=True, what="Kubernetes'", side="remote", facts={"account": "sync@x"}),
    Check(Topic.NODES, passed=True, what="2 of 3 nodes used", side="remote", facts={"listed": 3, "used": 2}),
    port_check("a", "10.0.0.1", "cart"),
    port_check("b", "10.0.0.2", "cart"),
    port_check("a", "10.0.0.1", "till"),
    BAD,
    GOOD,
]


def printed(output: Output, capsys: pytest.CaptureFixture[str], *checks: Check) -> Document:
    print_checks(checks, output, color=True)
    out = capsys.readouterr().out
    return valid_preflight(json.loads(out) if output is Output.JSON else yaml.safe_load(out))


@pytest.mark.parametrize("output", [Output.JSON, Output.YAML])
def test_a_document_has_every_check(output: Output, capsys: pytest.CaptureFixture[str]) -> None:
    document = printed(output, capsys, *EVERY_KIND)
    assert [entry["message"] for entry in document["checks"]] == [check.what for check in EVERY_KIND]
    assert document["exitCode"] == 1
    assert document["checks"][-2:] == [
        {"check": "missing_permissions", "passed": False, "message": BAD.what, "advice": BAD.advice},
        {"check": "permission", "cluster": "local", "passed": True, "message": GOOD.what, "permission": "list x"},
    ]


def test_a_document_has_accounts_and_the_nodes_that_were_tried(capsys: pytest.CaptureFixture[str]) -> None:
    document = printed(Output.JSON, capsys, *EVERY_KIND)
    assert document["accounts"] == [
        {"cluster": "remote", "googleAccount": "sync@x"},
        {"cluster": "remote", "account": "sync@x"},
    ]
    tried = [{"node": "a", "address": "10.0.0.1"}, {"node": "b", "address": "10.0.0.2"}]
    assert document["nodes"] == {"listed": 3, "used": 2, "tried": tried}


def test_a_document_has_each_address_of_a_node(capsys: pytest.CaptureFixture[str]) -> None:
    document = printed(Output.JSON, capsys, port_check("a", "10.0.0.1", "cart"), port_check("a", "fd00::1", "cart"))
    assert [entry["address"] for entry in document["nodes"]["tried"]] == ["10.0.0.1", "fd00::1"]


def test_a_document_of_a_preflight_that_passed(capsys: pytest.CaptureFixture[str]) -> None:
    document = printed(Output.JSON, capsys, GOOD)
    assert (document["exitCode"], document["accounts"], document["nodes"]) == (0, [], {"tried": []})
