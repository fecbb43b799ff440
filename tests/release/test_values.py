"""The parts of a release as values: the changelog, the version, the lock, the SBOM, the checksums, the sdist."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
import tomllib
from datetime import date
from pathlib import Path

import pytest

from lab.release import changelog
from lab.release.checkout import Commit
from lab.release.checksums import checksums
from lab.release.image import checked_name
from lab.release.lock import requirements, with_release
from lab.release.oci_archive import Content, debian_packages, python_itself
from lab.release.packages import normalized
from lab.release.problem import ReleaseError
from lab.release.sbom import Subject, sbom, validated
from lab.release.version import checked, with_mentions, with_version, written
from tests.scenarios.command import ROOT

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- New.

## [0.1.0] - 2026-01-02

- Old.

## [0.0.1] - 2026-01-01
"""
ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)
LOCK = f"""# made by make lock
first==1.2 \\
    --hash=sha256:{ONE} \\
    --hash=sha256:{TWO}
    # via barrelman-sync (pyproject.toml)
second-part==3 ; python_version < "3.13" \\
    --hash=sha256:{THREE}
    # via
    #   barrelman-sync (pyproject.toml)
    #   first
"""
COMMIT = Commit("a" * 40, 1_700_000_000)


def test_the_changelog_gets_a_section() -> None:
    text = changelog.with_section(CHANGELOG, "0.2.0", date(2026, 3, 4))
    assert "## [Unreleased]\n\n## [0.2.0] - 2026-03-04\n\n### Added" in text
    assert changelog.notes(text, "0.2.0") == "### Added\n\n- New."
    assert changelog.notes(text, "0.1.0") == "- Old."
    assert changelog.notes(text, "0.0.1") == changelog.notes(text, "Unreleased") == ""


def test_nothing_to_release() -> None:
    text = changelog.with_section(CHANGELOG, "0.2.0", date(2026, 3, 4))
    with pytest.raises(ReleaseError, match="nothing under Unreleased"):
        changelog.with_section(text, "0.3.0", date(2026, 3, 4))


def test_a_section_that_is_not_there() -> None:
    assert not changelog.has_section(CHANGELOG, "0.1")
    with pytest.raises(ReleaseError, match=r"no section 0\.2\.0"):
        changelog.notes(CHANGELOG, "0.2.0")


@pytest.mark.parametrize("version", ["0.1.0", "10.20.30", "1.0.0rc1", "1.0.0b2"])
def test_versions(version: str) -> None:
    assert checked(version) == version


@pytest.mark.parametrize(
    "version", ["", "v0.1.0", "0.1", "0.1.0.dev1", "0.1.0-rc1", "0.1.0+local", "0.1.0\n", "$(id)", "01.2.3"]
)
def test_no_versions(version: str) -> None:
    with pytest.raises(ReleaseError, match="no version of a release"):
        checked(version)


@pytest.mark.parametrize("name", ["barrelman-sync", "registry.example.com:5000/a/b_c/d", "ghcr.io/owner/x.y-z"])
def test_names_of_images(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "r.example.com/x:1.0", "r.example.com/x@sha256:1", "a b/x", "r/Upper", "https://r/x"]
)
def test_no_names_of_images(name: str) -> None:
    with pytest.raises(ReleaseError, match="no name of an image"):
        checked_name(name)


def test_the_version_is_written_once() -> None:
    text = with_version('"""A package."""\n\n__version__ = "0.9.0"\n', "0.10.0")
    assert text == '"""A package."""\n\n__version__ = "0.10.0"\n'
    assert written(text) == "0.10.0"
    with pytest.raises(ReleaseError, match=r"0\.10\.0rc1 is older than 0\.10\.0"):
        with_version(text, "0.10.0rc1")
    with pytest.raises(ReleaseError, match=r"0\.9\.0 is older than 0\.10\.0"):
        with_version(text, "0.9.0", tagged=False)


@pytest.mark.parametrize(
    "before", ["newTag: ", "app.kubernetes.io/version: ", "barrelman-sync?ref=v", "x/barrelman-sync:"]
)
def test_mentions_of_the_version(before: str) -> None:
    assert with_mentions(f"{before}0.1.0 is 0.1.0.\n", "0.2.0rc1") == f"{before}0.2.0rc1 is 0.1.0.\n"
    assert with_mentions(f"{before}0.2.0rc1.", "0.2.0") == f"{before}0.2.0."
    for other in ("latest", "0.1.0-beta.1", "1.2"):
        assert with_mentions(f"{before}{other}", "0.2.0") == f"{before}{other}"


