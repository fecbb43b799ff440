"""CHANGELOG.md as a value: its sections, and what a release makes of them."""

from __future__ import annotations

import re
from datetime import date

from packaging.version import Version

from lab.release.problem import ReleaseError

UNRELEASED = "## [Unreleased]"


def has_section(text: str, version: str) -> bool:
    return _heading(version).search(text) is not None


def with_section(text: str, version: str, day: date) -> str:
    """Return the changelog in which all that was unreleased is this version, and nothing is unreleased.

    What its candidates brought belongs to the version, too: their headings go.
    """
    text = _candidates(version).sub("", text)
    if not notes(text, "Unreleased"):
        raise ReleaseError("CHANGELOG.md says nothing under Unreleased, so there is nothing to release.")
    return text.replace(UNRELEASED, f"{UNRELEASED}\n\n## [{version}] - {day.isoformat()}", 1)


def notes(text: str, version: str) -> str:
    """Return the text of one section without its heading."""
    found = _heading(version).search(text)
    if not found:
        raise ReleaseError(f"CHANGELOG.md has no section {version}.")
    rest = text[found.end() :]
    following = re.search(r"^## ", rest, re.MULTILINE)
    return rest[: following.start() if following else len(rest)].strip()


def _candidates(version: str) -> re.Pattern[str]:
    final = re.escape(Version(version).base_version)
    return re.compile(rf"^## \[{final}(?:a|b|rc)\d+\].*\n+", re.MULTILINE)


def _heading(version: str) -> re.Pattern[str]:
    return re.compile(rf"^## \[{re.escape(version)}\].*$", re.MULTILINE)
