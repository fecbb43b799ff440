"""Links within the repository lead somewhere: the file is there, and so is the heading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.readme import ROOT
from tests.docs.test_markdown import tracked_pages

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
FENCED = re.compile(r"^( *)(```|~~~).*?^\1\2 *$", re.DOTALL | re.MULTILINE)
SHOWN_OF_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
OUTSIDE = ("https://", "http://", "mailto:")


def anchors(text: str) -> Iterator[str]:
    """Yield the anchor of each heading, as GitHub makes it: the second of a name gets -1."""
    seen: Counter[str] = Counter()
    for heading in HEADING.findall(FENCED.sub("", text)):
        shown = SHOWN_OF_LINK.sub(r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        yield f"{slug}-{seen[slug]}" if seen[slug] else slug
        seen[slug] += 1


def dead_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(FENCED.sub("", page.read_text())):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not link.startswith(OUTSIDE) and not _leads_somewhere(target, anchor):
            yield link


def _leads_somewhere(target: Path, anchor: str) -> bool:
    return target.exists() and (not anchor or anchor in anchors(target.read_text()))


@pytest.mark.parametrize("page", tracked_pages())
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    assert list(dead_links(ROOT / page)) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n[a](#a) [b](#b) [c](page.md#a) [d](page.md#d) [e](none.md) [f](https://f.test/none#g)\n")
    assert list(dead_links(page)) == ["#b", "page.md#d", "none.md"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Install it\n## In one block", ["install-it", "in-one-block"]),
        ("## Ask the tool: `--explain`", ["ask-the-tool---explain"]),
        ("## See [this page](page.md#x), too", ["see-this-page-too"]),
        ("## Twice\n## Twice", ["twice", "twice-1"]),
        ("```sh\n# no heading\n```\n## One", ["one"]),
    ],
)
def test_the_anchors_are_those_of_github(text: str, expected: list[str]) -> None:
    assert list(anchors(text)) == expected
