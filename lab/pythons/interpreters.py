"""Where a Python is: this one, one in PATH, or that of the stand-in for the image's base."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.pythons.base import inside
from lab.release import stand_in
from lab.release.problem import ReleaseError

ROOT = Path(__file__).parents[2]


class NoPython(Exception):  # noqa: N818 - a state of the machine to report, not a mistake
    """There is no such Python here; the text says what to install."""


@dataclass(frozen=True)
class Python:
    """An interpreter, the place where it is, in words, and the words before a command that run it at this place."""

    program: str
    where: str
    prefix: Sequence[str] = ()

    def command(self, *arguments: str) -> list[str]:
        return [*self.prefix, self.program, *arguments]


def find(version: str) -> Python:
    """Return a Python of the version. Raise NoPython."""
    name = f"python{version}"
    if version == _version(sys.executable):
        return Python(sys.executable, "the one of this environment")
    if (path := shutil.which(name)) and _version(path) == version:
        return Python(path, path)
    if name != stand_in.PYTHON:
        raise NoPython(f"there is no {name} in PATH")
    try:
        return Python(f"/usr/bin/{name}", f"Debian {stand_in.SUITE}, the stand-in for the image's base", inside(ROOT))
    except ReleaseError as error:
        raise NoPython(f"there is no {name} in PATH, and no stand-in for the image's base: {error}") from error


def _version(program: str) -> str:
    """Return the version of a Python, or nothing if it does not run: pyenv puts a stub in PATH for what it lacks."""
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    return subprocess.run([program, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
