"""`make release`, in a copy of the project."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from lab.clients import client
from lab.release import stand_in
from lab.release.oci_archive import content
from tests.image.build import NoImage, base_name, image
from tests.needed import needed
from tests.release.conftest import VERSION, Project

NO_IMAGE = "ARGS=--no-image"
NAME = "registry.example.com/mirrors/barrelman-sync"
PACKAGES = {f"barrelman_sync-{VERSION}.tar.gz", f"barrelman_sync-{VERSION}-py3-none-any.whl"}
OTHERS = {"requirements.txt", f"barrelman-sync-{VERSION}.cdx.json", "release-notes.md", "SHA256SUMS"}
Texts = Mapping[str, bytes]


@pytest.fixture(scope="module")
def packages(project: Project) -> Texts:
    """The files of a release without an image."""
    done = project.release(f"VERSION={VERSION}", NO_IMAGE)
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in project.dist.iterdir()}


def test_without_a_version(project: Project) -> None:
    done = project.release()
    assert (done.returncode != 0, "make release VERSION=0.1.0" in done.stderr) == (True, True)


def test_a_checkout_with_changes_is_refused(project: Project) -> None:
    new = project.root / "new.txt"
    new.touch()
    done = project.release(f"VERSION={VERSION}", NO_IMAGE)
    new.unlink()
    assert done.returncode != 0
    assert "release: The checkout has changes that are not committed: new.txt. Commit them" in done.stderr


def test_a_missing_program_is_named(project: Project, tmp_path: Path) -> None:
    for program in ("make", "bash", "git", "test"):
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    before = project.run("git", "log", "--format=%s").stdout
    done = project.release(f"VERSION={VERSION}", PATH=str(tmp_path))
    assert (done.returncode != 0, done.stderr.count("\n")) == (True, 2), "the sentence, and what make says"
    assert done.stderr.startswith("release: There is no buildah, which builds the image")
    assert project.run("git", "log", "--format=%s").stdout == before


def test_what_is_no_version_gets_into_no_shell(project: Project) -> None:
    done = project.release("VERSION=x; touch oops")
    assert (done.returncode != 0, (project.root / "oops").exists()) == (True, False)
    assert "is no version of a release" in done.stderr


def test_the_files(project: Project, packages: Texts) -> None:
    assert packages.keys() == PACKAGES | OTHERS
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=project.dist, check=False)
    assert done.returncode == 0
    assert project.run("git", "status", "--porcelain").stdout == ""
    assert project.run("git", "log", "--format=%s").stdout.splitlines() == [f"Release {VERSION}", "Begin"]
    assert "- A change.\n" in packages["release-notes.md"].decode()


def test_a_second_release_has_the_same_bytes(project: Project, packages: Texts) -> None:
    done = project.release(f"VERSION={VERSION}", NO_IMAGE, umask=0o077)
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in project.dist.iterdir()} == packages
    assert len(project.run("git", "log", "--format=%s").stdout.splitlines()) == 2


def test_the_wheel_installs_with_hashes(packages: Texts, tmp_path: Path) -> None:
    dist = written(packages, tmp_path / "dist")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    pip(python, "install", "--no-compile", "--find-links", dist, "--requirement", dist / "requirements.txt")
    done = subprocess.run(
        [tmp_path / "venv/bin/barrelman-sync", "--version"], capture_output=True, text=True, check=False
    )
    assert done.stdout == f"barrelman-sync, version {VERSION}\n"


def test_the_sdist_builds_with_hashes(packages: Texts, tmp_path: Path) -> None:
    dist = written(packages, tmp_path / "dist")
    ours = (dist / "requirements.txt").read_text().partition("barrelman-sync==")
    (tmp_path / "ours.txt").write_text("".join(ours[1:]))
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--no-binary=barrelman-sync", "--find-links", dist)
    pip(Path(sys.executable), "wheel", *options, "--wheel-dir", tmp_path, "--requirement", tmp_path / "ours.txt")
    with_metadata = [path.name for path in tmp_path.glob("*.whl")]
    assert with_metadata == [f"barrelman_sync-{VERSION}-py3-none-any.whl"]


def test_another_file_does_not_install(packages: Texts, tmp_path: Path) -> None:
    dist = written(packages, tmp_path / "dist")
    wheel = next(dist.glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"more")
    options = ("--no-deps", "--no-index", "--target", tmp_path / "target", "--find-links", dist)
    start: list[str | Path] = [sys.executable, "-m", "pip", "install", "--require-hashes"]
    command = [*start, *options, "--requirement", dist / "requirements.txt"]
    ours = (dist / "requirements.txt").read_text().partition("barrelman-sync==")
    (dist / "requirements.txt").write_text("".join(ours[1:]))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode != 0, "DO NOT MATCH THE HASHES" in done.stderr) == (True, True)


def test_the_image_and_the_manifests(project: Project, request: pytest.FixtureRequest) -> None:
    """The Dockerfile here starts from the image that tests/image has built from the real one, which saves a minute."""
    with needed("no image", request.config, NoImage):
        built = image()
    with needed("no kubectl", request.config):
        client("kubectl")
    dockerfile = project.root / "Dockerfile"
    dockerfile.write_text(f"ARG BASE={base_name()}\nFROM {built.name}\n")
    project.run("git", "commit", "--quiet", "--all", "--message", "Start from an image")
    done = project.release(f"VERSION={VERSION}", f"IMAGE={NAME}", "ARGS=--stand-in-base")
    assert done.returncode == 0, done.stderr
    digest = (project.dist / "image.txt").read_text().removeprefix(f"{NAME}@").strip()
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert_is_the_image(project, digest)
    assert_are_pinned(project, digest)


def assert_is_the_image(project: Project, digest: str) -> None:
    archive = project.dist / f"barrelman-sync-{VERSION}.oci.tar"
    with tarfile.open(archive) as files:
        index = files.extractfile("index.json")
        assert index
        assert [manifest["digest"] for manifest in json.load(index)["manifests"]] == [digest]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in content(archive).labels.items()}
    revision, when = project.run("git", "log", "-1", "--format=%H %ct").stdout.split()
    assert (labels["version"], labels["revision"]) == (VERSION, revision)
    assert datetime.fromisoformat(labels["created"]).timestamp() == int(when)
    assert labels["source"].startswith("https://github.com/")
    assert (labels["base.name"], labels["base.digest"][:7]) == (base_name(), "sha256:")
    parts = json.loads((project.dist / f"barrelman-sync-{VERSION}-image.cdx.json").read_text())
    assert digest in parts["metadata"]["component"]["purl"]
    assert {"lightkube", "libc6", stand_in.PYTHON} <= {part["name"] for part in parts["components"]}


def assert_are_pinned(project: Project, digest: str) -> None:
    rendered = sorted(project.dist.glob("manifests-*.yaml"))
    assert rendered
    for path in rendered:
        jobs = [obj for obj in yaml.safe_load_all(path.read_text()) if obj["kind"] == "CronJob"]
        pods = [job["spec"]["jobTemplate"]["spec"]["template"]["spec"] for job in jobs]
        assert [pod["containers"][0]["image"] for pod in pods] == [f"{NAME}@{digest}"]


def written(files: Texts, folder: Path) -> Path:
    folder.mkdir()
    for name, content_of in files.items():
        (folder / name).write_bytes(content_of)
    return folder


def pip(python: Path, command: str, *options: str | Path) -> None:
    done = subprocess.run(
        [python, "-m", "pip", command, "--quiet", "--require-hashes", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
