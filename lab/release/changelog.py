"""CHANGELOG.md as a value: its sections, and what a release makes of them."""

from __future__ import annotations

import re
from datetime import date

from lab.release.problem import ReleaseError
from lab.release.version import is_candidate

_TO_COME = "Unreleased"
UNRELEASED = f"## [{_TO_COME}]"


def section_of(version: str) -> str:
    """Return the section with the changes of a version. Those of a candidate stay where the release will find them."""
    return _TO_COME if is_candidate(version) else version


def has_section(text: str, version: str) -> bool:
    return _heading(version).search(text) is not None


def with_section(text: str, version: str, day: date) -> str:
    """Return the changelog in which all that was unreleased is this version, and nothing is unreleased."""
    if not notes(text, _TO_COME):
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


def _heading(version: str) -> re.Pattern[str]:
    return re.compile(rf"^## \[{re.escape(version)}\].*$", re.MULTILINE)
