"""The programs with which users write to a cluster, in the versions that the files go.mod name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lab.controlplane.golang import required
from lab.controlplane.programs import Program
from lab.controlplane.releases import version_flags

MODULE = Path(__file__).parent
USUALLY = "usually one to three minutes, once"
KUBERNETES, HELM, HELM_3 = "k8s.io/kubernetes", "helm.sh/helm/v4", "helm.sh/helm/v3"
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5"


@dataclass(frozen=True)
class _Client:
    """A program: the name that users type, the Go module with its version, and its package in there."""

    name: str
    module: str
    package: str = ""
    ldflags: Callable[[str], str] = lambda _version: ""
    """The linker flags by which the program reports this version."""
    folder: Path = MODULE
    """Where go.mod is."""

    @property
    def version(self) -> str:
        return required(self.folder, self.module)

    def program(self) -> Program:
        return Program(self.name, self.folder, f"{self.module}{self.package}", USUALLY, self.ldflags(self.version))


def _helm(module: str) -> _Client:
    return _Client("helm", module, "/cmd/helm", lambda version: f"-X {module}/internal/version.version=v{version}")


_CLIENTS = {
    "kubectl": _Client("kubectl", KUBERNETES, "/cmd/kubectl", version_flags),
    "helm": _helm(HELM),
    "helm3": _helm(HELM_3),
    "kustomize": _Client("kustomize", KUSTOMIZE, folder=MODULE / "kustomize"),
}


@cache
def client(name: str) -> Path:
    """Return the path of kubectl, helm (4), helm3 or kustomize, and build it first if it is missing.

    The file has the name that users type: both versions of Helm are `helm`. Raise NoControlPlane if the build fails.
    """
    return _CLIENTS[name].program().path()


def built(name: str) -> Path | None:
    """Return the path of such a program if an earlier run has built it."""
    return _CLIENTS[name].program().built()


def version(name: str) -> str:
    """Return the version of such a program: 1.37.2."""
    return _CLIENTS[name].version
