"""What a credential plugin says, and whom it may ask: on a terminal and without one."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from barrelman_sync.access.exec_output import folded
from barrelman_sync.cluster import resources
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.errors import ConfigurationError, RunError
from tests.wire import answers
from tests.wire.commands import COMMAND, Sides
from tests.wire.conftest import Connect, Ending
from tests.wire.fakeapi import FakeApi
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.plugins import credential, execs, plugin, runs

SECONDS = 60.0


class Terminal:
    """One end of a terminal, whose other end is for a command."""

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        self.text = ""

    def close(self) -> None:
        os.close(self._master)
        os.close(self.slave)

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + SECONDS
        while text not in self.text:
            ready, _, _ = select.select([self._master], [], [], max(0, end - time.monotonic()))
            assert ready, self.text
            self.text += os.read(self._master, 4096).decode()

    def type(self, line: str) -> None:
        os.write(self._master, f"{line}\n".encode())


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


class Run:
    """A dry run of the command whose remote needs the plugin; where a terminal is missing, the streams are files."""

    def __init__(self, sides: Sides, script: str, **more: str) -> None:
        self.folder = sides.folder
        user = {"exec": execs(plugin(self.folder, script), **more)}
        self._arguments = [*sides.arguments, "--dry-run"]
        kubeconfig(self.folder, "remote", sides.remote.url, user=user, insecure_skip_tls_verify=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, *, stdin: int = subprocess.DEVNULL, stderr: int | None = None, **more: Any
    ) -> subprocess.Popen[bytes]:
        with (self.folder / "stderr").open("wb") as file:
            self._process = subprocess.Popen(
                [COMMAND, *self._arguments],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=file if stderr is None else stderr,
                **more,
            )
        return self._process

    @property
    def said(self) -> str:
        return (self.folder / "stderr").read_text()

    def ends(self) -> int:
        assert self._process
        return self._process.wait(SECONDS)


def eventually(path: Path) -> str:
    """The content of a file that a plugin is about to write."""
    end = time.monotonic() + SECONDS
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < end, path
        time.sleep(0.02)
    return path.read_text()


PROMPT = "echo 'open example.com and enter CODE-1234' >&2"


def test_on_a_terminal_it_asks(sides: Sides, terminal: Terminal) -> None:
    """And is told that it may."""
    script = f'{PROMPT}; read answer; printf \'{{"status":{{"token":"%s"}}}}\' "$answer"'
    run = Run(sides, script, interactiveMode="IfAvailable")
    run.start(stdin=terminal.slave, stderr=terminal.slave)
    terminal.wait_for("CODE-1234")
    terminal.type("typed")
    assert run.ends() == 0
    assert {request.headers["Authorization"] for request in sides.remote.requests} == {"Bearer typed"}
    assert runs(run.folder)[0]["spec"]["interactive"] is True


def test_one_that_always_asks(sides: Sides, terminal: Terminal) -> None:
    script = 'read answer; printf \'{"status":{"token":"%s"}}\' "$answer"'
    run = Run(sides, script, interactiveMode="Always")
    run.start(stdin=terminal.slave)
    terminal.type("typed")
    assert run.ends() == 0


@pytest.mark.parametrize("mode", ["IfAvailable", "Never"])
def test_what_it_says_is_shown_at_once(sides: Sides, terminal: Terminal, mode: str) -> None:
    """It waits until somebody did what it said, but has nobody to ask."""
    waiting = f'while [ ! -e "{sides.folder}/done" ]; do sleep 0.05; done'
    run = Run(sides, f"{PROMPT}; read answer; {waiting}; {credential(token='t')}", interactiveMode=mode)
    run.start(stdin=terminal.slave if mode == "Never" else subprocess.DEVNULL, stderr=terminal.slave)
    terminal.wait_for("CODE-1234")
    (sides.folder / "done").touch()
    assert run.ends() == 0
    assert runs(run.folder)[0]["spec"]["interactive"] is False


def test_without_a_terminal_it_stands_in_the_error(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    deadline = Deadline(SECONDS)
    script = f'{PROMPT}; echo yes > "{tmp_path}/said"; exec sleep 600'

    def stop() -> None:
        eventually(tmp_path / "said")
        deadline.stop("enough")

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(
        RunError, match=r"did not finish in time, enough; it said: open example.com and enter CODE-1234"
    ):
        connected(api, deadline, exec=execs(plugin(tmp_path, script)))
    thread.join()


def test_without_a_terminal_and_any_trouble_it_is_not_shown(sides: Sides) -> None:
    run = Run(sides, f"{PROMPT}; {credential(token='t')}")
    run.start()
    assert run.ends() == 0
    assert run.said == ""


def test_one_that_always_asks_has_nobody(sides: Sides) -> None:
    run = Run(sides, PROMPT, interactiveMode="Always")
    run.start()
    assert run.ends() == 2
    assert "needs a terminal to read from (interactiveMode: Always)" in run.said


def test_a_signal_ends_it_and_what_it_started(sides: Sides) -> None:
    """Its child has the same streams, and would hold us as long as it lives."""
    run = Run(sides, f'{PROMPT}; sleep 600 & echo $! > "{sides.folder}/child"; wait')
    process = run.start()
    child = int(eventually(sides.folder / "child"))
    process.send_signal(signal.SIGTERM)
    assert run.ends() == 1
    assert "did not finish in time, the run was interrupted (SIGTERM); it said: open example.com" in run.said
    assert not is_running(child)


def test_ctrl_c_ends_the_run_and_not_only_a_command_that_asks(sides: Sides, terminal: Terminal) -> None:
    """On a terminal, both are in one process group, and get the signal."""
    run = Run(sides, f"{PROMPT}; exec sleep 600", interactiveMode="IfAvailable")
    process = run.start(stdin=terminal.slave, stderr=terminal.slave, process_group=0)
    terminal.wait_for("CODE-1234")
    os.killpg(process.pid, signal.SIGINT)
    assert run.ends() == 1
    terminal.wait_for("did not finish, the run was interrupted (SIGINT)")


def renewing(folder: Path) -> str:
    """The script of a plugin that gives a token at once, and the next time waits for a login."""
    login = f'{PROMPT}; echo $$ > "{folder}/asking"; exec sleep 600'
    return f'if [ -e "{folder}/once" ]; then {login}; fi; touch "{folder}/once"; {credential(token="t")}'


def test_a_renewal_that_waits_for_somebody_is_told(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    """The request that needs the new token waits, too: its end would say that the server did not answer."""
    deadline = Ending(SECONDS)
    api.rule_for_ever("GET", "/api/v1/nodes", deadline.after(answers.failure(401), seconds=5))
    client = connected(api, deadline, exec=execs(plugin(tmp_path, renewing(tmp_path))))
    with pytest.raises(ClusterError, match=r"did not finish in time, its share .*; it said: open .* CODE-1234"):
        client.list_all(resources.Node, lambda item: item)
    assert not is_running(int(eventually(tmp_path / "asking")))


def test_a_signal_ends_a_renewal(sides: Sides) -> None:
    sides.remote.rule_for_ever("GET", "/api/v1/namespaces/kube-system", answers.failure(401))
    run = Run(sides, renewing(sides.folder))
    process = run.start()
    asking = int(eventually(sides.folder / "asking"))
    process.send_signal(signal.SIGTERM)
    assert run.ends() == 1
    assert "the run was interrupted (SIGTERM)" in run.said
    assert not is_running(asking)


def test_what_it_leaves_in_the_background_holds_nobody(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    script = f'sleep 600 & echo $! > "{tmp_path}/child"; {credential(token="t")}'
    try:
        connected(api, Deadline(20), exec=execs(plugin(tmp_path, script)))
    finally:
        os.kill(int(eventually(tmp_path / "child")), signal.SIGKILL)


def is_running(process: int) -> bool:
    """Whether the process does anything; one that was killed may wait for its parent to notice."""
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


SAYINGS = {
    "several lines": ("one\n  two\r\n\n three\n", "one two three"),
    "colors": ("\x1b[1;31merror\x1b[0m: no", "error: no"),
    "the title of a terminal": ("\x1b]0;title\x07no", "\\x1b]0;title\\x07no"),
    "marks that turn text around": ("a\u202eb", "a\\u202eb"),
    "not UTF-8": (b"\xff no", "\ufffd no"),
    "very much": ("a" * 10_000 + " end", "a" * 496 + " end"),
}


@pytest.mark.parametrize(("said", "told"), SAYINGS.values(), ids=SAYINGS)
def test_it_is_told_in_one_line(said: str | bytes, told: str) -> None:
    assert folded(said) == told


PRINTED = {
    "not JSON": ("my-token", "it did not print JSON"),
    "half of it": ('{"status":{"token":"my-token"', "it did not print JSON"),
    "a text": ('{"status":"my-token"}', "'status' is empty"),
    "a list of tokens": ('{"status":{"token":["my-token"]}}', "token is not a text"),
    "two lines": ('{"status":{"token":"my-\\ntoken"}}', "the token is not a single line of text"),
    "deep": ("[" * 50_000, "it did not print JSON"),
}


@pytest.mark.parametrize(("printed", "why"), PRINTED.values(), ids=PRINTED)
def test_no_token_is_told(api: FakeApi, connected: Connect, tmp_path: Path, printed: str, why: str) -> None:
    (tmp_path / "printed").write_text(printed)
    with pytest.raises(ConfigurationError, match=f"returned no credential: {why}$") as caught:
        connected(api, exec=execs(plugin(tmp_path, f'cat "{tmp_path}/printed"')))
    assert "my-" not in str(caught.value)


def test_a_token_with_a_newline(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    connected(api, exec=execs(plugin(tmp_path, credential(token="secret\n"))))


def test_a_command_ended_by_a_signal(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="was ended by signal 9: bye"):
        connected(api, exec=execs(plugin(tmp_path, "echo bye >&2; kill -9 $$")))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an environment without names": ({"env": [{"value": "A"}]}, "an entry of env has no name"),
    "an environment of texts": ({"env": ["A=1"]}, "an entry of env has no name"),
    "an environment of pairs": ({"env": {"A": "1"}}, "env is not a list"),
    "a name with =": ({"env": [{"name": "A=B", "value": "1"}]}, "illegal environment variable name"),
    "arguments as a text": ({"args": "get-token"}, "args is not a list"),
    "a NUL": ({"args": ["a\0b"]}, "embedded null byte"),
}


@pytest.mark.parametrize(("more", "why"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_started(
    api: FakeApi, connected: Connect, tmp_path: Path, more: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"exec command '.*' cannot be started: {why}"):
        connected(api, exec=execs(plugin(tmp_path, ""), **more))


def test_an_empty_variable(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    script = f'[ -z "$EMPTY$NONE" ] || exit 1; {credential(token="t")}'
    env = [{"name": "EMPTY", "value": ""}, {"name": "NONE", "value": None}]
    connected(api, exec=execs(plugin(tmp_path, script), env=env))
