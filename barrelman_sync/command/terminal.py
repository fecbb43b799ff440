"""What is shown only on a terminal: colors, and a progress bar while many objects are written."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from barrelman_sync.model.settings import Color

WORTH_A_BAR = 20
"""The least number of writes that get a progress bar. Fewer writes are done before anyone looks."""


def wants_color(choice: Color) -> bool:
    """Whether to color stdout. AUTO means on a terminal, unless the terminal has no colors or NO_COLOR is set.

    See https://no-color.org: an empty NO_COLOR does not count, and the option overrides the variable.
    """
    if choice is Color.AUTO:
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice is Color.ALWAYS


def is_on_terminal() -> bool:
    """Whether a person runs this at a terminal. Looks at stdin, which is a terminal even if stdout goes to a pager."""
    return sys.stdin is not None and sys.stdin.isatty()


@contextmanager
def progress(length: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr for `length` writes, if there are many; yields the function that advances the bar."""
    if length < WORTH_A_BAR or not sys.stderr.isatty():
        with no_progress(length) as advance:
            yield advance
        return
    with click.progressbar(length=length, label="writing", file=sys.stderr, show_pos=True) as bar:
        yield bar.update


@contextmanager
def no_progress(length: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG001 - as `progress`
    """Shows nothing."""
    yield lambda _: None
