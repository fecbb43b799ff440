"""The log on stderr: fields that Google Cloud Logging knows, one line a record, and nothing but our own records."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from barrelman_sync.command.logs import set_up_logs, take_over_messages, tell
from barrelman_sync.model.settings import LogFormat
from tests.schema import valid
from tests.wire.commands import command, invoke

RFC_3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SAID = "ValueError: invalid literal for int() with base 10: 'x'"
LOG = logging.getLogger("barrelman_sync.test")


@pytest.fixture(autouse=True)
def put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Puts back what is set for the whole process."""
    ours = logging.getLogger("barrelman_sync")
    for name, value in {"handlers": ours.handlers, "propagate": ours.propagate, "level": ours.level}.items():
        monkeypatch.setattr(ours, name, value)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    yield
    logging.captureWarnings(capture=False)


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_a_line_of_json(capsys: pytest.CaptureFixture[str], level: str) -> None:
    """Without `severity`, what is on stderr is an error to Cloud Logging."""
    set_up_logs(LogFormat.JSON, 2)
    LOG.log(logging.getLevelNamesMapping()[level], "%s", "all is well")
    (line,) = written(capsys)
    assert re.fullmatch(RFC_3339, line.pop("time"))
    assert line == {"severity": level, "logger": "barrelman_sync.test", "message": "all is well"}


def test_a_secret_after_a_line_break_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    """In JSON, a letter is before it: `\\n`."""
    set_up_logs(LogFormat.JSON, 2)
    logging.getLogger("barrelman_sync.test").error(
        "a", extra={"lines": ["eyJhbGciOiJSUzI1NiIsImtpZCI6Im0ifQ.e30.c2ln"]}
    )
    (line,) = written(capsys)
    assert line["message"] == "a\n[redacted]"


@pytest.mark.parametrize("form", LogFormat)
def test_text_of_others_is_escaped_and_one_line(capsys: pytest.CaptureFixture[str], form: LogFormat) -> None:
    set_up_logs(form, 0)
    LOG.warning("%s", "denied:\n\x1b]0;title\x07 \u202e\udcff\r\nERROR: forged")
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    message = json.loads(said)["message"] if form is LogFormat.JSON else said.removeprefix("WARNING: ").rstrip()
    assert message == "denied: \\x1b]0;title\\x07 \\u202e\\udcff ERROR: forged"


def fail() -> None:
    try:
        int("x")
    except ValueError:
        LOG.exception("it failed")


def test_a_trace_is_in_its_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """In the field in which Google's Error Reporting looks for it."""
    set_up_logs(LogFormat.JSON, 0)
    fail()
    (line,) = written(capsys)
    assert line["message"] == "it failed"
    assert line["stack_trace"].startswith("Traceback (most recent call last):\n")
    assert line["stack_trace"].endswith(f"\n{SAID}")


def test_a_trace_is_below_its_line_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(LogFormat.TEXT, 0)
    fail()
    first, second, *_, last = capsys.readouterr().err.splitlines()
    assert first == "ERROR: it failed"
    assert second == "Traceback (most recent call last):"
    assert last == SAID


def test_what_ends_a_run_begins_with_a_word_that_people_know(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(LogFormat.TEXT, 0)
    tell(["one", "two\nlines"])
    assert capsys.readouterr().err == "Error: one\nError: two lines\n"


@pytest.mark.parametrize(("verbosity", "traced"), [(0, False), (1, True)])
def test_an_error_in_a_thread_is_logged(capsys: pytest.CaptureFixture[str], verbosity: int, *, traced: bool) -> None:
    set_up_logs(LogFormat.JSON, verbosity)
    take_over_messages()
    thread = threading.Thread(target=lambda: int("x"))
    thread.start()
    thread.join()
    (line,) = written(capsys)
    assert line["message"] == f"A bug ended a thread: {SAID}"
    assert ("stack_trace" in line) == traced


class Broken:
    def __del__(self) -> None:
        raise IndexError


def test_pythons_own_messages_do_not_reach_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(LogFormat.TEXT, 0)
    take_over_messages()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    Broken()
    assert capsys.readouterr().err == ""


# --- wrong usage --------------------------------------------------------------------------------------------------

WRONG = {
    "unknown option": ["--unknown"],
    "before and after": ["--unknown", "-x", "--timeout"],
    "no value": ["--timeout"],
    "a flag with a value": ["--dry-run=yes"],
    "a count with a value": ["--verbose=3"],
    "an argument": ["now"],
    "a wrong choice": ["--output", "xml"],
    "several lines": ["--unk\nnown\x1b[31m"],
    "missing": [],
}
AS_JSON = {
    "option before": (["--log-format", "json"], [], {}),
    "option after": ([], ["--log-format=json"], {}),
    "variable": ([], [], {"BARRELMAN_SYNC_LOG_FORMAT": "json"}),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_wrong_usage_is_a_line_a_problem(wrong: list[str]) -> None:
    result = invoke(*wrong)
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(line.startswith("Error: ") and line.isprintable() for line in result.stderr.splitlines())


@pytest.mark.parametrize(("before", "after", "environment"), AS_JSON.values(), ids=AS_JSON)
@pytest.mark.parametrize("wrong", [wrong for name, wrong in WRONG.items() if name != "before and after"])
def test_wrong_usage_is_json_where_the_log_is(
    wrong: list[str], before: list[str], after: list[str], environment: dict[str, str]
) -> None:
    """Even if the parser gives up before it comes to the option that says so."""
    if wrong == ["--timeout"] and after:
        wrong = ["--unknown"]  # else the option would be the value
    result = invoke(*before, *wrong, *after, **environment)
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert result.exit_code == 2
    assert {line["severity"] for line in lines} == {"ERROR"}


@pytest.mark.parametrize("count", ["abc", "1.5", "-"])
def test_a_wrong_count_in_the_environment(count: str) -> None:
    result = invoke("--local-context", "a", "--remote-context", "b", BARRELMAN_SYNC_VERBOSE=count)
    assert result.exit_code == 2
    assert "'--verbose'" in result.stderr


@pytest.mark.parametrize("wrong", [["--unknown"], ["--timeout", "soon"], []], ids=" ".join)
@pytest.mark.parametrize("output", ["json", "yaml"])
def test_wrong_usage_has_a_document_too(wrong: list[str], output: str) -> None:
    done = command(*wrong, "-o", output)
    document = valid(yaml.safe_load(done.stdout))
    assert (done.returncode, document["exitCode"]) == (2, 2)
    assert [f"Error: {problem}" for problem in document["problems"]] == done.stderr.splitlines()
