"""The manifests of each way to install, rendered by kubectl, with the image by its digest."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lab.clients import client
from lab.release.problem import ReleaseError

NAME = "barrelman-sync"


def overlays(source: Path) -> dict[str, Path]:
    """Return the folders that `kubectl apply -k` takes, by name: those in deploy/, or the root if there are none."""
    files = sorted(source.glob("deploy/*/kustomization.yaml"))
    found = {file.parent.name: file.parent for file in files if _kind(file) == "Kustomization"}
    found.pop("base", None)  # which no one applies alone
    return found or {NAME: source}


def pinned(overlay: Path, image: str, digest: str) -> str:
    """Return what kubectl renders of the folder, if the image is this one, whatever the folder calls it."""
    names = {name for name in _images(yaml.safe_load_all(_kustomize(overlay))) if name.rpartition("/")[2] == NAME}
    if not names:
        raise ReleaseError(f"The manifests of {overlay.name} have no container with the image {NAME}.")
    with tempfile.TemporaryDirectory(dir=overlay.parent) as folder:
        images = [{"name": name, "newName": image, "digest": digest} for name in sorted(names)]
        outer = {"resources": [f"../{overlay.name}"], "images": images}
        (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(outer))
        return _kustomize(Path(folder))


def _kind(kustomization: Path) -> str:
    kind: str = (yaml.safe_load(kustomization.read_text()) or {}).get("kind", "Kustomization")
    return kind


def _images(documents: Any) -> Iterator[str]:
    """Yield the names of all images, without tag and digest, wherever a container is."""
    if isinstance(documents, dict):
        if isinstance(image := documents.get("image"), str):
            head, _, last = image.partition("@")[0].rpartition("/")
            yield "/".join(part for part in (head, last.partition(":")[0]) if part)
        documents = documents.values()
    elif isinstance(documents, str) or not hasattr(documents, "__iter__"):
        return
    for inner in documents:
        yield from _images(inner)


def _kustomize(folder: Path) -> str:
    command: list[str | Path] = [client("kubectl"), "kustomize", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReleaseError(f"kubectl kustomize fails for {folder.name}: {done.stderr.strip()}")
    return done.stdout
