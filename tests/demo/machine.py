"""Machines on which the demo runs: this one, and one that allows no network namespaces."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lab.controlplane import NoControlPlane
from lab.dataplane import machine
from tests.needed import lacking

ROOT = Path(__file__).parents[2]
SECONDS = 600  # a limit for a busy machine; the demo usually takes 15


def needs_traffic() -> None:
    """Skip the test where the machine cannot carry traffic; with CI=true that is a failure."""
    try:
        machine.check()
    except NoControlPlane as error:
        lacking(f"no traffic: {error}")


def forbidding(folder: Path) -> Mapping[str, str]:
    """Return the environment of a machine that allows no network namespaces."""
    unshare = folder / "unshare"
    unshare.write_text("#!/bin/sh\necho 'unshare: Operation not permitted' >&2\nexit 1\n")
    unshare.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
