"""`make demo` on a machine that carries traffic, and on one that does not. docs/demo.svg shows what it prints."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from lab.dataplane import Call, Load, Tally
from lab.demo.cast.__main__ import RECORDING
from lab.demo.cast.chapters import chosen, comparable
from lab.demo.traffic import CALLER, Periods
from tests.demo.machine import ROOT, SECONDS, forbidding, needs_traffic
from tests.needed import lacking

CALLS = "What became of the calls"


def demo(environment: Mapping[str, str]) -> str:
    """Return what `make demo` prints. What goes otherwise than it says ends it with an error."""
    done = subprocess.run(
        ["make", "demo"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "asked for no writes" in done.stdout
    return done.stdout


def test_with_traffic_it_calls_and_counts(clusters: object) -> None:
    needs_traffic()
    told = demo(dict(os.environ))
    assert "ok: no call failed before the change, and none after the run" in told
    assert told.index("The same call") < told.index(CALLS)
    if CALLER[0] != "curl":
        lacking("docs/demo.svg shows curl, which is not in PATH")
    assert comparable(chosen(told)) == comparable(chosen(RECORDING.read_text())), "run: make pictures"


def test_without_traffic_one_line_says_why(clusters: object, tmp_path: Path) -> None:
    told = demo(forbidding(tmp_path))
    (line,) = [line for line in told.splitlines() if "Without traffic" in line]
    assert "does not allow network namespaces" in line
    assert "Operation not permitted" in line
    assert CALLS not in told
    assert "10.77." not in told


def test_what_was_in_flight_at_the_first_change_belongs_to_the_change() -> None:
    periods = Periods()
    for name in ("before", "change", "after"):
        periods.go_on(name)
    begun: Any = periods._begun
    begun.update(before=10.0, change=20.0, after=30.0)
    calls = [Call(at, took, "") for at, took in ((9.9, 0.2), (19.0, 0.5), (19.9, 1), (29.9, 5), (30.0, 0.1))]
    periods._load = cast("Load", SimpleNamespace(tally=Tally(calls)))
    periods.end()
    assert {name: [call.at for call in tally.calls] for name, tally in periods.tallies.items()} == {
        "before": [9.9, 19.0],
        "change": [19.9, 29.9],
        "after": [30.0],
    }