def test_the_project_says_where_to_look_and_whom_to_tell() -> None:
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
    assert urls.keys() >= {"Homepage", "Source", "Documentation", "Changelog", "Issues", "Security"}
    assert all(url.startswith(urls["Source"]) for url in urls.values())
    assert f"<{urls['Source']}/security/advisories/new>" in (ROOT / "SECURITY.md").read_text()


def test_the_lock() -> None:
    first, second = requirements(LOCK)
    assert (first.name, first.version, first.hashes, first.wanted_by) == (
        "first",
        "1.2",
        [ONE, TWO],
        ["barrelman-sync"],
    )
    assert (second.name, second.version, second.hashes) == ("second-part", "3", [THREE])
    assert second.wanted_by == ["barrelman-sync", "first"]


def test_the_lock_of_the_project() -> None:
    found = {requirement.name: requirement for requirement in requirements((ROOT / "requirements.txt").read_text())}
    assert len(found) > 20
    assert all(requirement.hashes and requirement.wanted_by for requirement in found.values())
    assert {name for requirement in found.values() for name in requirement.wanted_by} <= {*found, "barrelman-sync"}


def test_requirements_of_a_release() -> None:
    text = with_release(LOCK, "barrelman-sync", "0.1.0", [ONE, TWO])
    assert text.startswith(LOCK)
    assert text.endswith(f"\nbarrelman-sync==0.1.0 \\\n    --hash=sha256:{ONE} \\\n    --hash=sha256:{TWO}\n")


def test_the_sbom_of_the_packages() -> None:
    found = json.loads(sbom(Subject("0.1.0", COMMIT), [*requirements(LOCK)]))
    assert found["metadata"]["component"]["purl"] == "pkg:pypi/barrelman-sync@0.1.0"
    assert found["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert [part["purl"] for part in found["components"]] == ["pkg:pypi/first@1.2", "pkg:pypi/second-part@3"]
    hashes = [entry["content"] for entry in found["components"][0]["externalReferences"][0]["hashes"]]
    assert hashes == [ONE, TWO]
    wants = {entry["ref"]: entry.get("dependsOn", []) for entry in found["dependencies"]}
    assert wants == {
        "pkg:pypi/barrelman-sync@0.1.0": ["pkg:pypi/first@1.2", "pkg:pypi/second-part@3"],
        "pkg:pypi/first@1.2": ["pkg:pypi/second-part@3"],
        "pkg:pypi/second-part@3": [],
    }


def test_an_sbom_says_licenses_and_is_the_same_each_time() -> None:
    lock = [*requirements((ROOT / "requirements.txt").read_text())]
    text = sbom(Subject("0.1.0", COMMIT), lock)
    assert text == sbom(Subject("0.1.0", COMMIT), lock)
    parts = {part["name"]: part for part in json.loads(text)["components"]}
    assert parts["lightkube"]["licenses"][0]["license"]["id"] == "MIT"
    assert [name for name, part in parts.items() if "licenses" not in part] == []


def test_an_sbom_that_breaks_the_schema() -> None:
    with pytest.raises(ValueError, match="breaks the schema"):
        validated('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library"}]}')


STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41-12
Description: the C library
 with: a colon

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""


def test_the_sbom_of_the_image() -> None:
    config = {"config": {"Env": ["PATH=/bin", "PYTHON_VERSION=3.14.1"]}}
    content = Content(config, STATUS, 'ID=debian\nVERSION_ID="13"\n')
    more = [*debian_packages(content), *python_itself(config)]
    found = json.loads(sbom(Subject("0.1.0", COMMIT, f"sha256:{ONE}"), [*requirements(LOCK)], more))
    assert (found["metadata"]["component"]["type"], ONE in found["metadata"]["component"]["purl"]) == (
        "container",
        True,
    )
    assert {part["purl"] for part in found["components"]} == {
        "pkg:pypi/first@1.2",
        "pkg:pypi/second-part@3",
        "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13",
        "pkg:generic/python@3.14.1",
    }


def test_checksums_are_what_sha256sum_checks(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("two")
    (tmp_path / "a").write_text("one")
    (tmp_path / "SHA256SUMS").write_text("of an earlier release")
    (tmp_path / "SHA256SUMS").write_text(checksums(tmp_path))
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "a: OK\nb: OK\n")


def test_an_sdist_has_the_same_bytes_whoever_packed_it() -> None:
    assert normalized(_sdist(["a", "b"], 5, 0o644), 99) == normalized(_sdist(["b", "a"], 6, 0o600), 99)
    assert normalized(_sdist(["a"], 5, 0o644), 99) != normalized(_sdist(["a"], 5, 0o755), 99)


def _sdist(names: list[str], owner: int, mode: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.uid, member.mode = 4, owner, mode
            member.pax_headers = {"mtime": f"{owner}.5"}
            archive.addfile(member, io.BytesIO(b"text"))
    return gzip.compress(packed.getvalue())
