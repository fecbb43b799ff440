"""The linter of the workflows in .github, in the version that go.mod names."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab.controlplane.programs import Program

MODULE = Path(__file__).parent / "actionlint"


@cache
def actionlint() -> Path:
    """Return the path of actionlint, and build it first if it is missing. Raise NoControlPlane if that fails."""
    return Program(
        "actionlint", MODULE, "github.com/rhysd/actionlint/cmd/actionlint", "usually half a minute, once"
    ).path()
