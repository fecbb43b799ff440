"""The rows of the matrix: which releases are tried together, and what became of their tests."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.controlplane.releases import Chosen, Release, all_releases

HEAD = "| local | remote | passed | skipped | failed | time |\n|---|---|---|---|---|---|\n"


@dataclass(frozen=True)
class Row:
    """What became of the tests with these releases; `skipped` counts the tests for each reason."""

    chosen: Chosen
    passed: int
    failed: int
    skipped: Counter[str]
    seconds: float

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        counts = f"{self.passed:,} | {self.skipped.total()} | {self.failed}"
        return f"| {self.chosen.local.version} | {self.chosen.remote.version} | {counts} | {minutes} min {seconds} s |"


def all_pairs(releases: Sequence[Release] | None = None) -> list[Chosen]:
    """Return each release with itself, the oldest first, then the newest beside the oldest, both ways."""
    known = releases or all_releases()
    oldest, newest = known[0], known[-1]
    return [*(Chosen(release, release) for release in known), Chosen(newest, oldest), Chosen(oldest, newest)]


def row(chosen: Chosen, report: Path) -> Row:
    """Return the row of a report that pytest wrote with --junitxml."""
    suite = ET.parse(report).getroot()[0]  # noqa: S314 - our own pytest wrote the file
    skipped = Counter(found.get("message", "") for found in suite.iter("skipped"))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    passed = int(suite.get("tests", 0)) - failed - skipped.total()
    return Row(chosen, passed, failed, skipped, float(suite.get("time", 0)))


def table(rows: Iterable[Row]) -> str:
    """Return the table in Markdown, and below it why tests were skipped."""
    found = list(rows)
    text = HEAD + "".join(f"{each}\n" for each in found)
    reasons = {reason: sorted({str(each.chosen) for each in found if reason in each.skipped}) for reason in _all(found)}
    lines = [f"- {reason} (skipped on {', '.join(where)})\n" for reason, where in reasons.items()]
    return text + ("\n" + "".join(lines) if lines else "")


def _all(rows: Sequence[Row]) -> list[str]:
    return sorted({reason for each in rows for reason in each.skipped})
