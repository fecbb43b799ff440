"""Every tracked Markdown file can be read in a terminal and reviewed as a diff: its lines are short."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.docs.readme import ROOT

WIDTH = 120


def tracked_pages() -> list[str]:
    """Return the Markdown files of the repository; without git, those of the folders that have any."""
    try:
        listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return sorted(str(page.relative_to(ROOT)) for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    return listed.stdout.splitlines()


def too_long(text: str) -> Iterator[int]:
    """Yield the numbers of the lines that are too long; rows of tables and fenced code cannot be wrapped."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = line.lstrip()[:3]
        if mark in ("```", "~~~") and fence in ("", mark):
            fence = "" if fence else mark
        elif not fence and not line.lstrip().startswith("|") and len(line) > WIDTH:
            yield number


def test_the_lines_of_all_pages_are_short() -> None:
    pages = tracked_pages()
    assert "README.md" in pages
    found = [f"{page}:{number}" for page in pages for number in too_long((ROOT / page).read_text())]
    assert found == [], f"longer than {WIDTH} columns"


LONG = "x" * (WIDTH + 1)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x" * WIDTH, []),
        (f"short\n{LONG}\nshort\n{LONG}", [2, 4]),
        (f"| {LONG} |", []),
        (f"```sh\n{LONG}\n```", []),
        (f"   ```\n   {LONG}\n   ```\n{LONG}", [4]),
        (f"~~~\n```\n{LONG}\n~~~\n{LONG}", [5]),
    ],
)
def test_only_text_is_measured(text: str, lines: list[int]) -> None:
    assert list(too_long(text)) == lines
