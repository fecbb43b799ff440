"""When a run tells what: text as it goes, a document once at the end."""

from collections.abc import Callable
from typing import Protocol

from barrelman_sync.config import Output
from barrelman_sync.outcome import Report
from barrelman_sync.report import document, text

Echo = Callable[[str], None]


class Printer(Protocol):
    """What a run shows on the way."""

    def plan(self, report: Report) -> None:
        """Before the first write."""

    def outcome(self, report: Report) -> None:
        """At the end."""

    def failure(self, message: str, exit_code: int) -> None:
        """At the end of a run that came to no plan."""


def printer_for(output: Output, echo: Echo) -> Printer:
    """The printer for what `--output` asks for."""
    match output:
        case Output.TEXT:
            return _TextPrinter(echo)
        case Output.JSON:
            return _DocumentPrinter(echo, document.as_json)
        case Output.YAML:
            return _DocumentPrinter(echo, document.as_yaml)


class _TextPrinter:
    def __init__(self, echo: Echo) -> None:
        self._echo = echo

    def plan(self, report: Report) -> None:
        for line in text.plan_lines(report):
            self._echo(line)

    def outcome(self, report: Report) -> None:
        for line in text.failure_lines(report):
            self._echo(line)
        self._echo(text.summary_line(report))

    def failure(self, message: str, exit_code: int) -> None:  # noqa: ARG002 - the caller exits with it
        self._echo(f"failed, nothing was written: {message}")


class _DocumentPrinter:
    def __init__(self, echo: Echo, render: Callable[[document.Document], str]) -> None:
        self._echo = echo
        self._render = render

    def plan(self, report: Report) -> None:
        """Nothing yet: a document is whole or not there."""

    def outcome(self, report: Report) -> None:
        self._echo(self._render(document.document(report)))

    def failure(self, message: str, exit_code: int) -> None:
        self._echo(self._render(document.failure(message, exit_code)))
