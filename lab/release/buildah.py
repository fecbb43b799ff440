"""buildah: with the user's own storage, or with one of ours that needs neither an engine nor a registry."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from lab.controlplane import golang
from lab.release.problem import ReleaseError


def which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin")


@dataclass(frozen=True)
class Buildah:
    """How buildah is called."""

    options: Sequence[str | Path] = ()
    build_options: Sequence[str] = ()

    def __call__(self, *arguments: str | Path, folder: Path | None = None) -> str:
        """Return what the command prints. Raises ReleaseError if it fails."""
        if not which("buildah"):
            raise ReleaseError("There is no buildah, which builds the image: install buildah, or leave the image out.")
        command = ["buildah", *self.options, *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ReleaseError(f"buildah {arguments[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout


def storage() -> Path:
    return golang.cache_folder() / "image"


def isolated() -> Buildah:
    """Return a buildah for root that keeps all in a folder of ours, and starts no containers but by chroot."""
    options = ("--root", storage() / "storage", "--runroot", storage() / "run", "--storage-driver", "vfs")
    return Buildah(options, ("--isolation=chroot", "--network=host"))


def locked() -> AbstractContextManager[None]:
    """Have the folder of `isolated` for oneself."""
    return golang.locked(storage() / "lock")
