"""Credential plugins: shell scripts that note that they ran, and how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.wire.kubeconfigs import Section

V1 = "client.authentication.k8s.io/v1"


def plugin(folder: Path, script: str, name: str = "plugin") -> Path:
    """A command; each run adds a line to `runs` beside it."""
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" >> "{folder}/runs"\n{script}\n')
    path.chmod(0o700)
    return path


def credential(version: str = V1, **status: str) -> str:
    """The script that prints a credential."""
    text = json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})
    return f"cat <<'END'\n{text}\nEND"


def runs(folder: Path) -> list[dict[str, Any]]:
    """What the plugin was told, run by run."""
    file = folder / "runs"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def execs(command: Path | str, version: str = V1, **more: object) -> Section:
    return {"apiVersion": version, "command": str(command), "interactiveMode": "Never", **more}
