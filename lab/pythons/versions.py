"""Which Pythons count. pyproject.toml says which is the oldest, and the Dockerfile which one the image has."""

from __future__ import annotations

import re
import tomllib

from lab.pythons.interpreters import ROOT
from lab.release.image import base_name, python_version


def version_of(word: str) -> str:
    """Return the version that the word stands for: oldest, image, or the version itself."""
    return {"oldest": oldest, "image": of_the_image}.get(word, lambda: word)()


def oldest() -> str:
    """Return the oldest Python that is supported."""
    required: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    return required.removeprefix(">=")


def of_the_image() -> str:
    """Return the Python of the image."""
    return python_version(base_name((ROOT / "Dockerfile").read_text()))


def supported() -> list[str]:
    """Return the versions that the classifiers name."""
    return re.findall(r"Programming Language :: Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
