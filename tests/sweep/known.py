"""Defects that the sweep has found and that are not mended yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.sweep.faults import Case


@dataclass(frozen=True)
class Defect:
    """What is wrong: in which cases, and what the checks say then."""

    cases: str
    problem: str
    reason: str


DEFECTS = (
    Defect(
        "updates-local-PATCH-shop-services-wish*",
        "told as not tried, but written: *'kind': 'Endpoints'*'name': 'wish'*",
        "what a fallback writes after a refused update is told as not tried (issue 13, point 5)",
    ),
    Defect(
        "node-ports-local-*",
        "told as not tried, but written: *'kind': 'Service'*'name': 'a'*",
        "a mirror that gave up its node port, and whose second write was not tried, is told as not tried",
    ),
)


def known_defects(case: Case, problems: Iterable[str]) -> set[Defect]:
    """Return the defects that explain all these problems; none if one problem is unknown."""
    candidates = [defect for defect in DEFECTS if fnmatchcase(str(case), defect.cases)]
    found: set[Defect] = set()
    for problem in problems:
        explained = {defect for defect in candidates if fnmatchcase(problem, defect.problem)}
        if not explained:
            return set()
        found |= explained
    return found


def of_world(world: str) -> set[Defect]:
    """Return the defects that a sweep of this world has to meet: one that is mended must not stay here."""
    return {defect for defect in DEFECTS if defect.cases.startswith(f"{world}-")}
