"""kustomize makes of each overlay what kubectl makes of it, and has nothing to complain about, such as an old field."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.clients import client
from tests.deploy.manifests import DEPLOY, EVERYWHERE, FOLDERS, Hint, Variant, build, edited, kustomized
from tests.needed import needed
from tests.scenarios.command import ROOT


@pytest.fixture(scope="module")
def kustomize(request: pytest.FixtureRequest) -> Path:
    """Return kustomize, built first where it is missing."""
    with needed("no kustomize", request.config):
        return client("kustomize")


def built(kustomize: Path, folder: Path) -> str:
    """Return what kustomize prints; it has to say nothing else."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run([kustomize, "build", folder], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("hints", [(), (*EVERYWHERE,)], ids=["plain", "all hints"])
@pytest.mark.parametrize("variant", Variant)
def test_an_overlay(variant: Variant, hints: tuple[Hint, ...], kustomize: Path, tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, copy := tmp_path / "deploy")
    text = build(copy / FOLDERS[variant], edited(variant, *hints))
    assert built(kustomize, copy / FOLDERS[variant]) == text


def test_the_base(kustomize: Path) -> None:
    assert built(kustomize, ROOT) == kustomized(ROOT)


def test_the_loop(kustomize: Path, tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, copy := tmp_path / "deploy")
    text = build(copy / "mine-loop", "resources: [../kubeconfig]\ncomponents: [../loop]\n")
    assert "kind: Deployment" in text
    assert built(kustomize, copy / "mine-loop") == text
