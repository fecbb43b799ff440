"""When a run tells what: text as it goes, a document once at the end."""

from collections.abc import Callable, Sequence
from typing import Protocol

import click

from barrelman_sync.model.settings import Output
from barrelman_sync.planning.result import Report
from barrelman_sync.report import document, text

_COLORS = {"+": "green", "~": "yellow", "-": "red", "!": "magenta"}
"""Color repeats what the sign says: without it nothing is lost."""


class Printer(Protocol):
    """What a run shows on the way."""

    def plan(self, report: Report) -> None:
        """Before the first write."""

    def outcome(self, report: Report) -> None:
        """At the end."""

    def failure(self, problems: Sequence[str], exit_code: int) -> None:
        """At the end of a run that came to no plan."""


def printer_for(output: Output, *, color: bool) -> Printer:
    """The printer for what `--output` asks for; colors are for text alone."""
    match output:
        case Output.TEXT:
            return _TextPrinter(color=color)
        case Output.JSON:
            return _DocumentPrinter(document.as_json)
        case Output.YAML:
            return _DocumentPrinter(document.as_yaml)


class _TextPrinter:
    def __init__(self, *, color: bool) -> None:
        self._color = color

    def plan(self, report: Report) -> None:
        for line in text.plan_lines(report):
            self._echo(line)

    def outcome(self, report: Report) -> None:
        for line in text.failure_lines(report):
            self._echo(line)
        self._echo(text.summary_line(report), bold=True)

    def failure(self, problems: Sequence[str], exit_code: int) -> None:  # noqa: ARG002 - stderr tells
        self._echo("failed: nothing was planned and nothing written", bold=True)

    def _echo(self, line: str, *, bold: bool = False) -> None:
        styled = click.style(line, fg=_COLORS.get(line[:1]), bold=bold) if self._color else line
        click.echo(styled, color=self._color)


class _DocumentPrinter:
    def __init__(self, render: Callable[[document.Document], str]) -> None:
        self._render = render

    def plan(self, report: Report) -> None:
        """Nothing yet: a document is whole or not there."""

    def outcome(self, report: Report) -> None:
        click.echo(self._render(document.document(report)))

    def failure(self, problems: Sequence[str], exit_code: int) -> None:
        click.echo(self._render(document.failure(problems, exit_code)))
