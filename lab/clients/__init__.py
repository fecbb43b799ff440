"""The programs with which users write to a cluster, in the versions that go.mod names."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab.controlplane.programs import Program
from lab.controlplane.releases import version_flags

MODULE = Path(__file__).parent
PACKAGES = {"kubectl": "k8s.io/kubernetes/cmd/kubectl", "helm": "helm.sh/helm/v4/cmd/helm"}
USUALLY = "usually one to three minutes, once"


@cache
def client(name: str) -> Path:
    """Return the path of kubectl or helm, and build it first if it is missing. Raise NoControlPlane if that fails."""
    return _program(name).path()


def built(name: str) -> Path | None:
    """Return the path of kubectl or helm if an earlier run has built it."""
    return _program(name).built()


def _program(name: str) -> Program:
    return Program(name, MODULE, PACKAGES[name], USUALLY, version_flags("1.36.3"))
