"""The last resort, tried by what hangs or loops for ever, put into the command on purpose (tests/wire/hanging.py)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from barrelman_sync.deadline import Deadline
from barrelman_sync.watchdog import Watchdog
from tests.wire.commands import Sides
from tests.wire.hanging import GRACE_SECONDS, HANGS, NOTHING
from tests.wire.objects import node_port

ROOT = Path(__file__).parents[2]
PATIENCE = 60
SILENT = ("lock of the log", "interpreter kept")
"""Where nobody is left to say it in words."""


@contextlib.contextmanager
def hanging(
    sides: Sides, what: str, *options: str, timeout: str = "0.5s", stderr: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.wire.hanging", what, *sides.arguments, "--timeout", timeout, *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True) as run:
        try:
            yield run
        finally:
            run.kill()


def ended(run: subprocess.Popen[str]) -> str:
    """What the run wrote to stderr, once it has ended with exit code 1."""
    _, stderr = run.communicate(timeout=PATIENCE)
    assert run.returncode == 1, stderr
    return stderr


@pytest.mark.parametrize("what", [what for what in HANGS if what not in SILENT])
def test_what_hangs_ends_with_a_message(sides: Sides, what: str) -> None:
    """The message last, as a pod's termination message is the end of its log."""
    with hanging(sides, what) as run:
        stderr = ended(run)
    first, *_, last = stderr.splitlines()
    assert first == "CRITICAL: Where each thread was:"
    assert ", in hang\n" in stderr
    assert last.startswith("CRITICAL: The run did not end within 0.2 s after its --timeout of 0.5 s")


def test_what_holds_the_log_ends_too(sides: Sides) -> None:
    with hanging(sides, "lock of the log") as run:
        ended(run)


def test_what_keeps_the_interpreter_ends_too(sides: Sides) -> None:
    with hanging(sides, "interpreter kept") as run:
        assert " in hang\n" in ended(run)


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


def test_it_ends_where_there_is_no_stderr(sides: Sides) -> None:
    command = [sys.executable, "-m", "tests.wire.hanging", "loop", *sides.arguments, "--timeout", "0.5s"]
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    with subprocess.Popen(shell, cwd=ROOT, stdout=subprocess.DEVNULL) as run:
        try:
            assert run.wait(PATIENCE) == 1
        finally:
            run.kill()


def test_the_message_is_json_where_the_log_is(sides: Sides) -> None:
    with hanging(sides, "loop", "--log-format", "json") as run:
        where, message = (json.loads(line) for line in ended(run).splitlines())
    assert where["level"] == message["level"] == "critical"
    assert ", in hang\n" in where["message"]
    assert message["message"].startswith("The run did not end")


def test_a_signal_does_not_call_it_off(sides: Sides) -> None:
    """The first signal lets finish what is in flight, and here that never ends."""
    with hanging(sides, "loop") as run:
        assert run.stdout
        assert run.stdout.readline() == "hanging\n"
        run.send_signal(signal.SIGTERM)
        assert "The run did not end" in ended(run)


def test_a_preflight_is_watched_too(sides: Sides) -> None:
    with hanging(sides, "loop", "--preflight") as run:
        assert "The run did not end" in ended(run)


def test_the_reader_of_a_dry_run_may_take_any_time(sides: Sides) -> None:
    """Such as less, which reads on as somebody scrolls: a pipe holds less than the plan of a large cluster."""
    names = [f"service-{number}-{'x' * 40}" for number in range(900)]
    sides.remote.store.add(*(node_port(name, node_port=30100 + number) for number, name in enumerate(names)))
    seconds = 8.0
    with hanging(sides, NOTHING, "--dry-run", timeout=f"{seconds}s") as run:
        assert run.stdout
        assert run.stdout.readline().startswith("+ Namespace")
        time.sleep(seconds + GRACE_SECONDS + 3)
        rest, stderr = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, stderr
    assert rest.splitlines()[-1].startswith("dry run: 1803 to create")


def test_it_stands_down_with_the_run() -> None:
    """Else it would end whoever runs the command in a process of their own, such as these tests."""
    before = {*threading.enumerate()}
    with Watchdog(Deadline(45)):
        (watching,) = {*threading.enumerate()} - before
    watching.join(PATIENCE)
    assert not watching.is_alive()


def test_a_timeout_beyond_all_measure(sides: Sides) -> None:
    """Longer than Python can wait."""
    with hanging(sides, NOTHING, timeout="9999999999h") as run:
        _, stderr = run.communicate(timeout=PATIENCE)
    assert (run.returncode, stderr) == (0, "")
