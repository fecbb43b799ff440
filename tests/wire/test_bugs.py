"""A bug in the command, put there on purpose (breaking.py): one line, the output, the metrics, exit code 1."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from barrelman_sync import __version__
from tests.schema import valid
from tests.wire.breaking import ERRORS, PLACES
from tests.wire.commands import Sides

ROOT = Path(__file__).parents[2]
REPORT = f"This is a bug in barrelman-sync {__version__}. Please open an issue in the project's repository and add "
HOW = "the output of the same command with -v."


def broken(where: str, error: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.wire.breaking", where, error, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("error", ERRORS)
def test_every_kind_of_error_is_one_line(sides: Sides, error: str) -> None:
    done = broken("reading", error, *sides.arguments)
    assert done.returncode == 1
    assert done.stdout == "failed: a bug ended the run; completed writes stay\n"
    (line,) = done.stderr.splitlines()
    assert re.match(r"Error: \w+Error(: .+)?\. This", line)
    assert line.endswith(f". {REPORT}{HOW}")
    assert line.isprintable()


def test_its_text_is_escaped(sides: Sides) -> None:
    line = broken("reading", "value", *sides.arguments).stderr
    assert line.startswith("Error: ValueError: odd\\x1b[31m Second line. This is a bug")


@pytest.mark.parametrize("where", [where for where in PLACES if where != "document"])
def test_a_bug_anywhere_is_one_line(sides: Sides, tmp_path: Path, where: str) -> None:
    done = broken(where, "value", *sides.arguments, "--metrics-file", str(tmp_path / "a.prom"))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "barrelman-sync" in done.stderr


@pytest.mark.parametrize("where", ["reading", "writing", "document", "settings", "parsing"])
def test_a_consumer_gets_a_document(sides: Sides, where: str) -> None:
    done = broken(where, "value", *sides.arguments, "-o", "json")
    document = valid(json.loads(done.stdout))
    assert (done.returncode, document["exitCode"]) == (1, 1)
    assert document["problems"][0].startswith("ValueError: odd\x1b[31m\nSecond line. This is a bug")


def test_a_consumer_gets_one_document(sides: Sides, tmp_path: Path) -> None:
    done = broken("metrics", "value", *sides.arguments, "-o", "json", "--metrics-file", str(tmp_path / "a.prom"))
    assert done.returncode == 1
    assert valid(json.loads(done.stdout))["exitCode"] == 0


@pytest.mark.parametrize("option", ["-v", "-vv"])
def test_verbose_shows_the_trace(sides: Sides, option: str) -> None:
    first, second, *_, last = [
        line
        for line in broken("reading", "value", *sides.arguments, option).stderr.splitlines()
        if not line.startswith("DEBUG: ")
    ]
    assert first.endswith("and add the trace.")
    assert second == "Traceback (most recent call last):"
    assert last == "Second line."


def test_the_trace_is_in_the_line_of_json(sides: Sides) -> None:
    (line,) = broken("reading", "value", *sides.arguments, "-v", "--log-format", "json").stderr.splitlines()
    record = json.loads(line)
    assert record["severity"] == "ERROR"
    assert record["message"].startswith("ValueError: odd\\x1b[31m Second line. This is a bug")
    assert record["stack_trace"].startswith("Traceback (most recent call last):\n")


@pytest.mark.parametrize("where", ["reading", "writing", "plan"])
def test_metrics_know_of_it(sides: Sides, tmp_path: Path, where: str) -> None:
    file = tmp_path / "run.prom"
    assert broken(where, "value", *sides.arguments, "--metrics-file", str(file)).returncode == 1
    assert re.search(r"^barrelman_exit_code\{.*\} 1.0$", file.read_text(), re.MULTILINE)


def test_a_command_that_is_not_complete_says_so(tmp_path: Path) -> None:
    """A module of ours or a library that cannot be loaded: here, another `click` comes first."""
    (tmp_path / "click.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", "from barrelman_sync.__main__ import start; start()", "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "is broken or not installed completely" in done.stderr
