"""The output of the demo: plain text, with a little color on a terminal."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Sequence

import click

WIDTH = 100
COLORS = {"+": "green", "-": "red", "~": "yellow", "!": "magenta"}
INDENT = "  "


def heading(text: str) -> None:
    """Begin a chapter."""
    _echo()
    _echo(text, bold=True)
    _echo("-" * len(text))


def say(text: str) -> None:
    """Print a paragraph, wrapped."""
    for line in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False):
        _echo(line)


def line(text: str = "") -> None:
    """Print one line, indented."""
    _echo(f"{INDENT}{text}" if text else "")


def prompt(command: str, on: str = "") -> None:
    """Print a command as somebody would type it, in a shell on this node."""
    _echo()
    _echo(f"{on}$ {command}", bold=True)


def output(text: str) -> None:
    """Print the output of a command, with the lines of its plan in color."""
    for row in text.splitlines():
        _echo(row, fg=COLORS.get(row[:2].rstrip()))


def good(text: str) -> None:
    """Print the result of a check that passed."""
    _echo(f"{INDENT}ok: {text}", fg="green")


def bad(text: str) -> None:
    """Print to stderr what went wrong."""
    _echo(text, err=True, fg="red")


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns, the titles first."""
    cells = [list(titles), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number, row in enumerate(cells):
        padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        _echo(f"{INDENT}{'   '.join(padded).rstrip()}", dim=number == 0)


def _echo(text: str = "", *, err: bool = False, fg: str | None = None, bold: bool = False, dim: bool = False) -> None:
    styled = click.style(text, fg=fg, bold=bold or None, dim=dim or None)
    click.echo(styled, err=err, color=False if "NO_COLOR" in os.environ else None)
