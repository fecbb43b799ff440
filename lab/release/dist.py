"""Fills a folder with all that is published of a release."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.release import changelog, image, manifests, oci_archive, packages
from lab.release.buildah import Buildah
from lab.release.checkout import Commit
from lab.release.checksums import NAME as CHECKSUMS
from lab.release.checksums import checksums, sha256
from lab.release.lock import Requirement, requirements, with_release
from lab.release.sbom import NAME, Subject, sbom

HEADER = """\
# barrelman-sync {version}: what `kubectl kustomize {folder}` renders, with the image of this release by its digest.
# What to edit first is marked in {folder}/kustomization.yaml of the same version.
"""


@dataclass(frozen=True)
class Release:
    """What is released, and the folder with its committed files."""

    version: str
    commit: Commit
    source: Path
    say: Callable[[str], None]

    @property
    def lock(self) -> str:
        return (self.source / "requirements.txt").read_text()

    @property
    def requirements(self) -> list[Requirement]:
        return [*requirements(self.lock)]


@dataclass(frozen=True)
class Images:
    """How the image is built, and the name under which it is pushed."""

    buildah: Buildah
    name: str


def fill(target: Path, release: Release, images: Images | None) -> None:
    """Make every file of the release; without `images` neither the image nor the manifests that name it."""
    _packages(target, release)
    if images:
        digest = _image(target, release, images)
        _manifests(target, release, f"{images.name}@{digest}")
    release.say("writing the release notes and the checksums")
    changes = (release.source / "CHANGELOG.md").read_text()
    notes = changelog.notes(changes, changelog.section_of(release.version))
    (target / "release-notes.md").write_text(f"{notes}\n")
    (target / CHECKSUMS).write_text(checksums(target))


def _packages(target: Path, release: Release) -> None:
    release.say("building the sdist and the wheel")
    built = packages.build(release.source, target, release.commit.epoch)
    hashes = sorted(sha256(path) for path in built)
    (target / "requirements.txt").write_text(with_release(release.lock, NAME, release.version, hashes))
    subject = Subject(release.version, release.commit)
    (target / f"{NAME}-{release.version}.cdx.json").write_text(sbom(subject, release.requirements))


def _image(target: Path, release: Release, images: Images) -> str:
    """Write the image, its digest and its SBOM; return the digest."""
    release.say("building the image (half a minute to two minutes)")
    source_url = tomllib.loads((release.source / "pyproject.toml").read_text())["project"]["urls"]["Source"]
    base = image.base(images.buildah, image.base_name((release.source / "Dockerfile").read_text()))
    labels = image.labels(release.version, release.commit, source_url, base)
    what = image.Build(release.source, base, labels, release.commit.epoch)
    path = target / f"{NAME}-{release.version}.oci.tar"
    digest = image.archive(images.buildah, what, path, release.version)
    (target / "image.txt").write_text(f"{images.name}@{digest}\n")
    _image_sbom(target, release, path, digest)
    return digest


def _image_sbom(target: Path, release: Release, archive: Path, digest: str) -> None:
    content = oci_archive.content(archive)
    debian = oci_archive.debian_packages(content)
    more = [*debian, *oci_archive.python_itself(content.config)]
    subject = Subject(release.version, release.commit, digest)
    (target / f"{NAME}-{release.version}-image.cdx.json").write_text(sbom(subject, release.requirements, more))


def _manifests(target: Path, release: Release, pinned_image: str) -> None:
    name, _, digest = pinned_image.rpartition("@")
    for overlay, folder in manifests.overlays(release.source).items():
        release.say(f"rendering the manifests of {overlay}")
        header = HEADER.format(version=release.version, folder=folder.relative_to(release.source))
        (target / f"manifests-{overlay}.yaml").write_text(header + manifests.pinned(folder, name, digest))
