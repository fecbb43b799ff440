"""What may be shown on a terminal and only there: colors, and a bar while many writes are due."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from barrelman_sync.model.settings import Color

WORTH_A_BAR = 20
"""Writes; fewer are done before anyone looks."""


def wants_color(choice: Color) -> bool:
    """Whether to color stdout: by itself only on a terminal that can, and not where NO_COLOR asks not to.

    See https://no-color.org: it counts if it is not empty, and the option overrides it.
    """
    if choice is Color.AUTO:
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice is Color.ALWAYS


def is_on_terminal() -> bool:
    """Whether somebody sits at a terminal, wherever the output goes: stdin is still theirs in a pipe to a pager."""
    return sys.stdin is not None and sys.stdin.isatty()


@contextmanager
def progress(length: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr for that many writes, if they are many and somebody watches; yields what moves it on."""
    if length < WORTH_A_BAR or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, label="writing", file=sys.stderr, show_pos=True) as bar:
        yield bar.update
