"""What our pages and manifests let a reader type: the blocks marked as `sh`, and each command that stands elsewhere."""

from __future__ import annotations

import re
import textwrap
from functools import cache
from pathlib import Path

from tests.docs.readme import ROOT

CLIENT = r"(?:kubectl|helm|kustomize)"
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(rf"`({CLIENT}\s[^`]+)`")
LINE = re.compile(rf"^ *({CLIENT} .+)$", re.MULTILINE)
COMMENT = re.compile(rf"^ *# +({CLIENT} .+)$", re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a language in a page of docs/, in their order."""
    text = (ROOT / "docs" / page).read_text()
    return [textwrap.dedent(block) for _, found, block in FENCE.findall(text) if found == language]


def typed(command: str) -> str:
    """Return the command, which has to stand in a page or manifest outside of the blocks marked as `sh`.

    The tests look for calls of this function: each command has to be in one, written out.
    """
    assert command in commands(), f"no page says: {command}"
    return command


def script(file: str) -> str:
    """Return the commands in the comment at the head of a manifest. A call in the tests stands for all of them."""
    head, _, _ = (ROOT / file).read_text().partition("\napiVersion:")
    return "".join(f"{line}\n" for line in re.findall(r"^#   (.*)$", head, re.MULTILINE))


@cache
def commands() -> frozenset[str]:
    """Return the commands outside of the blocks marked as `sh`."""
    return frozenset(command for file in [*_pages(), *_manifests()] for command in commands_in(file.read_text()))


def commands_in(text: str) -> list[str]:
    """Return the commands of a page or manifest: a line of a fenced block or of a comment, or between backticks."""
    fenced = "".join(block for _, language, block in FENCE.findall(text) if language != "sh")
    rest = FENCE.sub("", text)
    lines = [line.partition("  #")[0].rstrip() for line in [*LINE.findall(fenced), *COMMENT.findall(rest)]]
    return lines + [re.sub(r"\s+(?:# )?", " ", span) for span in SPAN.findall(rest)]


def _pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "SECURITY.md", *sorted(ROOT.glob("docs/*.md"))]


def _manifests() -> list[Path]:
    return [*sorted(ROOT.glob("*.yaml")), *sorted(ROOT.glob("deploy/**/*.yaml"))]
