"""An environment for the tests of this checkout, kept until the lock or the Python changes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from lab.controlplane.golang import cache_folder, locked
from lab.pythons.interpreters import ROOT, NoPython, Python

MADE_OF = ("requirements-dev.txt", "pyproject.toml")


def ready(python: Python) -> Python:
    """Return the Python of an environment with the pinned requirements and this package. Raise NoPython."""
    if python.program == sys.executable:
        return python
    folder = cache_folder() / f"python-{_digest(python.program, str(ROOT))}"
    own, stamp = replace(python, program=str(folder / "bin" / "python")), folder / ".ready"
    wanted = _digest(python.program, *((ROOT / name).read_text() for name in MADE_OF))
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not stamp.exists() or stamp.read_text() != wanted:
            print(f"Making an environment in {folder} for {python.where} (half a minute)", file=sys.stderr, flush=True)
            _make(python, folder, own)
            stamp.write_text(wanted)
    return own


def _make(python: Python, folder: Path, own: Python) -> None:
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore")
    _run(python.command("-m", "venv", "--clear", str(folder)))
    _run(own.command(*pip, "--require-hashes", "--requirement", "requirements-dev.txt"))
    _run(own.command(*pip, "--no-deps", "--no-build-isolation", "--editable", "."))


def _run(command: list[str]) -> None:
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore:Editable installation"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, check=False)
    if done.returncode != 0:
        raise NoPython("no environment could be made, see above")


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
