"""What an OCI archive has inside: its configuration, and the Debian packages of its base."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclonedx.model.component import Component
from packageurl import PackageURL

STATUS, SYSTEM = "var/lib/dpkg/status", "usr/lib/os-release"


@dataclass(frozen=True)
class Content:
    """The parts of an image that an SBOM and the checks ask for."""

    config: dict[str, Any]
    dpkg_status: str
    os_release: str

    @property
    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.config["config"]["Labels"]
        return found


def content(path: Path) -> Content:
    with tarfile.open(path) as archive:
        index = json.loads(_blob(archive, "index.json"))
        manifest = json.loads(_digest(archive, index["manifests"][0]["digest"]))
        config = json.loads(_digest(archive, manifest["config"]["digest"]))
        layers = [_digest(archive, layer["digest"]) for layer in manifest["layers"]]
        return Content(config, _newest(layers, STATUS), _newest(layers, SYSTEM))


def debian_packages(content: Content) -> Iterator[Component]:
    """Yield the packages that dpkg has installed, named as scanners of vulnerabilities expect it."""
    system = dict(line.split("=", 1) for line in content.os_release.splitlines() if "=" in line)
    release = system.get("VERSION_ID", "").strip('"')
    distro = f"debian-{release}" if release else "debian"
    for paragraph in content.dpkg_status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status") == "install ok installed":
            name, version = fields["Package"], fields["Version"]
            qualifiers = {"arch": fields["Architecture"], "distro": distro}
            purl = PackageURL("deb", "debian", name, version, qualifiers)
            yield Component(name=name, version=version, purl=purl, bom_ref=purl.to_string())


def python_itself(config: dict[str, Any]) -> Iterator[Component]:
    """Yield the Python of the official base, which is no Debian package: the base says its version."""
    variables = dict(variable.split("=", 1) for variable in config["config"].get("Env", ()))
    if version := variables.get("PYTHON_VERSION"):
        purl = PackageURL("generic", None, "python", version)
        yield Component(name="python", version=version, purl=purl, bom_ref=purl.to_string())


def _digest(archive: tarfile.TarFile, digest: str) -> bytes:
    return _blob(archive, f"blobs/{digest.replace(':', '/')}")


def _blob(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"the OCI archive has no {name}")
    return file.read()


def _newest(layers: Sequence[bytes], name: str) -> str:
    """Return a file of the image, or nothing if there is none: a later layer hides those before it."""
    found = (_file(layer, name) for layer in reversed(layers))
    return next((text for text in found if text is not None), "")


def _file(layer: bytes, name: str) -> str | None:
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        for member in files:
            if member.name.removeprefix("./") == name:
                found = files.extractfile(member)
                return found.read().decode() if found else None
    return None
