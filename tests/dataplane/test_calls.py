"""What is counted of calls, and what becomes of a load whose caller ends."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from lab.controlplane import wait_until
from lab.dataplane import Call, Load, Tally
from lab.dataplane.calls import read
from lab.dataplane.network import NetworkError

WEB, DNS = "http://web/", "udp://dns:53"
CALLS = [
    Call(1.0, 0.001, WEB, by="x1-1"),
    Call(2.0, 0.002, DNS, by="x2-1"),
    Call(3.0, 2.000, WEB, error="timeout"),
    Call(4.0, 0.004, WEB, by="x1-1"),
    Call(5.0, 0.001, WEB, error="refused"),
    Call(6.0, 0.001, WEB, error="refused"),
]
TALLY = Tally(CALLS)


def line(call: Call) -> str:
    return json.dumps(vars(call))


def test_each_call_is_counted_once() -> None:
    assert (TALLY.answered, TALLY.failed) == (3, 3)
    assert TALLY.by == {"x1-1": 2, "x2-1": 1}
    assert TALLY.errors == {"timeout": 1, "refused": 2}


def test_a_part_of_the_calls() -> None:
    assert TALLY.since(4.0).calls == CALLS[3:]
    assert TALLY.until(4.0).calls == CALLS[:2]
    assert TALLY.of(DNS).calls == [CALLS[1]]


@pytest.mark.parametrize(
    ("tally", "text"),
    [
        (Tally(), "0 calls; 0 failed"),
        (TALLY.since(5.0), "2 calls; 2 failed (refused 2); slowest failure 1 ms"),
        (
            TALLY,
            (
                "6 calls; 3 failed (refused 2, timeout 1); slowest failure 2000 ms; 3 answered (x1-1 2, x2-1 1);"
                " median 2.0 ms, slowest 4 ms"
            ),
        ),
    ],
)
def test_a_tally_as_text(tally: Tally, text: str) -> None:
    assert str(tally) == text


def test_calls_are_read_in_the_order_in_which_they_began() -> None:
    assert read([line(CALLS[1]), line(CALLS[0])]).calls == CALLS[:2]
    assert read([]).calls == []


def test_half_a_line_of_a_load_is_no_call_yet(tmp_path: Path) -> None:
    file = tmp_path / "load"
    file.write_text(f"{line(CALLS[0])}\n{line(CALLS[1])[:20]}")
    assert Load([], file).tally.calls == CALLS[:1]


def test_what_is_no_call_is_told() -> None:
    with pytest.raises(NetworkError, match="not a call: panic: no memory"):
        read([line(CALLS[0]), "panic: no memory"])


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo broken; exit 3", "ended with 3: broken|not a call: broken"),  # which one it is depends on the moment
        ("kill -9 $$", "ended with -9"),
        ("exit 0", "ended with 0"),
    ],
)
def test_a_load_does_not_wait_for_a_caller_that_has_ended(script: str, reason: str, tmp_path: Path) -> None:
    with (
        suppress(NetworkError),  # of the end of the load: see the next test
        Load(["sh", "-c", script], tmp_path / "load") as load,
        pytest.raises(NetworkError, match=reason),
    ):
        load.go_on(1)


def test_the_end_of_a_load_tells_that_its_caller_failed(tmp_path: Path) -> None:
    file = tmp_path / "load"
    script = "trap 'exit 3' TERM; echo broken; while :; do sleep 0.1; done"
    with pytest.raises(NetworkError, match="ended with 3: broken"), Load(["sh", "-c", script], file):
        wait_until(file.read_text, "the caller to start")
