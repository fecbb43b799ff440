"""The pictures of the docs: each has a name for those who cannot see it, and needs nothing but itself."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lab.bench.scale_plot import DOCS, drawn, rows
from tests.docs.readme import ROOT

SVG = "{http://www.w3.org/2000/svg}"
PICTURES = sorted(DOCS.glob("*.svg"))
FROM_OUTSIDE = re.compile(r"<script|<foreignObject|<image|@import|@font-face|href=|url\((?!#)", re.IGNORECASE)
SHOWN = re.compile(r"!\[(.*?)\]\(([^)]+\.svg)\)")


def name(picture: str) -> str:
    """Return what a screen reader says of a picture."""
    root = ET.fromstring(picture)  # noqa: S314, the pictures are our own
    title = root.find(f"{SVG}title")
    return root.get("aria-label") or (title.text if title is not None else None) or ""


@pytest.mark.parametrize("file", PICTURES, ids=lambda file: file.name)
def test_a_picture_has_a_name_and_needs_nothing_else(file: Path) -> None:
    picture = file.read_text()
    assert name(picture)
    assert 'role="img"' in picture
    assert FROM_OUTSIDE.findall(picture) == []


def test_the_picture_of_scaling_is_of_the_table() -> None:
    table = list(rows((DOCS / "scaling.md").read_text()))
    assert (DOCS / "scaling.svg").read_text() == drawn(table), "run: python -m lab.bench.scale_plot"


@pytest.mark.parametrize("part", ["<script>", '<a href="x">', "url(https://x)", "<IMAGE>", "@import 'x'"])
def test_what_comes_from_outside_is_found(part: str) -> None:
    assert FROM_OUTSIDE.search(part)
    assert not FROM_OUTSIDE.search("<rect clip-path='url(#inside)'/>")


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], ids=lambda page: page.name)
def test_a_page_says_what_its_pictures_show(page: Path) -> None:
    assert [file for text, file in SHOWN.findall(page.read_text()) if not text] == []
