"""The binary of the data plane."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab.controlplane.programs import Program

MODULE = Path(__file__).parent


@cache
def binary() -> Path:
    """Return the path of the binary, and build it first if it is missing. Raise NoControlPlane if that fails."""
    sources = sorted(path.name for path in MODULE.glob("*.go"))
    return Program("dataplane", MODULE, ".", "usually one minute, once", sources=(*sources, "go.mod", "go.sum")).path()
