"""`make playground`, and `make shell` in it."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.demo.stage import COMMAND
from tests.demo.machine import ROOT, SECONDS, forbidding, needs_traffic

URL = "http://web.shop.svc.cluster.local/"
CALL = f"dataplane call --count 20 {URL}"
RUNS = "Both clusters run until you press Ctrl-C here"


@dataclass(frozen=True)
class Playground:
    """A playground that runs, and the environment in which `make shell` finds it."""

    environment: Mapping[str, str]
    told: str

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as a user does from another terminal."""
        return make_shell(command, self.environment)


def make_shell(command: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    words = ["make", "--silent", "shell", f"ARGS=-c {shlex.quote(command)}"]
    return subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def typed(line: str, environment: Mapping[str, str]) -> str:
    """Type a line in the shell, as a user does at a terminal, and return what the terminal shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["make", "--silent", "shell"], cwd=ROOT, env=environment, stdin=theirs, stdout=theirs
    ) as shell:
        os.close(theirs)
        os.write(ours, f"{line}\nexit\n".encode())
        shell.wait(SECONDS)
    shown = b""
    with suppress(OSError):  # the other end is closed
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    return shown.decode()


@contextmanager
def playground(environment: Mapping[str, str]) -> Iterator[Playground]:
    """Start a playground, and end it as Ctrl-C does."""
    words = [sys.executable, "-m", "lab.demo", "--playground"]
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if RUNS in line:
                break
        try:
            yield Playground(environment, "".join(lines))
        finally:
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()
    assert (process.returncode, "Both clusters are stopped." in rest) == (0, True), (lines, rest)


@pytest.fixture
def data() -> Iterator[Path]:
    """Return a folder for the data, so that no other playground is found. Its path is short, as sockets need it."""
    with tempfile.TemporaryDirectory(prefix="p") as folder:
        yield Path(folder)


@pytest.mark.usefixtures("clusters")
def test_a_shell_on_a_node_has_what_the_playground_says(data: Path) -> None:
    needs_traffic()
    environment = {**os.environ, "TMPDIR": str(data), "HTTPS_PROXY": "http://127.0.0.1:1"}
    with playground(environment) as here:
        assert "make shell" in here.told
        assert f"{COMMAND} --preflight" in here.told
        assert here.shell(CALL).stdout.count('"error":"no_such_name"') == 20
        tried = here.shell(f"{COMMAND} --preflight")
        assert (tried.returncode, "connection to 10.77.0.11 on node port" in tried.stdout) == (0, True), tried
        assert here.shell(COMMAND).returncode == 0
        until_it_answers = f'until {CALL} | tee /dev/stderr | grep -q \'"by":"node-\'; do sleep 0.1; done'
        assert here.shell(until_it_answers).returncode == 0
        assert "barrelman-sync, version" in typed("barrelman-sync --version", environment)
        open_shell = subprocess.Popen(
            ["make", "--silent", "shell", "ARGS=-c 'echo open; exec cat'"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert open_shell.stdout
        assert open_shell.stdout.readline() == b"open\n"
    open_shell.communicate()  # it outlived the playground, and ends with its input
    assert open_shell.returncode == 0
    none_runs = make_shell("true", environment)
    assert "make playground" in none_runs.stderr
    assert none_runs.returncode != 0
    assert list(data.iterdir()) == []


@pytest.mark.usefixtures("clusters")
def test_without_traffic_there_is_a_shell_and_nothing_to_knock_at(data: Path, tmp_path: Path) -> None:
    with playground({**forbidding(tmp_path), "TMPDIR": str(data)}) as here:
        assert "does not allow network namespaces" in here.told
        assert "--preflight" not in here.told
        assert here.shell(f"{COMMAND} --dry-run").returncode == 0
        tried = here.shell(f"{COMMAND} --preflight -v")
        assert "connection to" not in tried.stdout, tried
        assert "192.0.2." not in tried.stdout, tried
