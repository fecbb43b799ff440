"""What lets pip in a build of the image reach the index that pip here reaches."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PIP_OPTIONS = ("index-url", "extra-index-url", "proxy", "trusted-host")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def secrets(folder: Path) -> list[Path]:
    """Write pip.conf, and ca.crt if there is one, into the folder: the Dockerfile takes them as secrets."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    pairs = (line.split("=", 1) for line in listed.stdout.splitlines())
    found = {name.rpartition(".")[2]: value.strip("'") for name, value in pairs}
    settings = {option: found[option] for option in PIP_OPTIONS if option in found}
    paths = []
    authorities = Path(found.get("cert") or os.environ.get("SSL_CERT_FILE") or AUTHORITIES)
    if authorities.exists():
        settings["cert"] = "/run/ca.crt"
        paths.append(Path(shutil.copy(authorities, folder / "ca.crt")))
    lines = (f"{option} = {value}" for option, value in settings.items())
    paths.append(folder / "pip.conf")
    paths[-1].write_text("\n".join(["[global]", *lines, ""]))
    return paths
