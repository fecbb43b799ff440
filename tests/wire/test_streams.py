"""The installed command with streams that are closed, full, or that nobody reads: the work is done all the same."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import subprocess
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.wire import answers
from tests.wire.commands import COMMAND, Sides
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.objects import namespace, node_port

FULL = "ERROR: stdout cannot be written (No space left on device): the output is lost, nothing else is affected.\n"
CLOSED = "WARNING: stdout is closed: the output is lost, nothing else is affected.\n"
LEFT = "WARNING: The reader of stdout left: the output is lost, nothing else is affected.\n"

STREAMS: dict[str, tuple[str, int, str]] = {
    "stdout full": (">/dev/full", 1, FULL),
    "stdout closed": (">&-", 0, CLOSED),
    "stderr full": ("2>/dev/full", 0, ""),
    "stderr closed": ("2>&-", 0, ""),
    "stdout and stderr full": (">/dev/full 2>&1", 1, ""),
    "stdout and stderr closed": (">&- 2>&-", 0, ""),
    "stdin closed": ("<&-", 0, ""),
    "all closed": ("<&- >&- 2>&-", 0, ""),
    "stdout full and stderr closed": (">/dev/full 2>&-", 1, ""),
    "no reader": ("| true", 0, LEFT),
    "no reader of both": ("2>&1 | true", 0, ""),
}
"""What the shell is told, the exit code of a run in which all goes well, and what is on stderr."""
OPTIONS = ["-o json", "-o yaml", "--color always -vv", "--dry-run", "--help", "--version"]


class Ended(NamedTuple):
    code: int
    stdout: str
    stderr: str


def run_script(shell: str, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shell, "-c", script],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",  # Latin 1
        timeout=60,
        check=False,
    )


def shell(tmp_path: Path, streams: str, *arguments: str, **environment: str) -> Ended:
    """Run the command, with streams as a shell is told. In a pipe, the command waits until nobody reads it."""
    words = shlex.join([str(COMMAND), *arguments])
    redirects, pipe, reader = streams.partition("|")
    script = f"{{ {words} {redirects}; echo $? >{tmp_path}/code; }}"
    if pipe:
        left = f"{tmp_path}/left"
        wait = f"until [ -e {left} ]; do sleep 0.05; done"
        script = f"{{ {wait}; {script}; }} | {{ exec <&-; {reader}; touch {left}; }}"
    done = run_script("sh", script, **environment)
    return Ended(int((tmp_path / "code").read_text()), done.stdout, done.stderr)


@pytest.mark.parametrize(("streams", "code", "said"), STREAMS.values(), ids=STREAMS)
def test_the_work_is_done_whatever_the_output_meets(
    sides: Sides, tmp_path: Path, streams: str, code: int, said: str
) -> None:
    ended = shell(tmp_path, streams, *sides.arguments)
    assert (ended.code, ended.stderr) == (code, said)
    assert len(sides.writes) == 3
    assert ended.stdout == "" or ended.stdout.splitlines()[-1].startswith("done: 3 created")


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("streams", ["stdout full", "stdout closed", "no reader"])
def test_no_kind_of_output_ends_in_a_trace(sides: Sides, tmp_path: Path, streams: str, options: str) -> None:
    redirects, code, said = STREAMS[streams]
    ended = shell(tmp_path, redirects, *sides.arguments, *options.split())
    assert ended.code == code
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert ended.stderr.endswith(said)


@pytest.mark.parametrize("streams", ["stdout full", "stdout closed", "all closed", "no reader of both"])
def test_wrong_usage_is_wrong_usage_whatever_the_output_meets(tmp_path: Path, streams: str) -> None:
    assert shell(tmp_path, STREAMS[streams][0], "--unknown").code == 2


def test_a_reader_that_leaves_later(sides: Sides) -> None:
    """In the middle of the output: after the plan, while the writes go on."""
    arrived, go_on = threading.Event(), threading.Event()
    sides.local.rule("PATCH", "/api/v1/namespaces/shop/services/cart", answers.held(arrived, go_on))
    with subprocess.Popen(
        [COMMAND, *sides.arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        assert run.stderr
        assert run.stdout.readline().startswith("+ Namespace")
        assert arrived.wait(60)
        run.stdout.close()
        go_on.set()
        said = run.stderr.read()
        assert run.wait(60) == 0, said
    assert said == LEFT
    assert len(sides.writes) == 3


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_file_that_becomes_full_in_the_middle_of_the_document(sides: Sides, tmp_path: Path, unbuffered: str) -> None:
    """The first part of the document fits. The limit on the file's size stands for a disk that becomes full."""
    sides.remote.store.add(*(node_port(f"more{number}", 80, 30100 + number) for number in range(20)))
    words = shlex.join([str(COMMAND), *sides.arguments, "--dry-run", "-o", "json"])
    done = run_script("bash", f"ulimit -f 8; exec {words} >{tmp_path}/document", PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr) == (1, FULL.replace("No space left on device", "File too large"))


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_reader_that_leaves_in_the_middle_of_the_document(sides: Sides, unbuffered: str) -> None:
    """The document is longer than what a pipe holds."""
    sides.remote.store.add(*(node_port(f"more{number}", 80, 30100 + number) for number in range(100)))
    words = shlex.join([str(COMMAND), *sides.arguments, "--dry-run", "-o", "json"])
    done = run_script("bash", f"{words} | head -1", PYTHONUNBUFFERED=unbuffered)
    assert (done.stdout, done.stderr) == ("{\n", LEFT)


