"""A stand-in for the official base of the image, by debootstrap, where no registry of images can be reached."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.release.buildah import Buildah, which
from lab.release.problem import ReleaseError

# The first release of Debian whose own Python has the minor version of the base. The base itself is of an older
# release, and brings a Python of its own.
SUITE, PYTHON = "forky", "python3.14"
PACKAGES = (PYTHON, "python3", "python3-venv", "ca-certificates", "iproute2")  # iproute2: for tests of `make pythons`
MIRROR, SCRIPT = "http://deb.debian.org/debian", "sid"  # a debootstrap that is older than the release knows only sid
UNWANTED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")


def demand() -> None:
    """Raise ReleaseError if this machine cannot make a stand-in, or cannot build on it."""
    missing = [program for program in ("buildah", "debootstrap") if not which(program)]
    if missing:
        raise ReleaseError(f"There is no {' and no '.join(missing)}: tests/setup installs what is missing, as root.")
    if os.geteuid() != 0:
        raise ReleaseError("A stand-in for the base needs root, for debootstrap and chroot.")


def ensure(buildah: Buildah, name: str) -> None:
    """Make the stand-in under the name of the base if it is not in buildah's storage yet."""
    if name not in image_names(buildah):
        print(
            f"image: making a stand-in for {name} with debootstrap (a minute or two; it is kept)",
            file=sys.stderr,
            flush=True,
        )
        with tempfile.TemporaryDirectory() as folder:
            _commit(buildah, _debootstrap(Path(folder) / "root"), name)


def image_names(buildah: Buildah) -> list[str]:
    """Return the names of the images in buildah's storage, without their registries."""
    listed = json.loads(buildah("images", "--json"))
    return [name.split("/")[-1] for entry in listed for name in entry["names"] or ()]


def _debootstrap(target: Path) -> Path:
    include = f"--include={','.join(PACKAGES)}"
    options = ("--variant=minbase", include)
    command: list[str | Path] = [which("debootstrap") or "", *options, SUITE, target, MIRROR, SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReleaseError(f"debootstrap could not make a Debian {SUITE}:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    for path in UNWANTED:
        shutil.rmtree(target / path, ignore_errors=True)
    return target


def _commit(buildah: Buildah, root: Path, name: str) -> None:
    container = buildah("from", "scratch").strip()
    buildah("add", "--quiet", container, root, "/")
    buildah("commit", "--quiet", "--rm", container, name)
