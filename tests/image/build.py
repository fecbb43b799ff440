"""Builds the image where there is neither Docker nor a registry: by Debian's buildah, on a base by debootstrap."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barrelman_sync import __version__
from lab.controlplane.golang import cache_folder
from tests.scenarios.command import ROOT

# What the image is made of: .dockerignore lets nothing else through.
INPUTS = ("Dockerfile", ".dockerignore", "LICENSE", "README.md", "pyproject.toml", "requirements*.txt")
SETUP = Path(__file__).with_name("setup").relative_to(ROOT)
NAME = "barrelman-sync"
# The official image of this name: the same release of Debian, whose own Python has the same minor version.
SUITE, PYTHON = "trixie", "python3.13"
PACKAGES = (PYTHON, "python3", "python3-venv", "ca-certificates")
PIP_OPTIONS = ("index-url", "extra-index-url", "proxy", "trusted-host")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
UNWANTED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")


class NoImage(Exception):  # noqa: N818 - a state of the machine to report, not a mistake
    """Images cannot be built here; the text says why and what to install."""


@dataclass(frozen=True)
class Image:
    """A built image, and the folder with all its files."""

    root: Path
    config: dict[str, Any]
    history: str


def image() -> Image:
    """Return the image of the working tree, built if it was not yet. Raises NoImage."""
    _demand()
    tag = f"{NAME}:{_fingerprint()}"
    with _locked():
        if tag not in _images():
            _forget_older()
            _build(tag, _base())
        if tag not in _buildah("containers", "--format", "{{.ContainerName}}").split():
            _buildah("from", "--pull-never", "--name", tag, tag)
        described = json.loads(_buildah("inspect", "--type", "image", tag))["OCIv1"]
        root = Path(_buildah("mount", tag).strip())
    return Image(root, described["config"], json.dumps(described["history"]))


def _demand() -> None:
    missing = [program for program in ("buildah", "debootstrap", "unshare", "setpriv") if not _which(program)]
    if missing:
        raise NoImage(f"there is no {' and no '.join(missing)}: {SETUP} installs what is missing, as root")
    if os.geteuid() != 0:
        raise NoImage("needs root, for debootstrap and chroot")


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin")


@contextmanager
def _locked() -> Iterator[None]:
    folder = cache_folder() / "image"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fingerprint() -> str:
    files = [path for pattern in INPUTS for path in sorted(ROOT.glob(pattern))]
    files += sorted(path for path in (ROOT / NAME.replace("-", "_")).rglob("*") if path.is_file())
    told = hashlib.sha256()
    for path in files:
        if "__pycache__" not in path.parts:
            told.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return told.hexdigest()[:16]


def _buildah(*arguments: str | Path) -> str:
    folder = cache_folder() / "image"
    storage = ("--root", folder / "storage", "--runroot", folder / "run", "--storage-driver", "vfs")
    done = subprocess.run(["buildah", *storage, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"buildah {arguments[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def _images() -> list[str]:
    listed = json.loads(_buildah("images", "--json"))
    return [name.split("/")[-1] for entry in listed for name in entry["names"] or ()]


def _forget_older() -> None:
    _buildah("rm", "--all")
    for name in _images():
        if name.startswith(f"{NAME}:"):
            _buildah("rmi", f"localhost/{name}")


def _say(what: str) -> None:
    print(f"image: {what}", file=sys.stderr, flush=True)


def _base() -> str:
    """Return the name of the base, of which there is a stand-in. Nothing is asked of a registry, here or later."""
    found = re.search(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found
    if found[1] not in _images():
        _say(f"making a stand-in for {found[1]} with debootstrap (a minute or two; it is kept)")
        with tempfile.TemporaryDirectory() as folder:
            _commit(_debootstrap(Path(folder) / "root"), found[1])
    return found[1]


def _debootstrap(target: Path) -> Path:
    command: list[str | Path] = [
        _which("debootstrap") or "",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        SUITE,
        target,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoImage(f"debootstrap could not make a Debian {SUITE}:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    for path in UNWANTED:
        shutil.rmtree(target / path, ignore_errors=True)
    return target


def _commit(root: Path, name: str) -> None:
    container = _buildah("from", "scratch").strip()
    _buildah("add", "--quiet", container, root, "/")
    _buildah("commit", "--quiet", "--rm", container, name)


def _build(tag: str, base: str) -> None:
    _say("building the image (half a minute)")
    with tempfile.TemporaryDirectory() as folder:
        secrets = _secrets(Path(folder))
        _buildah(
            "build",
            *("--pull-never", "--isolation=chroot", "--network=host", "--layers=false"),
            *(f"--secret=id={path.name},src={path}" for path in secrets),
            *(f"--build-arg=BASE={base}", f"--build-arg=VERSION={__version__}", f"--tag={tag}", "."),
        )


def _secrets(folder: Path) -> list[Path]:
    """Write what lets pip in the build reach the index that pip here reaches."""
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
