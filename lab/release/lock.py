"""requirements.txt as a value, and what a release adds to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_REQUIREMENT = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
# `# via httpx2`, or one name a line below a `# via` that stands alone.
_VIA = re.compile(r"^ +#(?: via)? +([\w.-]+)", re.MULTILINE)


@dataclass(frozen=True)
class Requirement:
    """A package of the lock."""

    name: str
    version: str
    hashes: Sequence[str]
    """SHA-256 of the files that pip may install."""
    wanted_by: Sequence[str]


def requirements(text: str) -> Iterator[Requirement]:
    """Yield the packages of a file that pip-compile wrote."""
    starts = [*_REQUIREMENT.finditer(text)]
    ends = [*(start.start() for start in starts[1:]), len(text)]
    for start, end in zip(starts, ends, strict=True):
        block = text[start.end() : end]
        wanted_by = [name for name in _VIA.findall(block) if name != "via"]
        yield Requirement(start[1], start[2], _HASH.findall(block), wanted_by)


def with_release(text: str, name: str, version: str, hashes: Sequence[str]) -> str:
    """Return requirements with which `pip install --require-hashes` installs the release too."""
    lines = " \\\n".join([f"{name}=={version}", *(f"    --hash=sha256:{digest}" for digest in hashes)])
    return f"{text.rstrip()}\n{lines}\n"
