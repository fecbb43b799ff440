"""The last resort, tried by what hangs or loops forever, put into the command on purpose (tests/wire/hanging.py)."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from barrelman_sync.command.watchdog import Watchdog
from barrelman_sync.deadline import Deadline
from tests.wire.commands import Sides
from tests.wire.hanging import GRACE_SECONDS, HANGS, NOTHING, SILENT
from tests.wire.objects import node_port

ROOT = Path(__file__).parents[2]
PATIENCE = 60
PIPE = 4096
"""Bytes that a pipe holds, usually sixteen times as many."""
FORCED = "Timeout ("
"""How the output of faulthandler begins, which ends what our own thread does not."""


@contextlib.contextmanager
def hanging(
    sides: Sides,
    what: str,
    *options: str,
    timeout: str = "1s",
    stdin: int = subprocess.DEVNULL,
    stderr: int | None = subprocess.PIPE,
    by: tuple[str, ...] = (),
) -> Iterator[subprocess.Popen[str]]:
    """The command, which does not end, started `by` another; what it writes meets small pipes."""
    command = [sys.executable, "-m", "tests.wire.hanging", what, *sides.arguments, "--timeout", timeout, *options]
    with subprocess.Popen(
        [*by, *command], cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, text=True, pipesize=PIPE
    ) as run:
        try:
            yield run
        finally:
            run.kill()


def ended(run: subprocess.Popen[str]) -> str:
    """What the run wrote to stderr, once it has hung and has ended with exit code 1."""
    stdout, stderr = run.communicate(timeout=PATIENCE)
    assert (run.returncode, stdout) == (1, "hanging\n"), stderr
    return stderr


@pytest.mark.parametrize("what", [what for what in HANGS if what not in SILENT])
def test_what_hangs_ends_with_a_message(sides: Sides, what: str) -> None:
    """The message last, as a pod's termination message is the end of its log."""
    with hanging(sides, what) as run:
        stderr = ended(run)
    first, *_, last = stderr.splitlines()
    assert first == "CRITICAL: Where each thread was:"
    assert ", in hang\n" in stderr
    assert last.startswith("CRITICAL: The run was still going 0.2 s after its --timeout of 1 s")


def test_what_holds_the_log_ends_too(sides: Sides) -> None:
    with hanging(sides, "lock of the log") as run:
        assert FORCED not in ended(run)


def test_what_keeps_the_interpreter_ends_too(sides: Sides) -> None:
    with hanging(sides, "interpreter kept") as run:
        stderr = ended(run)
    assert stderr.startswith(FORCED)
    assert " in hang\n" in stderr


@pytest.fixture
def unread() -> Iterator[int]:
    """A pipe that is full, and nobody reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    yield writing
    os.close(reading)
    os.close(writing)


def test_it_ends_where_nobody_reads_the_message(sides: Sides, unread: int) -> None:
    with hanging(sides, "loop", stderr=unread) as run:
        ended(run)


@pytest.mark.parametrize("what", ["loop", "interpreter kept"])
def test_it_ends_where_there_is_no_stderr(sides: Sides, what: str) -> None:
    with hanging(sides, what, stderr=None, by=("sh", "-c", 'exec "$@" 2>&-', "sh")) as run:
        ended(run)


def test_the_message_is_json_where_the_log_is(sides: Sides) -> None:
    with hanging(sides, "loop", "--log-format", "json") as run:
        where, message = (json.loads(line) for line in ended(run).splitlines())
    assert where["severity"] == message["severity"] == "CRITICAL"
    assert ", in hang\n" in where["message"]
    assert message["message"].startswith("The run was still going")


def test_a_signal_does_not_call_it_off(sides: Sides) -> None:
    """The first signal lets finish what is in flight, and here that never ends."""
    with hanging(sides, "loop") as run:
        assert run.stdout
        assert run.stdout.readline() == "hanging\n"
        run.send_signal(signal.SIGTERM)
        _, stderr = run.communicate(timeout=PATIENCE)
    assert run.returncode == 1, stderr
    assert "The run was still going" in stderr


def test_a_preflight_is_watched_too(sides: Sides) -> None:
    with hanging(sides, "loop", "--preflight") as run:
        assert "The run was still going" in ended(run)


@pytest.fixture
def many(sides: Sides) -> Sides:
    """A plan that is longer than what a pipe holds."""
    names = [f"service-{number}-{'x' * 40}" for number in range(40)]
    sides.remote.store.add(*(node_port(name, node_port=30100 + number) for number, name in enumerate(names)))
    return sides


@pytest.mark.parametrize("options", [("--dry-run",), ("-o", "json")], ids=["dry run", "document"])
def test_on_a_terminal_a_reader_may_take_any_time(many: Sides, options: tuple[str, ...]) -> None:
    """Such as less, which reads on as somebody scrolls."""
    seconds = 8.0
    ours, theirs = pty.openpty()
    with hanging(many, NOTHING, *options, timeout=f"{seconds}s", stdin=theirs) as run:
        time.sleep(seconds + GRACE_SECONDS + 3.5)
        stdout, stderr = run.communicate(timeout=PATIENCE)
    os.close(ours)
    os.close(theirs)
    assert (run.returncode, stderr) == (0, "")
    assert len(stdout) > PIPE


def test_elsewhere_a_reader_that_reads_nothing_is_not_waited_for(many: Sides) -> None:
    with hanging(many, NOTHING, "--dry-run", timeout="5s") as run:
        assert run.stderr
        assert "output that nobody reads" in run.stderr.read()
        assert run.wait(PATIENCE) == 1


def test_it_stands_down_with_the_run() -> None:
    """Else it would end whoever runs the command in a process of their own, such as these tests."""
    before = {*threading.enumerate()}
    with Watchdog(Deadline(600)):
        (watching,) = {*threading.enumerate()} - before
    watching.join(PATIENCE)
    assert not watching.is_alive()


def test_a_timeout_beyond_all_measure(sides: Sides) -> None:
    """Longer than Python can wait."""
    with hanging(sides, NOTHING, timeout="9999999999h") as run:
        _, stderr = run.communicate(timeout=PATIENCE)
    assert (run.returncode, stderr) == (0, "")
