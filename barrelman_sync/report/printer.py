"""When a run prints what: text is printed as the run goes on, a document once at the end."""

import sys
from collections.abc import Callable, Sequence
from typing import Protocol

import click

from barrelman_sync.model.escape import one_line
from barrelman_sync.model.settings import Output
from barrelman_sync.planning.result import ExitCode, Report
from barrelman_sync.redaction import Clean
from barrelman_sync.report import document, text

_COLORS = {"+": "green", "~": "yellow", "-": "red", "!": "magenta"}
"""Color of a line, by the line's sign. The color only repeats what the sign says."""


class Printer(Protocol):
    """Prints to stdout what a run does and did."""

    def plan(self, report: Report) -> None:
        """Called before the first write."""

    def outcome(self, report: Report) -> None:
        """Called at the end of a run that came to a plan."""

    def failure(self, problems: Sequence[str], exit_code: int) -> None:
        """Called at the end of a run that came to no plan."""

    def bug(self, problem: str) -> None:
        """Called at the end of a run that a bug ended, at whatever point."""


def printer_for(output: Output, *, color: bool, quiet: bool = False) -> Printer:
    """The printer for the format that `--output` names. Only text is colored, and only text may be quiet."""
    match output:
        case Output.TEXT:
            return _TextPrinter(color=color, quiet=quiet)
        case Output.JSON:
            return _DocumentPrinter(document.as_json)
        case Output.YAML:
            return _DocumentPrinter(document.as_yaml)


def show_document(rendered: str) -> None:
    """Prints JSON or YAML, which has no secrets any more: to look for them again could replace words of its structure.

    click would make another text of it, so it does not print this one.
    """
    sys.stdout.write(Clean(f"{rendered}\n"))
    sys.stdout.flush()


def show_line(line: str, *, color: bool, bold: bool = False) -> None:
    """Prints a line of text in the color of its sign, if it begins with one."""
    shown = one_line(line)  # here, so that no line is forgotten: all hold text of others
    hue = _COLORS.get(shown.lstrip()[:1])
    styled = click.style(shown, fg=hue, bold=bold or None) if color and shown and (hue or bold) else shown
    click.echo(styled, color=color)


class _TextPrinter:
    def __init__(self, *, color: bool, quiet: bool) -> None:
        self._color = color
        self._quiet = quiet

    def plan(self, report: Report) -> None:
        for line in text.plan_lines(report, quiet=self._quiet):
            self._echo(line)

    def outcome(self, report: Report) -> None:
        for line in text.failure_lines(report):
            self._echo(line)
        self._echo(text.summary_line(report))

    def failure(self, problems: Sequence[str], exit_code: int) -> None:  # noqa: ARG002 - the problems are on stderr
        self._echo("failed: nothing was planned and nothing written")

    def bug(self, problem: str) -> None:  # noqa: ARG002 - the problem is on stderr
        self._echo("failed: a bug ended the run; completed writes stay")

    def _echo(self, line: str) -> None:
        """Prints a line. In color, a line without a sign is bold: a heading, or the summary."""
        show_line(line, color=self._color, bold=line[:1] not in _COLORS)


class _DocumentPrinter:
    def __init__(self, render: Callable[[document.Document], str]) -> None:
        self._render = render

    def plan(self, report: Report) -> None:
        """Prints nothing yet: a document is printed as a whole, at the end."""

    def outcome(self, report: Report) -> None:
        show_document(self._render(document.document(report)))

    def failure(self, problems: Sequence[str], exit_code: int) -> None:
        show_document(self._render(document.failure(problems, exit_code)))

    def bug(self, problem: str) -> None:
        self.failure([problem], ExitCode.FAILED)
