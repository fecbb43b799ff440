"""Calls by name from inside the network, and what became of each of them."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.controlplane.processes import Process
from lab.controlplane.waiting import wait_until
from lab.dataplane.network import NetworkError

SECONDS = 180  # a limit for a busy machine


@dataclass(frozen=True)
class Call:
    """One call: when it began (Unix time), how many seconds it took, who answered, or how it failed.

    `by` is the name of the pod that answered and `port` the port on which it did; `seen_as` is the caller's address in
    its eyes. `error` is empty, or a word that `call.go` has.
    """

    at: float
    took: float
    url: str
    by: str = ""
    port: int = 0
    seen_as: str = ""
    error: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Tally:
    """Calls that have ended, in the order in which they began."""

    calls: Sequence[Call] = ()

    @property
    def answered(self) -> int:
        """How many were answered."""
        return len(self.calls) - self.failed

    @property
    def failed(self) -> int:
        """How many failed."""
        return sum(self.errors.values())

    @property
    def errors(self) -> Counter[str]:
        """How many failed in each way."""
        return Counter(call.error for call in self.calls if call.error)

    @property
    def by(self) -> Counter[str]:
        """How many each pod answered."""
        return Counter(call.by for call in self.calls if not call.error)

    def since(self, moment: float) -> Tally:
        """Return the calls that began at this Unix time or later."""
        return Tally([call for call in self.calls if call.at >= moment])

    def until(self, moment: float) -> Tally:
        """Return the calls that ended before this Unix time."""
        return Tally([call for call in self.calls if call.at + call.took < moment])

    def of(self, url: str) -> Tally:
        """Return the calls of this URL."""
        return Tally([call for call in self.calls if call.url == url])

    def __str__(self) -> str:
        parts = [f"{len(self.calls)} calls", f"{self.failed} failed{_each(self.errors)}"]
        if self.failed:
            parts.append(f"slowest failure {max(1000 * call.took for call in self.calls if call.error):.0f} ms")
        if self.answered:
            times = sorted(1000 * call.took for call in self.calls if not call.error)
            parts.append(f"{self.answered} answered{_each(self.by)}")
            parts.append(f"median {statistics.median(times):.1f} ms, slowest {times[-1]:.0f} ms")
        return "; ".join(parts)


def _each(counts: Counter[str]) -> str:
    return f" ({', '.join(f'{word} {number}' for word, number in sorted(counts.items()))})" if counts else ""


def read(lines: Iterable[str]) -> Tally:
    """Return the calls that `dataplane call` wrote, one a line."""
    return Tally(sorted(map(_call, lines), key=lambda call: call.at))


def _call(line: str) -> Call:
    try:
        return Call(**json.loads(line))
    except ValueError:  # an error message
        raise NetworkError(f"not a call: {line}") from None


class Load:
    """Calls that go on in the background, until the end of the `with` block."""

    def __init__(self, command: Sequence[str], output: Path) -> None:
        """Remember what to start. `output` is the file for what the command prints."""
        self._command = command
        self._output = output

    def __enter__(self) -> Self:
        self._process = Process("the load", self._command, self._output)
        return self

    def __exit__(self, error: type[BaseException] | None, *_details: object) -> None:
        self._process.stop(grace=SECONDS)
        if (code := self._process.exit_code()) and error is None:
            raise NetworkError(f"the load ended with {code}: {self._process.tail()}")

    @property
    def tally(self) -> Tally:
        """The calls that have ended so far."""
        *lines, _unfinished = self._output.read_text().split("\n")
        return read(lines)

    def go_on(self, calls: int = 100) -> None:
        """Return when this many calls that began after this moment have ended."""
        now = time.time()
        wait_until(lambda: self._count(now) >= calls, f"{calls} more calls", SECONDS, interval=0.1)

    def _count(self, since: float) -> int:
        if (code := self._process.exit_code()) is not None:
            raise NetworkError(f"the load ended with {code}: {self._process.tail()}")
        return len(self.tally.since(since).calls)
