"""Endpoints to EndpointSlices and back: no call fails, also where runs are killed or get in each other's way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.endpoints.views import SLICES, slices
from tests.scenarios.origins import Mode
from tests.scenarios.proxy import Pause, Proxy, proxy_before
from tests.scenarios.views import is_there
from tests.traffic.lab import NAME, NAMESPACE, Lab, serve

ENDPOINTS_PATH, SLICES_PATH = f"/endpoints/{NAME}", f"/endpointslices/{NAME}-barrelman"
# All writes of a switch. What is to stay is written once more right before the other is deleted.
TO_SLICES = (("PATCH", SLICES_PATH), ("PATCH", SLICES_PATH), ("DELETE", ENDPOINTS_PATH))
TO_ENDPOINTS = (("PATCH", ENDPOINTS_PATH), ("PATCH", ENDPOINTS_PATH), ("DELETE", SLICES_PATH))
ROUNDS, PAIRS = 2, 15


@pytest.fixture
def local_proxy(lab: Lab, tmp_path: Path) -> Iterator[Proxy]:
    """Return a proxy before the local API server."""
    with proxy_before(lab.local.plane, lab.sync.local_token, tmp_path / "proxy", "--local-kubeconfig") as proxy:
        yield proxy


def test_to_slices_and_back(lab: Lab) -> None:
    serve(lab.remote)
    lab.mirror()
    with lab.load() as load:
        load.go_on(100)
        for options, has_endpoints, has_slices in (((SLICES,), False, True), ((), True, True), ((), True, False)):
            lab.mirror(*options)
            assert kinds(lab) == (has_endpoints, has_slices)
            load.go_on(200)
    lab.tell("three runs", load.tally)
    assert load.tally.failed == 0


@pytest.mark.parametrize(
    ("before", "mode", "writes"),
    [((), (SLICES,), TO_SLICES), ((SLICES,), (), TO_ENDPOINTS)],
    ids=["to slices", "to Endpoints"],
)
def test_runs_that_are_killed_after_each_write(
    lab: Lab, local_proxy: Proxy, before: Mode, mode: Mode, writes: Sequence[tuple[str, str]]
) -> None:
    """Each run comes one write further than the one before, and the last finds nothing left to do."""
    serve(lab.remote)
    lab.mirror(*before)
    with lab.load() as load:
        load.go_on(100)
        for verb, path in writes:
            kill_after(lab, local_proxy, (verb, path), *mode)
            load.go_on(100)
        assert lab.mirror(*mode).writes == []
        load.go_on(100)
    lab.tell(f"{len(writes)} killed runs", load.tally)
    assert load.tally.failed == 0


@pytest.mark.parametrize("verb", ["PATCH", "DELETE"])
def test_two_runs_of_different_modes_that_both_come_to_their_first_write_or_delete(
    lab: Lab, local_proxy: Proxy, verb: str
) -> None:
    serve(lab.remote)
    with_both_kinds(lab)
    with lab.load() as load:
        for _ in range(ROUNDS):
            load.go_on(100)
            assert 1 in race(lab, local_proxy, verb)
            assert kinds(lab) != (False, False)
            with_both_kinds(lab)
        load.go_on(100)
    lab.tell(f"{ROUNDS} times two runs", load.tally)
    assert load.tally.failed == 0


def test_two_runs_of_different_modes_again_and_again(lab: Lab) -> None:
    serve(lab.remote)
    with_both_kinds(lab)
    with lab.load() as load:
        for _ in range(PAIRS):
            runs = [lab.sync.start(SLICES), lab.sync.start()]
            assert {run.finish().exit_code for run in runs} <= {0, 1}
        lab.local.settle()
        load.go_on(100)
    lab.tell(f"{PAIRS} times two runs", load.tally)
    assert load.tally.failed == 0


def kinds(lab: Lab) -> tuple[bool, bool]:
    """Say whether the mirror has Endpoints, and whether it has slices of ours."""
    plane = lab.local.plane
    return is_there(plane, NAMESPACE, NAME)[1], bool(slices(plane, NAMESPACE, NAME))


def with_both_kinds(lab: Lab) -> None:
    """Bring the mirror to where each mode has only to delete what the other wrote."""
    lab.mirror(SLICES)
    lab.mirror()
    assert kinds(lab) == (True, True)


def kill_after(lab: Lab, proxy: Proxy, write: tuple[str, str], *options: str) -> None:
    """Kill a run when this write of it is done, and before it hears of that."""
    done = Pause()
    proxy.lose(*write, done)
    running = lab.sync.start(*proxy.options, *options)
    done.wait()
    os.kill(running.pid, signal.SIGKILL)
    done.end()
    assert running.finish().exit_code == -signal.SIGKILL
    lab.local.settle()


def race(lab: Lab, proxy: Proxy, verb: str) -> set[int]:
    """Let a run of each mode come to such a request, let both go on at once, and return their exit codes."""
    ready = Pause(), Pause()
    for path, pause in zip((SLICES_PATH, ENDPOINTS_PATH), ready, strict=True):
        proxy.before(verb, path, pause)
    runs = [lab.sync.start(*proxy.options, *options) for options in ((SLICES,), ())]
    for pause in ready:
        pause.wait()
    for pause in ready:
        pause.end()
    exit_codes = {run.finish().exit_code for run in runs}
    lab.local.settle()
    return exit_codes
