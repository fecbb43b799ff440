"""When each row of the cast appears and disappears."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lab.demo.cast.chapters import Screen, color_of, is_heading, plain
from lab.demo.terminal import WIDTH

START, KEY, ENTER, LINE = 0.5, 0.015, 0.4, 0.06  # seconds: before the first key, a key, after the last one, a line
READ, LOOK, LAST_LOOK = 0.18, 2.0, 4.0  # seconds: to read a line, and more at the end of a screen, and of the last one
INDENT = " " * 4  # of what does not fit in a row
PROMPT = re.compile(r"\S*\$ ")


@dataclass(frozen=True)
class Row:
    """A row of the terminal. It is there from `begins` to `ends`; its text from the column `typed` on is typed."""

    number: int
    text: str
    color: str
    begins: float
    ends: float = 0
    typed: int | None = None

    @property
    def keys(self) -> int:
        """How many keys are typed for this row."""
        return 0 if self.typed is None else len(self.text) - self.typed

    @property
    def typing_ends(self) -> float:
        """The time of the last key."""
        return self.begins + self.keys * KEY


def timed(screens: Sequence[Screen]) -> list[list[Row]]:
    """Return the rows of each screen, with their times from the start of the cast. Each screen follows the other."""
    found: list[list[Row]] = []
    now = 0.0
    for screen in screens:
        clock = _Clock(now)
        rows = list(clock.screen(screen))
        now = clock.now + (LAST_LOOK if screen is screens[-1] else 0) + LOOK
        found.append([replace(row, ends=now) for row in rows])
    return found


class _Clock:
    """The time and the row at which a screen has arrived."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.number = 0

    def screen(self, screen: Screen) -> Iterator[Row]:
        for number, paragraph in enumerate(screen):
            if number and not is_heading(screen[number - 1]):
                self.number += 1
            for line in paragraph:
                yield from self._line(line)
            self.now += READ * len(paragraph)

    def _line(self, line: str) -> Iterator[Row]:
        text, color = plain(line), color_of(line)
        prompt = PROMPT.match(text)
        self.now += START if prompt else 0
        for part, wrapped in enumerate(_wrapped(text)):
            typed = (len(INDENT) if part else prompt.end()) if prompt else None
            row = Row(self.number, wrapped, color, self.now, typed=typed)
            self.number += 1
            self.now = row.typing_ends if prompt else self.now + LINE
            yield row
        self.now += ENTER if prompt else 0


def _wrapped(text: str) -> Sequence[str]:
    """Wrap between words, unlike a terminal: a line is easier to read so."""
    return textwrap.wrap(text, WIDTH, subsequent_indent=INDENT, replace_whitespace=False, break_on_hyphens=False)
