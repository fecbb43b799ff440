"""The binary of the control plane."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab.controlplane.golang import SOURCES, NoControlPlane
from lab.controlplane.programs import Program

__all__ = ["VERSION_FLAGS", "NoControlPlane", "binary"]

# The version that the components report. It must be set, because the minor version decides which features are on.
VERSION = {"gitVersion": "v1.36.3", "gitMajor": "1", "gitMinor": "36"}
VERSION_FLAGS = " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in VERSION.items())


@cache
def binary() -> Path:
    """Return the path of the binary, and build it first if it is missing. Raise NoControlPlane if that fails."""
    usually = "usually 4 to 10 minutes, once; up to 1 GB of Go modules and 3 GB of build cache"
    return Program("controlplane", SOURCES, ".", usually, VERSION_FLAGS, ("main.go", "go.mod", "go.sum")).path()
