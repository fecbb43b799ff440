"""Builds the image as a release does, where there is neither Docker nor a registry: on a base by debootstrap."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barrelman_sync import __version__
from lab.release import image as release
from lab.release import stand_in
from lab.release.buildah import Buildah, isolated, locked, which
from lab.release.checkout import Commit
from lab.release.problem import ReleaseError
from tests.scenarios.command import ROOT

# What the image is made of: .dockerignore lets nothing else through.
INPUTS = ("Dockerfile", ".dockerignore", "LICENSE", "README.md", "pyproject.toml", "requirements*.txt")
MAKER = "lab/release/image.py"
NAME = "barrelman-sync"
COMMIT = Commit("0" * 40, 1_700_000_000)  # any: an image of the working tree is kept until its files change
SOURCE = "https://example.com/source"


class NoImage(Exception):  # noqa: N818 - a state of the machine to report, not a mistake
    """Images cannot be built here; the text says why and what to install."""


@dataclass(frozen=True)
class Image:
    """A built image, and the folder with all its files."""

    name: str
    root: Path
    config: dict[str, Any]
    history: str


def image() -> Image:
    """Return the image of the working tree, built if it was not yet. Raises NoImage."""
    _demand()
    tag, buildah = f"{NAME}:{_fingerprint()}", isolated()
    with locked():
        if tag not in stand_in.image_names(buildah):
            _forget_older(buildah)
            _build(buildah, tag)
        if tag not in buildah("containers", "--format", "{{.ContainerName}}").split():
            buildah("from", "--pull-never", "--name", tag, tag)
        described = json.loads(buildah("inspect", "--type", "image", tag))["OCIv1"]
        root = Path(buildah("mount", tag).strip())
    return Image(f"localhost/{tag}", root, described["config"], json.dumps(described["history"]))


def base_name() -> str:
    return release.base_name((ROOT / "Dockerfile").read_text())


def _demand() -> None:
    missing = [program for program in ("unshare", "setpriv") if not which(program)]
    if missing:
        raise NoImage(f"there is no {' and no '.join(missing)}")
    try:
        stand_in.demand()
    except ReleaseError as error:
        raise NoImage(str(error)) from error


def _fingerprint() -> str:
    files = [path for pattern in (*INPUTS, MAKER) for path in sorted(ROOT.glob(pattern))]
    files += sorted(path for path in (ROOT / NAME.replace("-", "_")).rglob("*") if path.is_file())
    told = hashlib.sha256()
    for path in files:
        if "__pycache__" not in path.parts:
            told.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return told.hexdigest()[:16]


def _forget_older(buildah: Buildah) -> None:
    for name in buildah("containers", "--format", "{{.ContainerName}}").split():
        if name.startswith(f"{NAME}:"):
            buildah("rm", name)
    for name in stand_in.image_names(buildah):
        if name.startswith(f"{NAME}:"):
            buildah("rmi", f"localhost/{name}")


def _build(buildah: Buildah, tag: str) -> None:
    try:
        stand_in.ensure(buildah, base_name())
    except ReleaseError as error:
        raise NoImage(str(error)) from error
    print("image: building the image (half a minute)", file=sys.stderr, flush=True)
    base = release.base(buildah, base_name())
    what = release.Build(ROOT, base, release.labels(__version__, COMMIT, SOURCE, base), COMMIT.epoch)
    release.build(buildah, what, f"--tag={tag}")
