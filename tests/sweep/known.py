"""Defects that the sweep has found and that are not mended yet. A case that passes all the same fails the tests."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from tests.sweep.faults import Case

DEFECTS: Mapping[str, str] = {}
"""What is wrong, by a pattern for the names of the cases."""


def known_defect(case: Case) -> str:
    """Return what is wrong in this case; empty if all has to be right."""
    return next((reason for pattern, reason in DEFECTS.items() if fnmatchcase(str(case), pattern)), "")
