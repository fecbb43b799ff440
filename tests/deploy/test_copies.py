"""An overlay that is copied elsewhere, and names the base by URL and version, is the same installation."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from barrelman_sync import __version__
from tests.deploy.manifests import DEPLOY, EVERYWHERE, HOME, Hint, Variant, build, edited, overlay, render
from tests.needed import lacking
from tests.scenarios.command import ROOT


@pytest.fixture(scope="module")
def git_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a configuration of git in which our home is a repository on this disk, with the version as its tag."""
    if shutil.which("git") is None:
        lacking("no git")
    folder = tmp_path_factory.mktemp("home")
    repository = folder / "repository.git"  # kustomize adds .git to GitHub's URLs
    shutil.copytree(DEPLOY, repository / "deploy")
    for file in ("kustomization.yaml", "rbac.yaml", "cronjob.yaml"):
        shutil.copy(ROOT / file, repository, follow_symlinks=False)
    identity = ("-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "Base"), ("tag", f"v{__version__}")):
        subprocess.run(["git", *words], cwd=repository, check=True)
    config = folder / "gitconfig"
    config.write_text(f'[url "{repository.as_uri().removesuffix(".git")}"]\n  insteadOf = {HOME}\n')
    return config


def by_url(variant: Variant, text: str) -> str:
    """Put the URLs of the marked place where the paths inside this repository are."""
    base, policy = re.findall(rf"# +- ({HOME}\S+)", overlay(variant).read_text())
    return text.replace("- ../base\n", f"- {base}\n").replace("- ../network-policy\n", f"- {policy}\n")


@pytest.mark.parametrize("hints", [(), (*EVERYWHERE,)], ids=["plain", "all hints"])
@pytest.mark.parametrize("variant", Variant)
def test_a_copy_elsewhere_is_the_same(
    variant: Variant, hints: tuple[Hint, ...], git_config: Path, tmp_path: Path
) -> None:
    text = by_url(variant, edited(variant, *hints))
    assert "../" not in text
    copy = build(tmp_path / "copy", text, GIT_CONFIG_GLOBAL=str(git_config))
    assert [*yaml.safe_load_all(copy)] == render(variant, *hints)
