"""docs/troubleshooting.md: what the page says that a user sees, the code really says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.docs.readme import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
CODE = ROOT / "barrelman_sync"
SHORTEST = 4
"""A part of a message that is shorter is a word such as `of`, and proves nothing."""
NOT_OURS = ("provided port is already allocated", "metadata.name:", "start with an alphabetic character")
"""Words of the API server, which our messages repeat."""
OPTIONS = re.compile(r"--[a-z-]+")


def rows() -> list[list[str]]:
    """Return the cells of all tables of the page, without the headings."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "what you see" not in line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def literals() -> Iterator[str]:
    """Yield the constant parts of all texts in the code but docstrings."""
    for path in CODE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        documentation = {id(found.value) for found in ast.walk(tree) if isinstance(found, ast.Expr)}
        for found in ast.walk(tree):
            if isinstance(found, ast.Constant) and isinstance(found.value, str) and id(found) not in documentation:
                yield from re.split(r"%[\w.]+|\{\w*\}", found.value)


TEXTS = "\n".join(literals())


def parts(cell: str) -> list[str]:
    """Return the fixed parts of the messages in a cell; `...` stands for what differs."""
    messages = [message for message in re.findall(r"`(.+?)`", cell) if not OPTIONS.fullmatch(message)]
    found = (part.strip() for message in messages for part in message.split("..."))
    return [part for part in found if len(part) >= SHORTEST and part not in NOT_OURS]


def test_every_row_says_what_is_seen_and_why_and_what_to_do() -> None:
    assert len(rows()) > 30
    for cells in rows():
        assert len(cells) == 3, cells
        assert all(cells), cells


@pytest.mark.parametrize("cells", rows(), ids=lambda cells: cells[0])
def test_the_code_says_it(cells: list[str]) -> None:
    found = parts(cells[0])
    assert found
    for part in found:
        assert part in TEXTS, f"no text in the code has {part!r}"


def test_a_message_that_nobody_says_is_found() -> None:
    assert parts("`... is haunted`") == ["is haunted"]
    assert "is haunted" not in TEXTS
