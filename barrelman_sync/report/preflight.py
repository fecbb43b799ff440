"""What a preflight prints: one line for each check, with advice below it, and a summary at the end."""

from collections.abc import Iterable
from typing import NamedTuple

import click

from barrelman_sync.report.escape import one_line, own_lines


class Check(NamedTuple):
    """The result of one check. `what` is a phrase that fits the result; `advice` may have several lines."""

    passed: bool
    what: str
    advice: str = ""


def print_checks(checks: Iterable[Check], *, color: bool) -> bool:
    """Prints each check as it comes, then the summary. Returns whether all checks passed."""
    results = []
    for check in checks:
        results.append(check.passed)
        mark = click.style("ok  ", fg="green") if check.passed else click.style("FAIL", fg="red")
        click.echo(f"{mark} {one_line(check.what)}", color=color)
        for line in own_lines(check.advice).splitlines():
            click.echo(f"     {line}")
    click.echo(_summary(results))
    return all(results)


def _summary(results: list[bool]) -> str:
    if failed := results.count(False):
        return f"failed: {failed} of {len(results)} checks"
    return f"passed: all {len(results)} checks"
