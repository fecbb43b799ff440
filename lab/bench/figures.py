"""How figures are printed."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Sequence

MEGABYTE = 2**20


def middle(values: Sequence[float], unit: str = "", digits: int = 2) -> str:
    """Return the median, and if there are several values their range."""
    text = f"{statistics.median(values):.{digits}f}{unit}"
    return text if len(values) == 1 else f"{text} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def title(text: str) -> None:
    """Print the title of a part."""
    print(f"\n{text}", flush=True)


def figure(name: str, value: str) -> None:
    """Print one figure."""
    print(f"  {name:<44} {value}", flush=True)


def progress(text: str) -> None:
    """Print to stderr what is being done."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def machine() -> str:
    """Return what the figures depend on most: cores, load and version of Python."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before, Python {sys.version.split()[0]}"
