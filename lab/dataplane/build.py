"""The binary of the data plane: DNS, pods, callers, and relays of the traffic lab."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab.controlplane.golang import NoControlPlane
from lab.controlplane.programs import Program

__all__ = ["NoControlPlane", "binary"]

MODULE = Path(__file__).parent
USUALLY = "usually one to two minutes, once; up to 300 MB of Go modules and 700 MB of build cache"


@cache
def binary() -> Path:
    """Return the path of the binary, and build it first if it is missing. Raise NoControlPlane if that fails."""
    sources = ("go.mod", "go.sum", *sorted(file.name for file in MODULE.glob("*.go")))
    return Program("dataplane", MODULE, ".", USUALLY, sources=sources).path()
