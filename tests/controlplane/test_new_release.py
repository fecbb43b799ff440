"""A new release of Kubernetes gets a folder; Go's part is a stand-in here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.controlplane import new_release, releases

UPSTREAM = """module k8s.io/kubernetes

go 1.99.0

require (
	github.com/spf13/cobra v1.2.3
	go.etcd.io/etcd/client/v3 v3.1.1
	go.etcd.io/etcd/server/v3 v3.4.5
	k8s.io/api v0.0.0
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/apimachinery => ./staging/src/k8s.io/apimachinery
)
"""
OURS = """module barrelman-sync/lab/controlplane

go 1.99.0

require (
	github.com/spf13/cobra v1.2.3
	go.etcd.io/etcd/server/v3 v3.4.5
	k8s.io/component-base v0.99.1
	k8s.io/kubernetes v1.99.1
)

// k8s.io/kubernetes asks for its staging modules at v0.0.0; each stands for the published module of the same release.
replace (
	k8s.io/api => k8s.io/api v0.99.1
	k8s.io/apimachinery => k8s.io/apimachinery v0.99.1
)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder in place of the one that has all releases."""
    folder = tmp_path / "kubernetes"
    folder.mkdir()
    (tmp_path / "main.go").write_text("package main\n")
    monkeypatch.setattr(releases, "FOLDER", folder)
    return folder


def test_a_folder_is_written(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v1.99.1.mod").write_text(UPSTREAM)
    downloaded = json.dumps({"GoMod": str(tmp_path / "v1.99.1.mod")})
    asked = []

    def go(arguments: Sequence[str], where: Path = folder) -> str:
        asked.append((arguments[1], where.name, [str(release) for release in releases.all_releases()]))
        return downloaded

    monkeypatch.setattr(new_release, "_go", go)
    new_release.main("1.99.1")
    assert asked == [("download", "kubernetes", []), ("tidy", "1.99", ["1.99"])]
    assert (folder / "1.99" / "go.mod").read_text() == OURS
    assert (folder / "1.99" / "main.go").read_text() == "package main\n"


def test_a_minor_release_is_refused_and_nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_release, "_go", lambda arguments: pytest.fail(f"asked for {arguments}"))
    with pytest.raises(SystemExit, match=r"1\.38 is no patch release"):
        new_release.main("1.38")
    assert list(folder.iterdir()) == []