def test_a_pipe_that_does_not_block_is_waited_for(sides: Sides) -> None:
    """As some programs hand it to their children; the document is longer than what the pipe holds."""
    sides.remote.store.add(*(node_port(f"more{number}", 80, 30100 + number) for number in range(30)))
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    with subprocess.Popen([COMMAND, *sides.arguments, "-o", "json"], stdout=writing) as run, os.fdopen(reading) as read:
        os.close(writing)
        assert len(json.load(read)["steps"]) == 63
        assert run.wait(60) == 0


def test_what_is_lost_is_told_in_the_format_of_the_log(sides: Sides, tmp_path: Path) -> None:
    ended = shell(tmp_path, ">/dev/full", *sides.arguments, "--log-format", "json")
    assert json.loads(ended.stderr)["severity"] == "ERROR"


def test_metrics_say_that_stdout_was_full(sides: Sides, tmp_path: Path) -> None:
    file = tmp_path / "run.prom"
    shell(tmp_path, ">/dev/full", *sides.arguments, "--metrics-file", str(file))
    assert re.search(r"^barrelman_exit_code\{.*\} 1.0$", file.read_text(), re.MULTILINE)


def test_a_preflight_goes_on_to_its_end(sides: Sides, tmp_path: Path) -> None:
    """At its end, it lists what it needs to try the node ports."""
    ended = shell(tmp_path, ">/dev/full", *sides.arguments, "--preflight")
    assert (ended.code, ended.stderr) == (1, FULL)
    assert "/api/v1/services" in {request.path for request in sides.remote.requests}


# --- locales ------------------------------------------------------------------------------------------------------

LOCALES: dict[str, dict[str, str]] = {
    "C": {"LC_ALL": "C"},
    "C, and no UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX": {"LC_ALL": "POSIX", "PYTHONUTF8": "0"},
    "unknown": {"LC_ALL": "xx_XX.UTF-8"},
    "ASCII": {"PYTHONIOENCODING": "ascii"},
    "ASCII, strict": {"PYTHONIOENCODING": "ascii:strict"},
    "Latin 1": {"PYTHONIOENCODING": "latin-1"},
    "UTF-8": {"PYTHONUTF8": "1"},
}
WORDS = "\u4e16\u754c, \u00fcber \U0001f6a2"


@pytest.mark.parametrize("options", ["", "-vv -o yaml --log-format json"])
@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_any_locale_will_do(sides: Sides, tmp_path: Path, locale: dict[str, str], options: str) -> None:
    """Characters that the locale lacks are escaped."""
    path = kubeconfig(tmp_path, WORDS, "https://127.0.0.1:1", insecure_skip_tls_verify=True)
    arguments = ["--remote-kubeconfig", str(path), "--remote-context", f"not {WORDS}", *options.split()]
    ended = shell(tmp_path, "", *sides.arguments, *arguments, **locale)
    assert ended.code == 2
    assert "Traceback" not in ended.stderr
    assert "has no context" in ended.stderr


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_what_is_no_text_gives_no_trace(tmp_path: Path, locale: dict[str, str]) -> None:
    """Bytes that are not UTF-8, in an option and in a variable."""
    odd = os.fsdecode(b"/no/such/\xff\x1b[31m")
    given = ["--local-kubeconfig", odd, "--remote-kubeconfig", "/no", "--remote-name", odd]
    ended = shell(tmp_path, "", *given, **locale, BARRELMAN_SYNC_REMOTE_CONTEXT=odd, BARRELMAN_SYNC_TIMEOUT=odd)
    assert ended.code == 2
    assert "Traceback" not in ended.stderr
    assert "\x1b" not in ended.stderr
    for line in ended.stderr.splitlines():
        assert line.startswith("Error: ")


# --- terminals ----------------------------------------------------------------------------------------------------


def test_a_terminal_that_is_gone_does_not_stop_the_progress_bar(sides: Sides) -> None:
    """The bar is drawn between the writes."""
    sides.local.store.add(namespace("shop"))
    sides.remote.store.add(*(node_port(f"more{number}", 80, 30100 + number) for number in range(30)))
    arrived, go_on = threading.Event(), threading.Event()
    sides.local.rule("PATCH", "/api/v1/namespaces/shop/services/cart", answers.held(arrived, go_on))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [COMMAND, *sides.arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as run:
        os.close(theirs)
        assert os.read(ours, 1)
        assert arrived.wait(60)
        os.close(ours)
        go_on.set()
        stdout, _ = run.communicate(timeout=60)
    assert (run.returncode, len(sides.writes)) == (0, 62)
    assert stdout.splitlines()[-1].startswith("done: 62 created")
