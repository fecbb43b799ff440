"""What the cast shows: some paragraphs of some chapters, found in what the demo prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Paragraph = Sequence[str]
Screen = Sequence[Paragraph]

COLOR = re.compile(r"\x1b\[\d+m")
RUN, DRY_RUN = r"\$ barrelman-sync (?!.*--dry-run).*", r"\$ barrelman-sync .*--dry-run"
CALL = r"local-a\$ .*"


class ChangedDemoError(Exception):
    """The demo does not print any more what the cast should show."""


@dataclass(frozen=True)
class Excerpt:
    """The heading of a chapter, by its first words, and for each pattern the paragraph whose first line matches it."""

    heading: str
    paragraphs: Sequence[str]


SCREENS: Sequence[Sequence[Excerpt]] = (
    (
        Excerpt("The local cluster: its workloads want to call", (r" *NAMESPACE .*",)),
        Excerpt("A call from the node", (CALL,)),
    ),
    (Excerpt("The plan", (DRY_RUN,)),),
    (Excerpt("The sync", (RUN,)), Excerpt("The same call", (CALL, r" *CALLED FROM .*"))),
    (
        Excerpt("The remote changes", (r"node-c is lost.*", RUN)),
        Excerpt("What became of the calls", (r" *WHEN .*", r"Callers are .*")),
    ),
)
"""The screens of the cast, one after the other, with the chapters on each."""


def chosen(told: str) -> list[Screen]:
    """Return what the cast shows of a demo, with its colors. Raise ChangedDemoError if something is missing."""
    _, *chapters = _chapters(told)
    return [[found for excerpt in screen for found in _picked(excerpt, chapters)] for screen in SCREENS]


def recording(screens: Iterable[Screen]) -> str:
    """Return screens as text, in which the same screens can be chosen again."""
    return "\n\n".join("\n".join(paragraph) for screen in screens for paragraph in screen) + "\n"


def plain(line: str) -> str:
    """Return a line without its colors."""
    return COLOR.sub("", line)


def is_heading(paragraph: Paragraph) -> bool:
    """Whether the paragraph is a line and a rule under it."""
    return len(paragraph) == 2 and plain(paragraph[1]) == "-" * len(plain(paragraph[0]))


def color_of(line: str) -> str:
    """Return the code of the color, or of bold or dim, that a whole line has; none is empty."""
    return "".join(re.findall(r"\x1b\[([1-9]\d*)m", line)[:1])


def comparable(screens: Iterable[Screen]) -> list[str]:
    """Return the lines of screens without colors and without what differs each time: counts, fingerprints, who answers.

    Two demos that differ in nothing else have the same lines.
    """
    return [_comparable(plain(line)) for screen in screens for paragraph in screen for line in paragraph]


def _comparable(line: str) -> str:
    line = re.sub(r"\bplan [0-9a-f]{16}", "plan FINGERPRINT", line)
    line = re.sub(r"^node-\w-1 \d+ [\d.]+$", "POD PORT ADDRESS", line)
    return re.sub(r" {3,}\d+ +\d+( +[\w-]+ \d+(, [\w-]+ \d+)*)?$", "   COUNTS", line)


def _picked(excerpt: Excerpt, chapters: Iterable[Sequence[Paragraph]]) -> Screen:
    for heading, *paragraphs in chapters:
        if plain(heading[0]).startswith(excerpt.heading):
            return [heading, *(_first(pattern, paragraphs) for pattern in excerpt.paragraphs)]
    message = f"no chapter of the demo begins with {excerpt.heading!r}"
    raise ChangedDemoError(message)


def _first(pattern: str, paragraphs: Iterable[Paragraph]) -> Paragraph:
    for paragraph in paragraphs:
        if re.match(pattern, plain(paragraph[0])):
            return paragraph
    message = f"no paragraph of the demo begins with {pattern!r}"
    raise ChangedDemoError(message)


def _chapters(told: str) -> Iterator[Sequence[Paragraph]]:
    """Yield what stands before the first heading, then each chapter: its heading, then its paragraphs."""
    chapter: list[Paragraph] = []
    for paragraph in _paragraphs(told):
        heading, rest = (paragraph[:2], paragraph[2:]) if is_heading(paragraph[:2]) else ((), paragraph)
        if heading:
            yield chapter
            chapter = [heading]
        chapter += [rest] if rest else []
    yield chapter


def _paragraphs(told: str) -> Iterator[Paragraph]:
    lines: list[str] = []
    for line in [*told.splitlines(), ""]:
        if plain(line):
            lines.append(line)
        elif lines:
            yield lines
            lines = []
