"""The releases of Kubernetes that a control plane can be of, and which one the environment asks for.

Each has a folder in `kubernetes/`: go.mod and go.sum of one patch release, and a link to the main.go that all share.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.controlplane.golang import NoControlPlane, required

FOLDER = Path(__file__).parent / "kubernetes"
VARIABLE = "KUBERNETES"


class UnknownRelease(NoControlPlane):
    """KUBERNETES asks for a release that is not here. The text says which there are."""


@dataclass(frozen=True, order=True)
class Release:
    """A minor release of Kubernetes: (1, 37)."""

    numbers: tuple[int, int]

    def __str__(self) -> str:
        return "{}.{}".format(*self.numbers)

    @property
    def module(self) -> Path:
        """The folder of the Go module."""
        return FOLDER / str(self)

    @property
    def version(self) -> str:
        """The patch release that is built: 1.37.2."""
        return required(self.module, "k8s.io/kubernetes")


@dataclass(frozen=True)
class Chosen:
    """The releases of a test run. Every cluster that is not named remote is of the local one."""

    local: Release
    remote: Release

    def of(self, name: str) -> Release:
        """Return the release for the cluster of this name."""
        return self.remote if name == "remote" else self.local

    def __str__(self) -> str:
        return str(self.local) if self.local == self.remote else f"{self.local}/{self.remote}"


def all_releases() -> list[Release]:
    """Return all releases, the oldest first."""
    return sorted(Release(_numbers(file.parent.name)) for file in FOLDER.glob("*/go.mod"))


def chosen(environment: Mapping[str, str] = os.environ) -> Chosen:
    """Return what KUBERNETES asks for: 1.31 for all clusters, 1.37/1.31 for local and remote, or else the newest.

    Raise UnknownRelease if there is no such release.
    """
    releases = {str(release): release for release in all_releases()}
    oldest, *_, newest = releases
    text = environment.get(VARIABLE) or newest
    match [releases.get(name) for name in text.split("/")]:
        case [Release() as both]:
            return Chosen(both, both)
        case [Release() as local, Release() as remote]:
            return Chosen(local, remote)
        case _:
            known = ", ".join(releases)
            raise UnknownRelease(f"{VARIABLE}={text}: say one of {known}, or LOCAL/REMOTE, such as {newest}/{oldest}")


def version_flags(version: str) -> str:
    """Return the linker flags for the version that a program reports: the minor one decides which features are on."""
    major, minor, _ = version.split(".")
    values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    return " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in values.items())


def _numbers(name: str) -> tuple[int, int]:
    major, minor = name.split(".")
    return int(major), int(minor)
