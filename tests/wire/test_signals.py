"""SIGTERM and Ctrl-C, against the installed command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.wire import answers
from tests.wire.commands import COMMAND, Sides
from tests.wire.objects import mirror, namespace, node_port
from tests.wire.test_claims import OTHER as THEIRS

SIGNALS = (signal.SIGTERM, signal.SIGINT)
PATIENCE = 20


class Hold:
    """Requests that wait for an answer."""

    def __init__(self, number: int = 1) -> None:
        self._arrived = [threading.Event() for _ in range(number)]
        self.go_on = threading.Event()
        self.answers = [answers.held(arrived, self.go_on) for arrived in self._arrived]

    def wait(self) -> None:
        for arrived in self._arrived:
            assert arrived.wait(PATIENCE)


@contextmanager
def running(sides: Sides, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [str(COMMAND), *sides.arguments, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            yield run
        finally:
            run.kill()


def interrupt(run: subprocess.Popen[str], number: signal.Signals) -> None:
    """Sends the signal, and waits until it is handled: the last that the handler does is to put itself out of place."""
    run.send_signal(number)
    end = time.monotonic() + PATIENCE
    while caught(run.pid) & {*SIGNALS}:
        assert time.monotonic() < end
        time.sleep(0.02)


def caught(pid: int) -> set[int]:
    """The signals for which a process has handlers; none if it has ended."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:"))
    mask = int(line.split()[1], 16)
    return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}


@pytest.mark.parametrize("number", SIGNALS)
def test_while_a_list_is_read(sides: Sides, number: signal.Signals) -> None:
    """Nobody waits for the answer, and nothing comes after it."""
    hold = Hold()
    sides.remote.rule("GET", "/api/v1/nodes", *hold.answers)
    with running(sides, "--timeout", "1h") as run:
        hold.wait()
        interrupt(run, number)
        stdout, stderr = run.communicate(timeout=PATIENCE)
    assert run.returncode == 1
    assert stdout.startswith("failed")
    assert f"listing nodes in the remote cluster failed: no answer from {sides.remote.url}: the run was" in stderr
    assert stderr.endswith(f"the run was interrupted ({number.name}).\n")
    assert sides.writes == []


@pytest.mark.parametrize("number", SIGNALS)
def test_while_objects_are_written(sides: Sides, number: signal.Signals) -> None:
    """What is in flight is finished, and counts as done; the rest is not tried."""
    sides.local.store.add(namespace("shop"))
    sides.remote.store.add(*(node_port(f"more{index}", 80, 30090 + index) for index in range(5)))
    hold = Hold(2)
    for name, answer in zip(("cart", "more0"), hold.answers, strict=True):
        sides.local.rule("PATCH", f"/api/v1/namespaces/shop/services/{name}", answer)
    with running(sides, "--concurrency", "2", "-o", "json") as run:
        hold.wait()
        interrupt(run, number)
        hold.go_on.set()
        stdout, stderr = run.communicate(timeout=PATIENCE)
    assert run.returncode == 1
    assert {request.path.rpartition("/")[2] for request in sides.writes} == {"cart", "more0"}
    assert len(sides.writes) == 2
    document = json.loads(stdout)
    assert document["exitCode"] == 1
    done = [step["name"] for step in document["steps"] if step["result"] == "done"]
    assert done == ["cart", "more0"]
    assert f'"error": "the run was interrupted ({number.name})"' in stdout
    assert stderr == f"ERROR: the run was interrupted ({number.name}): 10 of 12 writes are left to the next run\n"


def test_between_the_two_requests_of_a_write(sides: Sides) -> None:
    """The first has changed the object, so the write is not told as one that was not tried."""
    service = mirror("cart", 81)
    service["metadata"]["managedFields"] = [THEIRS]
    sides.local.store.add(namespace("shop"), service)
    hold = Hold()
    sides.local.rule("PATCH", "/api/v1/namespaces/shop/services/cart", *hold.answers)
    with running(sides, "-o", "json") as run:
        hold.wait()
        interrupt(run, signal.SIGTERM)
        hold.go_on.set()
        stdout, _ = run.communicate(timeout=PATIENCE)
    results = {(step["kind"], step["name"]): step.get("result") for step in json.loads(stdout)["steps"]}
    assert results["Service", "cart"] == "failed"
    assert "only the patch before it is done: the run was interrupted (SIGTERM)." in stdout


def test_the_document_has_the_exit_code_of_an_interrupted_run(sides: Sides) -> None:
    """The signal comes while the last write is in flight, so that every write is done."""
    sides.local.store.add(namespace("shop"))
    hold = Hold()
    sides.local.rule("PATCH", "/api/v1/namespaces/shop/endpoints/cart", *hold.answers)
    with running(sides, "-o", "json") as run:
        hold.wait()
        interrupt(run, signal.SIGTERM)
        hold.go_on.set()
        stdout, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == 1
    assert json.loads(stdout)["exitCode"] == 1


TWICE = [
    (signal.SIGTERM, signal.SIGTERM),
    (signal.SIGINT, signal.SIGINT),
    (signal.SIGINT, signal.SIGTERM),
]


@pytest.mark.parametrize(("first", "second"), TWICE)
def test_a_second_signal_ends_it_at_once(sides: Sides, first: signal.Signals, second: signal.Signals) -> None:
    """As if it were not handled at all, so that a shell sees it too."""
    sides.local.store.add(namespace("shop"))
    hold = Hold()
    sides.local.rule("PATCH", "/api/v1/namespaces/shop/services/cart", *hold.answers)
    with running(sides, "-o", "json") as run:
        hold.wait()
        interrupt(run, first)
        run.send_signal(second)
        stdout, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == -second
    assert stdout == ""


@pytest.mark.parametrize("number", SIGNALS)
def test_while_the_command_loads(tmp_path: Path, number: signal.Signals) -> None:
    """There is nothing to finish yet, so the signal ends the process, without a word."""
    (tmp_path / "click.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    heeding = ["env", "--default-signal=INT", str(COMMAND)]  # a shell lets what it starts with "&" ignore Ctrl-C
    with subprocess.Popen(
        heeding, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as loading:
        assert loading.stdout
        assert loading.stdout.readline() == "loading\n"
        loading.send_signal(number)
        _, stderr = loading.communicate(timeout=PATIENCE)
    assert (loading.returncode, stderr) == (-number, "")
