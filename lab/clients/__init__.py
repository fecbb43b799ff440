"""The programs with which users write to a cluster, in the versions that the files go.mod name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lab.controlplane.programs import Program

MODULE = Path(__file__).parent
USUALLY = "usually one to three minutes, once"
KUBERNETES, HELM, HELM_3 = "k8s.io/kubernetes", "helm.sh/helm/v4", "helm.sh/helm/v3"
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5"


@dataclass(frozen=True)
class _Client:
    """The name under which users know a program, its package and Go module, and what holds its version, if anything."""

    program: str
    package: str
    module: str
    variables: tuple[str, ...] = ()
    folder: Path = MODULE

    @property
    def version(self) -> str:
        text = (self.folder / "go.mod").read_text()
        return next(match[1] for match in re.finditer(rf"\b{self.module} v(\d\S+)", text))

    @property
    def ldflags(self) -> str:
        """The linker flags for the version that the program reports."""
        major, minor, _ = self.version.split(".")
        values = [text.format(version=self.version, major=major, minor=minor) for text in self.variables]
        return " ".join(f"-X {value}" for value in values)


_VERSION = "k8s.io/component-base/version"
_KUBECTL = (f"{_VERSION}.gitVersion=v{{version}}", f"{_VERSION}.gitMajor={{major}}", f"{_VERSION}.gitMinor={{minor}}")
_CLIENTS = {
    "kubectl": _Client("kubectl", f"{KUBERNETES}/cmd/kubectl", KUBERNETES, _KUBECTL),
    "helm": _Client("helm", f"{HELM}/cmd/helm", HELM, (f"{HELM}/internal/version.version=v{{version}}",)),
    "helm3": _Client("helm", f"{HELM_3}/cmd/helm", HELM_3, (f"{HELM_3}/internal/version.version=v{{version}}",)),
    "kustomize": _Client("kustomize", KUSTOMIZE, KUSTOMIZE, folder=MODULE / "kustomize"),
}


@cache
def client(name: str) -> Path:
    """Return the path of kubectl, helm (4), helm3 or kustomize, and build it first if it is missing.

    The file has the program's real name: both versions of Helm are `helm`. Raise NoControlPlane if the build fails.
    """
    return _program(name).path()


def built(name: str) -> Path | None:
    """Return the path of one of them if an earlier run has built it."""
    return _program(name).built()


def version(name: str) -> str:
    """Return the version of one of them: 1.37.2."""
    return _CLIENTS[name].version


def _program(name: str) -> Program:
    made = _CLIENTS[name]
    return Program(made.program, made.folder, made.package, USUALLY, made.ldflags)
