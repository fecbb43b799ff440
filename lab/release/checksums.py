"""SHA256SUMS, as `sha256sum --check` reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path

NAME = "SHA256SUMS"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(folder: Path) -> str:
    """Return a line for each file of the folder, the checksums themselves aside."""
    files = sorted(path for path in folder.iterdir() if path.name != NAME)
    return "".join(f"{sha256(path)}  {path.name}\n" for path in files)
