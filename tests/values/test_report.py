"""What a run tells: exact lines and documents for a plan with a step of every kind."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from barrelman_sync.model.local import LocalNamespace
from barrelman_sync.model.names import Key
from barrelman_sync.model.settings import Output
from barrelman_sync.planning.reasons import Reason, because
from barrelman_sync.planning.result import ExitCode, Outcome, Report, Result
from barrelman_sync.planning.steps import Action, Delete, Plan, Write
from barrelman_sync.report import text
from barrelman_sync.report.document import as_json, as_yaml, failure
from barrelman_sync.report.document import document as document_of
from barrelman_sync.report.messages import REASONS, message
from barrelman_sync.report.printer import Printer, printer_for
from barrelman_sync.report.text import failure_lines, plan_lines, summary_line
from tests.schema import valid
from tests.values.builders import (
    CART,
    KIND,
    MARK,
    NODES,
    TILL,
    World,
    cases,
    endpoints,
    held_by,
    local,
    manual,
    marked,
    mirror,
    node,
    port,
    remote,
    service,
    service_port,
    word,
)
from tests.values.test_guards import orphans

SHOP = "shop"
GONE, REAL, TAKEN, IGNORED = Key(SHOP, "gone"), Key(SHOP, "real"), Key(SHOP, "taken"), Key(SHOP, "ignored")
LEFT, WAITING = Key(SHOP, "left"), Key(SHOP, "waiting")
API, LATE = Key("new", "api"), Key("late", "x")


ASSUMED = because(Reason.ASSUMED_READY, nodes=2)


def of_every_kind() -> World:
    """Return a world whose plan has a step of every kind but those of guards and faults."""
    return World(
        local(
            held_by(mirror(CART, service_port(8080)), "barrelman"),
            endpoints(CART, addresses=("10.0.0.1", "10.0.0.3")),
            mirror(TILL),
            endpoints(TILL),
            marked("2026-11-27T08:59:59Z", GONE),
            endpoints(GONE),
            mirror(LEFT),
            endpoints(LEFT),
            marked("2026-11-27T09:00:01Z", WAITING),
            endpoints(WAITING),
            mirror(REAL, has_selector=True),
            endpoints(REAL),
            service(TAKEN),
            namespaces=[LocalNamespace("late", terminating=True)],
        ),
        services=(
            *(remote(key) for key in (CART, TILL, TAKEN, LATE)),
            remote(API, port(443, 30443, "https", app_protocol="h2c"), port(53, 30053, "dns", "UDP")),
            remote(IGNORED, ignored=True),
            remote(Key(SHOP, "internal"), type="ClusterIP"),
            remote(Key("kube-system", "dns")),
        ),
        nodes=(*NODES, node("c", ready="False"), node("d", ready="False"), node("e", deleting=True)),
        grace=3600,
    )


def report(world: World, plan: Plan | None = None, **fields: Any) -> Report:
    return Report("prod", plan or world.plan(), world.desired, world.choice, **fields)


def outcomes(world: World, **results: Result) -> tuple[Outcome, ...]:
    """Return what became of each write; `results` by the name of the object, else done."""

    def of(step: Write) -> Outcome:
        result = results.get(step.ref.key.name, Result.DONE)
        return Outcome(step, result, "" if result == Result.DONE else f"{word(step)}: no")

    return tuple(of(step) for step in world.plan().writes)


def lines(found: Report) -> list[str]:
    """Return the plan with single blanks: columns may become wider."""
    return [" ".join(line.split()) for line in plan_lines(found)]


# --- text -------------------------------------------------------------------------------------------------------


def test_one_line_an_object_in_the_order_of_the_keys() -> None:
    assert lines(report(of_every_kind())) == [
        "+ Namespace new",
        "! Service late/x left: namespace late is terminating",
        "+ Service new/api ClusterIP dns:53/UDP->30053, https:443/TCP->30443 h2c",
        "+ Endpoints new/api 10.0.0.1 10.0.0.2 : 30053/UDP, 30443/TCP",
        "~ Service shop/cart spec.ports[http].port: 8080 -> 80 (fields claimed from barrelman)",
        "~ Endpoints shop/cart subsets.addresses: +10.0.0.2 (b) -10.0.0.3",
        "- Service shop/gone the remote has no Service of this name",
        "- Endpoints shop/gone the remote has no Service of this name",
        "! Service shop/ignored skipped: the remote Service is annotated to be ignored",
        "~ Service shop/left marked, to be deleted after 2026-11-27T11:00:00Z: the remote has no Service of this name",
        "~ Service shop/real released: a selector is set, so Kubernetes manages the endpoints",
        f"- Endpoints shop/real the mirror is released: {REASONS[Reason.HAS_SELECTOR]}",
        "! Service shop/taken left: a local Service with this name already exists",
        (
            "! Service shop/waiting left: orphaned since 2026-11-27T09:00:01Z, to be deleted after 2026-11-27T10:00:01Z"
            " (--delete-grace): the remote has no Service of this name"
        ),
    ]


def test_every_action_has_a_word_in_the_summary() -> None:
    """An action without one would be counted nowhere."""
    writes = {Action.CREATE, Action.UPDATE, Action.DELETE, Action.RELEASE, Action.MARK}
    assert text._PAST.keys() == set(Action)
    assert text._TO_COME.keys() == writes
    assert text._SIGNS.keys() == set(Action) - {Action.UNCHANGED}


def test_columns_line_up() -> None:
    found = [line for line in plan_lines(report(of_every_kind())) if " shop/" in line]
    assert len({line.index(" shop/") for line in found}) == 1
    assert all(line == line.rstrip() for line in found)


def test_what_is_unchanged_has_no_line() -> None:
    assert lines(report(World())) == []


def test_what_a_guard_holds_back_has_a_line() -> None:
    world = World(services=())
    reason = (
        "1 of 1 managed services would be removed, more than 0 (--max-deletes);"
        " if that is right, run once with --allow-mass-delete"
    )
    assert lines(report(world, world.guarded(0))) == [
        f"! Service shop/cart delete held back: {reason}",
        f"! Endpoints shop/cart delete held back: {reason}",
    ]


def test_a_delete_that_is_held_back_says_why_it_is_planned_though_the_remote_has_the_service() -> None:
    world = World(services=(remote(type="LoadBalancer"),))
    service, endpoints = lines(report(world, world.guarded(0)))
    assert service.endswith(
        "--allow-mass-delete (the remote Service is of type LoadBalancer now, see --include-loadbalancers)"
    )
    assert endpoints.endswith("--allow-mass-delete")


def test_endpoints_without_better_ones_are_kept() -> None:
    assert lines(report(World(nodes=()))) == ["! Endpoints shop/cart kept: no node can be used"]


def test_many_addresses_are_cut_short() -> None:
    nodes = tuple(node(f"n{n}", f"10.0.0.{n}") for n in range(1, 9))
    (_, created) = lines(report(World(local(), nodes=nodes)))
    assert (
        created == "+ Endpoints shop/cart 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 and 2 more : 30080/TCP"
    )


def test_a_label_that_is_new_or_gone_has_a_none() -> None:
    (line,) = lines(report(World(local(mirror(labels={KIND: "managed-resource"}), endpoints()))))
    assert line.startswith(
        "~ Service shop/cart metadata.labels[app.kubernetes.io/managed-by]: none -> barrelman-sync; "
    )


NODES_USED = "2 of 5 nodes used (being deleted: 1, not ready: 2)"
NOT_ELIGIBLE = "2 not eligible (ignored namespace kube-system: 1, type ClusterIP: 1)"


def test_the_summary_of_a_run() -> None:
    world = of_every_kind()
    assert summary_line(report(world, outcomes=outcomes(world))) == (
        "done: 3 created, 2 updated, 3 deleted, 4 unchanged, 1 released, 1 marked, 3 left, 1 skipped, "
        f"{NOT_ELIGIBLE}; {NODES_USED}"
    )


def test_the_summary_of_a_dry_run() -> None:
    assert summary_line(report(of_every_kind(), dry_run=True)).startswith(
        "dry run: 3 to create, 2 to update, 3 to delete, 4 unchanged, 1 to release, 1 to mark, 3 left, 1 skipped, "
        f"{NOT_ELIGIBLE}; {NODES_USED}"
    )


def test_the_summary_of_nothing_to_do() -> None:
    assert summary_line(report(World())) == "done: 0 created, 0 updated, 0 deleted, 2 unchanged; 2 of 2 nodes used"


def test_the_summary_of_a_run_without_nodes() -> None:
    world = World(nodes=())
    problem = "endpoints kept (no node can be used: 1)"
    assert summary_line(report(world)) == (
        f"failed: 0 created, 0 updated, 0 deleted, 1 unchanged, 1 left; 0 of 0 nodes used; {problem}"
    )
    assert summary_line(report(world, dry_run=True)).startswith("dry run, would fail: ")


def test_the_summary_of_what_a_guard_held_back() -> None:
    world = World(services=())
    assert summary_line(report(world, world.guarded(0))) == (
        "done: 0 created, 0 updated, 0 deleted, 0 unchanged, 2 held back; 2 of 2 nodes used"
    )


def test_failures_have_a_line_with_the_whole_error() -> None:
    world = of_every_kind()
    found = report(world, outcomes=outcomes(world, api=Result.FAILED, gone=Result.NOT_TRIED))
    assert [" ".join(line.split()) for line in failure_lines(found)] == [
        "! Service new/api failed: create Service new/api: no",
        "! Endpoints new/api failed: create Endpoints new/api: no",
        "! Service shop/gone not tried: delete Service shop/gone: no",
        "! Endpoints shop/gone not tried: delete Endpoints shop/gone: no",
    ]
    assert summary_line(found).startswith("failed: ")
    assert "2 failed, 2 not tried" in summary_line(found)


def test_what_failed_is_not_counted_as_done() -> None:
    world = World(local())
    found = report(world, outcomes=outcomes(world, cart=Result.FAILED))
    assert "0 created" in summary_line(found)


REFUSAL = "denied by policy:\n\x1b]0;title\x07\t- \u202efirst\r\n  - second\n"


def refused(world: World) -> Report:
    """Return the report of a run whose every write a webhook refused in odd words."""
    found = outcomes(world)
    return report(world, outcomes=tuple(replace(each, result=Result.FAILED, error=REFUSAL) for each in found))


@pytest.mark.parametrize("color", [False, True])
def test_text_of_others_is_escaped_and_stays_in_its_line(capsys: pytest.CaptureFixture[str], *, color: bool) -> None:
    odd = mirror(CART, service_port(80, 30080, name="\x1b[2J\nfake"))
    world = World(local(odd), services=(remote(CART), remote(TILL)))
    printer = printer_for(Output.TEXT, color=color)
    found = refused(world)
    printer.plan(found)
    printer.outcome(found)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 2 * len(found.outcomes) + 1
    assert "spec.ports[\\x1b[2J fake]: 80/TCP->30080 -> none" in out
    assert "failed: denied by policy: \\x1b]0;title\\x07 - \\u202efirst - second" in out
    assert ("\x1b[32m" in out) == ("\x1b" in out) == color


# --- document ---------------------------------------------------------------------------------------------------


def document(found: Report) -> dict[str, Any]:
    return valid(document_of(found))


def test_the_document() -> None:
    world = of_every_kind()
    found = document(report(world, outcomes=outcomes(world, gone=Result.FAILED), warnings=(ASSUMED,)))
    steps = found.pop("steps")
    assert (
        found.items()
        >= {
            "schemaVersion": 1,
            "source": "prod",
            "dryRun": False,
            "exitCode": 1,
            "unchanged": 4,
            "skipped": [
                {
                    "namespace": "shop",
                    "name": "ignored",
                    "reason": "ignored",
                    "message": "the remote Service is annotated to be ignored",
                }
            ],
            "notEligible": {"ignored namespace kube-system": 1, "type ClusterIP": 1},
            "notEligibleServices": [
                {
                    "namespace": "kube-system",
                    "name": "dns",
                    "reason": "ignored_namespace",
                    "message": "ignored namespace kube-system",
                },
                {"namespace": "shop", "name": "internal", "reason": "other_type", "message": "type ClusterIP"},
            ],
            "warnings": [message(ASSUMED)],
            "problems": [],
        }.items()
    )
    assert found["nodes"].items() >= {"listed": 5, "used": 2, "assumedReady": []}.items()
    assert found["nodes"]["excluded"] == [
        {"node": "c", "reason": "not_ready", "message": "not ready"},
        {"node": "d", "reason": "not_ready", "message": "not ready"},
        {"node": "e", "reason": "deleting", "message": "being deleted"},
    ]
    assert [" ".join(step[name] for name in ("action", "kind", "namespace", "name")) for step in steps] == [
        "create Namespace  new",
        "leave Service late x",
        "create Service new api",
        "create Endpoints new api",
        "update Service shop cart",
        "update Endpoints shop cart",
        "delete Service shop gone",
        "delete Endpoints shop gone",
        "mark Service shop left",
        "unchanged Endpoints shop left",
        "release Service shop real",
        "delete Endpoints shop real",
        "leave Service shop taken",
        "unchanged Service shop till",
        "unchanged Endpoints shop till",
        "leave Service shop waiting",
        "unchanged Endpoints shop waiting",
    ]
    assert [step.get("result") for step in steps] == [
        *("done", None, "done", "done", "done", "done", "failed", "failed", "done", None, "done", "done"),
        *[None] * 5,
    ]


def step_of(found: Report, action: str, kind: str) -> dict[str, Any]:
    steps = document(found)["steps"]
    return next(step for step in steps if (step["action"], step["kind"]) == (action, kind))


def test_steps_carry_their_details() -> None:
    found = report(of_every_kind())
    assert (
        step_of(found, "update", "Service").items()
        >= {
            "changes": [{"path": "spec.ports[http].port", "before": 8080, "after": 80}],
            "claimedFrom": ["barrelman"],
        }.items()
    )
    assert step_of(found, "update", "Endpoints")["changes"] == [
        {"path": "subsets.addresses", "removed": ["10.0.0.3"], "added": ["10.0.0.2"]}
    ]
    assert step_of(found, "delete", "Service")["reason"] == "not_in_remote"
    assert step_of(found, "release", "Service")["reason"] == "has_selector"
    assert (
        step_of(found, "mark", "Service").items()
        >= {
            "reason": "not_in_remote",
            "changes": [{"path": f"metadata.annotations[{MARK}]", "before": None, "after": "2026-11-27T10:00:00Z"}],
        }.items()
    )
    assert (
        step_of(found, "leave", "Service").items()
        >= {
            "reason": "namespace_terminating",
            "message": "namespace late is terminating",
        }.items()
    )


def test_what_is_held_back_says_what_it_would_have_been() -> None:
    world = World(services=())
    held = document(report(world, world.guarded(0)))
    assert [step["action"] for step in held["steps"]] == ["hold back delete"] * 2
    assert held["exitCode"] == 3


def test_an_error_is_there_only_for_what_was_not_done() -> None:
    world = of_every_kind()
    found = report(world, outcomes=outcomes(world, gone=Result.FAILED))
    errors = [step.get("error") for step in document(found)["steps"]]
    assert [error for error in errors if error] == ["delete Service shop/gone: no", "delete Endpoints shop/gone: no"]


def fallen_back(result: Result) -> Report:
    """Return a report of a mirror that could not be deleted, and of its endpoints, which lose a node instead."""
    world = World(services=(), nodes=NODES[:1])
    deleted, planned = world.plan().writes
    assert isinstance(deleted, Delete)
    (fallback,) = (Outcome(step, result, "" if result == Result.DONE else "no") for step in deleted.fallback)
    failed = Outcome(deleted, Result.FAILED, "denied", (fallback,))
    return report(world, outcomes=(failed, Outcome(planned, Result.NOT_TRIED, "Service shop/cart stays")))


@cases(
    "result, line",
    {
        "done": (Result.DONE, "~ Endpoints shop/cart fallback done: subsets.addresses: -10.0.0.2"),
        "failed": (Result.FAILED, "! Endpoints shop/cart fallback failed: no"),
    },
)
def test_what_was_written_instead_is_told(result: Result, line: str) -> None:
    found = fallen_back(result)
    assert [" ".join(told.split()) for told in failure_lines(found)] == [
        "! Service shop/cart failed: denied",
        "! Endpoints shop/cart not tried: Service shop/cart stays",
        line,
    ]
    assert f"1 failed, 1 not tried, 1 fallback {result};" in summary_line(found)
    service, endpoints = document(found)["steps"]
    (fallback,) = service["fallback"]
    assert (fallback["action"], fallback["kind"], fallback["result"]) == ("update", "Endpoints", result.value)
    assert fallback["changes"] == [{"path": "subsets.addresses", "removed": ["10.0.0.2"], "added": []}]
    assert (endpoints["result"], "fallback" in endpoints) == ("not tried", False)


def test_json_and_yaml_are_the_document() -> None:
    found = document(report(of_every_kind()))
    assert json.loads(as_json(found)) == yaml.safe_load(as_yaml(found)) == found
    assert list(json.loads(as_json(found))) == list(found)


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_documents_keep_every_text_and_are_plain_ascii(text: str) -> None:
    """A locale that lacks a character would change the value, and a control character would reach a terminal."""
    document = failure([text, f"a {text} b"], 1)
    for written, read in ((as_json(document), json.loads), (as_yaml(document), yaml.safe_load)):
        assert read(written) == document
        assert written.isascii()
        assert written.replace("\n", "").isprintable()


def test_a_run_that_a_bug_ended(capsys: pytest.CaptureFixture[str]) -> None:
    def printed(printer: Printer) -> str:
        printer.bug("no")
        return capsys.readouterr().out

    assert printed(printer_for(Output.TEXT, color=False)) == "failed: a bug ended the run; completed writes stay\n"
    assert valid(json.loads(printed(printer_for(Output.JSON, color=False)))) == failure(["no"], 1)


def test_a_run_that_came_to_no_plan() -> None:
    assert valid(failure(["no"], 2)) == {"schemaVersion": 1, "exitCode": 2, "problems": ["no"]}


# --- exit code --------------------------------------------------------------------------------------------------

NO_NODES = World(nodes=())
ORPHAN = World(services=())
MISSING = World(local())
REFUSING = World(local(manual(CART, service_port(80, "web"))))


def held(world: World) -> Plan:
    return world.guarded(0)


@cases(
    "found, code",
    {
        "nothing to do": (report(World()), ExitCode.CONVERGED),
        "all done": (report(MISSING, outcomes=outcomes(MISSING)), ExitCode.CONVERGED),
        "a service that cannot be served": (report(REFUSING), ExitCode.CONVERGED),
        "a write failed": (report(MISSING, outcomes=outcomes(MISSING, cart=Result.FAILED)), ExitCode.FAILED),
        "a write was not tried": (report(MISSING, outcomes=outcomes(MISSING, cart=Result.NOT_TRIED)), ExitCode.FAILED),
        "no node is used": (report(NO_NODES), ExitCode.FAILED),
        "held back": (report(ORPHAN, held(ORPHAN)), ExitCode.HELD_BACK),
        "held back, and no node is used": (
            report(NO_NODES, held(World(ORPHAN.local, (remote(TILL),), ()))),
            ExitCode.FAILED,
        ),
        "dry run, nothing to do": (report(World(), dry_run=True), ExitCode.CONVERGED),
        "dry run, changes": (report(MISSING, dry_run=True), ExitCode.CONVERGED),
        "dry run, held back": (report(ORPHAN, held(ORPHAN), dry_run=True), ExitCode.CONVERGED),
        "dry run that could only fail": (report(NO_NODES, dry_run=True), ExitCode.FAILED),
        "detailed, nothing to do": (report(World(), dry_run=True, detailed_exitcode=True), ExitCode.CONVERGED),
        "detailed, changes": (report(MISSING, dry_run=True, detailed_exitcode=True), ExitCode.CHANGES),
        "detailed, held back": (report(ORPHAN, held(ORPHAN), dry_run=True, detailed_exitcode=True), ExitCode.CHANGES),
        "detailed, could only fail": (report(NO_NODES, dry_run=True, detailed_exitcode=True), ExitCode.FAILED),
        "detailed counts in a dry run only": (
            report(MISSING, detailed_exitcode=True, outcomes=outcomes(MISSING)),
            ExitCode.CONVERGED,
        ),
    },
)
def test_exit_code(found: Report, code: ExitCode) -> None:
    assert found.exit_code is code
    assert document(found)["exitCode"] == int(code)


@cases("dry_run", {"a run": False, "a dry run": True})
def test_a_failure_takes_precedence_over_a_guard_and_says_so(*, dry_run: bool) -> None:
    """Both guards have a reason here: too many deletes, and no node. The latter is told: it may be why."""
    world = orphans(50, nodes=())
    found = report(world, world.guarded(10), dry_run=dry_run)
    assert found.exit_code is ExitCode.FAILED
    problem = "a guard holds deletes back, too: exit code 1 takes precedence over 3"
    assert f"; endpoints kept (no node can be used: 2); {problem}" in summary_line(found)
    assert document(found)["problems"][-1] == problem
    assert {step.why.reason for step in found.held} == {Reason.NO_REMOTE_NODE}


def test_without_a_node_and_without_endpoints_to_keep_only_the_guard_is_told() -> None:
    """Nobody needs the nodes, so nothing fails."""
    world = World(services=(), nodes=())
    found = report(world, world.guarded(10))
    assert found.exit_code is ExitCode.HELD_BACK
    assert document(found)["problems"] == []


def test_the_numbers_are_those_of_the_readme() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "CONVERGED": 0,
        "FAILED": 1,
        "USAGE": 2,
        "HELD_BACK": 3,
        "CHANGES": 4,
    }
