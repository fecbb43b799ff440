"""The image: built from the Dockerfile, labeled, and written as an OCI archive."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab.release.buildah import Buildah
from lab.release.checkout import Commit
from lab.release.pip_settings import secrets
from lab.release.problem import ReleaseError

PREFIX = "org.opencontainers.image"
_PART = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_NAME = re.compile(rf"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?{_PART}(?:/{_PART})*")


@dataclass(frozen=True)
class Base:
    """The image that ours is built on."""

    name: str
    digest: str


@dataclass(frozen=True)
class Build:
    """What is built: the files, on which base, with which labels."""

    source: Path
    base: Base
    labels: Mapping[str, str]
    epoch: int | None = None
    """The time of everything in the image; None for the time of the build."""


def checked_name(name: str) -> str:
    """Return the name if an image can be pushed under it, with a tag and a digest behind it."""
    if not _NAME.fullmatch(name):
        raise ReleaseError(f"{name!r} is no name of an image without a tag; registry.example.com/barrelman-sync is.")
    return name


def base_name(dockerfile: str) -> str:
    """Return the base that the Dockerfile names."""
    found = re.search(r"^ARG BASE=(\S+)$", dockerfile, re.MULTILINE)
    if not found:
        raise ValueError("the Dockerfile has no line ARG BASE=")
    return found[1]


def python_version(base_name: str) -> str:
    """Return the minor version of the Python of the base, by its name: 3.14 for python:3.14-slim-trixie."""
    found = re.match(r"python:(\d+\.\d+)-", base_name)
    if not found:
        raise ValueError(f"the base {base_name} does not say which Python it has")
    return found[1]


def base(buildah: Buildah, name: str) -> Base:
    """Return the base with the digest that it has in buildah's storage."""
    return Base(name, buildah("inspect", "--type", "image", "--format", "{{.FromImageDigest}}", name).strip())


def labels(version: str, commit: Commit, source: str, base: Base) -> dict[str, str]:
    """Return the labels that are other ones in every release."""
    return {
        f"{PREFIX}.version": version,
        f"{PREFIX}.revision": commit.revision,
        f"{PREFIX}.created": datetime.fromtimestamp(commit.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"{PREFIX}.source": source,
        f"{PREFIX}.base.name": base.name,
        f"{PREFIX}.base.digest": base.digest,
    }


def build(buildah: Buildah, what: Build, *options: str) -> None:
    """Build the image on the base that buildah has, and no newer one."""
    with tempfile.TemporaryDirectory() as folder:
        buildah(
            "build",
            *("--pull-never", "--layers=false", "--format=oci", *buildah.build_options),
            *(f"--secret=id={path.name},src={path}" for path in secrets(Path(folder))),
            *(f"--label={name}={value}" for name, value in what.labels.items()),
            *([] if what.epoch is None else [f"--timestamp={what.epoch}"]),
            *(f"--build-arg=BASE={what.base.name}", *options, "."),
            folder=what.source,
        )


def archive(buildah: Buildah, what: Build, target: Path, tag: str) -> str:
    """Build the image, write it as an OCI archive, and return the digest of its manifest."""
    with tempfile.TemporaryDirectory() as folder:
        image, digest = Path(folder) / "image", Path(folder) / "digest"
        build(buildah, what, f"--iidfile={image}")
        built = image.read_text().strip()
        buildah("push", "--quiet", "--format=oci", f"--digestfile={digest}", built, f"oci-archive:{target}:{tag}")
        buildah("rmi", built)
        return digest.read_text().strip()
