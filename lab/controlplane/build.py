"""The binary of a control plane, one for each release of Kubernetes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab.controlplane.golang import NoControlPlane
from lab.controlplane.programs import Program
from lab.controlplane.releases import Release, chosen, version_flags

__all__ = ["NoControlPlane", "binaries", "binary"]

USUALLY = "usually 4 to 10 minutes, once; up to 1 GB of Go modules and 3 GB of build cache"


@cache
def binary(release: Release) -> Path:
    """Return the path of the binary, and build it first if it is missing. Raise NoControlPlane if that fails."""
    name, sources = f"controlplane-{release}", ("main.go", "go.mod", "go.sum")
    return Program(name, release.module, ".", USUALLY, version_flags(release.version), sources).path()


def binaries() -> list[Path]:
    """Return the binaries of the chosen releases, each once, built where they are missing."""
    return [binary(release) for release in sorted({chosen().local, chosen().remote})]
