"""A plan that is looked at before it is carried out: its fingerprint, its colors, and the bar while it is done."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess

import pytest

from tests.wire.commands import COMMAND, Sides, invoke
from tests.wire.objects import node_port

ESCAPE = "\x1b["


def dry_run(sides: Sides) -> str:
    """Return the fingerprint that a dry run prints."""
    result = invoke(*sides.arguments, "--dry-run")
    found = re.search(r"; plan ([0-9a-f]{16})$", result.stdout, re.MULTILINE)
    assert found
    assert result.stdout.splitlines()[-1].endswith(found[0])
    return found[1]


# --- the fingerprint --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("in_process")
def test_the_plan_that_was_looked_at_is_carried_out(sides: Sides) -> None:
    fingerprint = dry_run(sides)
    assert json.loads(invoke(*sides.arguments, "--dry-run", "-o", "json").stdout)["fingerprint"] == fingerprint
    result = invoke(*sides.arguments, "--expect-plan", fingerprint)
    assert (result.exit_code, len(sides.writes)) == (0, 3)


@pytest.mark.usefixtures("in_process")
def test_another_plan_is_not(sides: Sides) -> None:
    fingerprint = dry_run(sides)
    sides.remote.store.add(node_port("till", node_port=30081))
    result = invoke(*sides.arguments, "--expect-plan", fingerprint)
    assert (result.exit_code, sides.writes) == (1, [])
    for stream in (result.stdout, result.stderr):
        assert f"not the expected {fingerprint}: nothing is written" in stream
    document = json.loads(invoke(*sides.arguments, "--expect-plan", fingerprint, "-o", "json").stdout)
    assert document["exitCode"] == 1
    assert fingerprint in document["problems"][0]


@pytest.mark.usefixtures("in_process")
def test_a_plan_that_has_been_carried_out_is_another(sides: Sides) -> None:
    fingerprint = dry_run(sides)
    assert invoke(*sides.arguments).exit_code == 0
    before = len(sides.writes)
    assert invoke(*sides.arguments, "--expect-plan", fingerprint).exit_code == 1
    assert len(sides.writes) == before


# --- colors ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(("choice", "colored"), [("always", True), ("never", False), ("auto", False)])
def test_colors_where_no_terminal_is(sides: Sides, choice: str, *, colored: bool) -> None:
    result = invoke(*sides.arguments, "--dry-run", "--color", choice)
    assert (ESCAPE in result.stdout) is colored
    plain = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    assert plain.splitlines()[0] == "+ Namespace     shop"


@pytest.mark.usefixtures("in_process")
def test_documents_have_none(sides: Sides) -> None:
    assert ESCAPE not in invoke(*sides.arguments, "--dry-run", "--color", "always", "-o", "yaml").stdout


def on_terminal(sides: Sides, *options: str, **environment: str) -> str:
    """Return what the installed command shows on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *sides.arguments, *options],
        env={"PATH": os.environ["PATH"], "TERM": "xterm", **environment},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert process.wait(30) == 0, shown
    return shown.decode()


@pytest.mark.parametrize(
    ("environment", "colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
    ids=["by itself", "NO_COLOR", "an empty NO_COLOR", "a dumb terminal"],
)
def test_colors_on_a_terminal(sides: Sides, environment: dict[str, str], *, colored: bool) -> None:
    assert (ESCAPE in on_terminal(sides, "--dry-run", **environment)) is colored


def test_the_option_wins_over_no_color(sides: Sides) -> None:
    assert ESCAPE in on_terminal(sides, "--dry-run", "--color", "always", NO_COLOR="1")


# --- the bar ----------------------------------------------------------------------------------------------------


def test_a_bar_on_a_terminal_while_many_writes_are_due(sides: Sides) -> None:
    sides.remote.store.add(*(node_port(f"s{number}", node_port=30100 + number) for number in range(10)))
    shown = on_terminal(sides)
    assert "writing" in shown
    assert "23/23" in shown


def test_no_bar_for_a_few(sides: Sides) -> None:
    assert "writing" not in on_terminal(sides)


@pytest.mark.usefixtures("in_process")
def test_no_bar_where_nobody_watches(sides: Sides) -> None:
    sides.remote.store.add(*(node_port(f"s{number}", node_port=30100 + number) for number in range(10)))
    assert invoke(*sides.arguments).stderr == ""
