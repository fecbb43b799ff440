"""Kubeconfigs for the tests, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

Section = dict[str, Any]


def kubeconfig(folder: Path, name: str, server: str, *, user: Section | None = None, **cluster: object) -> Path:
    """A file with the one context `name`; keys of the cluster are written with _ for -.

    Tests of plain HTTP skip the check of certificates: without an authority of its own, a cluster's client reads all
    authorities of the system, which takes a tenth of a second.
    """
    more = {key.replace("_", "-"): value for key, value in cluster.items()}
    return write(folder / f"{name}.yaml", document(name, {"server": server, **more}, user or {}))


def document(name: str, cluster: Section, user: Section) -> Section:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": f"{name}-cluster", "cluster": cluster}],
        "users": [{"name": f"{name}-user", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": f"{name}-cluster", "user": f"{name}-user"}}],
    }


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    path.chmod(0o600)
    return path
