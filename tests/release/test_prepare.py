"""The commit that a release begins with, in a repository of three files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from barrelman_sync import __version__
from lab.release import changelog
from lab.release.checkout import Checkout
from lab.release.prepare import MENTIONS, prepare
from lab.release.problem import ReleaseError
from lab.release.version import with_mentions
from tests.docs.readme import ROOT

DAY = date(2026, 3, 4)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A Maintainer")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "maintainer@example.com")
    (tmp_path / "barrelman_sync").mkdir()
    (tmp_path / "barrelman_sync/__init__.py").write_text('__version__ = "0.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n- New.\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/image.md").write_text("docker pull r.example.com/barrelman-sync:0.1.0, Python 0.1.0\n")
    made = Checkout(tmp_path)
    made.git("init", "--quiet")
    made.git("add", ".")
    made.git("commit", "--quiet", "--message", "Begin")
    return made


def subjects(checkout: Checkout) -> list[str]:
    return checkout.git("log", "--format=%s").splitlines()


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
def test_one_commit_has_the_version_and_the_section(checkout: Checkout, version: str) -> None:
    assert prepare(checkout, version, DAY)
    assert subjects(checkout) == [f"Release {version}", "Begin"]
    assert checkout.read("barrelman_sync/__init__.py") == f'__version__ = "{version}"\n'
    assert checkout.read("docs/image.md") == f"docker pull r.example.com/barrelman-sync:{version}, Python 0.1.0\n"
    assert checkout.read("CHANGELOG.md") == f"# Changelog\n\n## [Unreleased]\n\n## [{version}] - 2026-03-04\n\n- New.\n"
    checkout.demand_clean()


def test_no_page_and_no_manifest_keeps_the_version_before() -> None:
    """But for the examples in docs/releasing.md, which are about releases and need not be about the newest."""
    here = Checkout(ROOT)
    pages = [path for path in here.git("ls-files", "--", *MENTIONS).splitlines() if path != "docs/releasing.md"]
    assert {"README.md", "docs/install.md", "deploy/base/kustomization.yaml"} <= {*pages}
    kept = [path for path in pages if __version__ in with_mentions(here.read(path), "9.9.9")]
    assert kept == []


def test_the_second_time_nothing_is_left_to_commit(checkout: Checkout) -> None:
    prepare(checkout, "0.2.0", DAY)
    assert not prepare(checkout, "0.2.0", DAY)
    checkout.git("tag", "v0.2.0")
    assert not prepare(checkout, "0.2.0", DAY), "as in the workflow, which builds the tag"
    assert len(subjects(checkout)) == 2


def test_a_tag_stays_on_what_was_released(checkout: Checkout) -> None:
    checkout.git("tag", "v0.2.0")
    with pytest.raises(
        ReleaseError, match=r"v0\.2\.0 .* not ready for it: see barrelman_sync/__init__\.py, CHANGELOG\.md"
    ):
        prepare(checkout, "0.2.0", DAY)
    checkout.git("commit", "--quiet", "--allow-empty", "--message", "Go on")
    with pytest.raises(ReleaseError, match=r"v0\.2\.0 is on another commit"):
        prepare(checkout, "0.2.0", DAY)
    assert subjects(checkout) == ["Go on", "Begin"]


def test_an_older_version(checkout: Checkout) -> None:
    with pytest.raises(ReleaseError, match=r"0\.0\.9 is older than 0\.1\.0"):
        prepare(checkout, "0.0.9", DAY)
    checkout.demand_clean()


def test_a_candidate_comes_before_its_release(checkout: Checkout) -> None:
    """And leaves the changes where the release finds them."""
    before = checkout.read("CHANGELOG.md")
    assert prepare(checkout, "0.1.0rc1", DAY)
    assert checkout.read("barrelman_sync/__init__.py") == '__version__ = "0.1.0rc1"\n'
    assert checkout.read("CHANGELOG.md") == before
    assert changelog.notes(before, changelog.section_of("0.1.0rc1")) == "- New."
    checkout.git("tag", "v0.1.0rc1")
    assert prepare(checkout, "0.1.0", DAY)
    assert changelog.notes(checkout.read("CHANGELOG.md"), changelog.section_of("0.1.0")) == "- New."
    checkout.git("tag", "v0.1.0")
    with pytest.raises(ReleaseError, match=r"0\.1\.0rc2 is older than 0\.1\.0"):
        prepare(checkout, "0.1.0rc2", DAY)


def test_a_commit_that_git_refuses_leaves_a_clean_checkout(checkout: Checkout) -> None:
    hook = checkout.root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ReleaseError, match="git commit failed"):
        prepare(checkout, "0.2.0", DAY)
    checkout.demand_clean()


def test_a_checkout_with_changes(checkout: Checkout) -> None:
    (checkout.root / "new.txt").touch()
    (checkout.root / "CHANGELOG.md").write_text("other")
    with pytest.raises(ReleaseError, match=r"not committed: CHANGELOG\.md, new\.txt\."):
        checkout.demand_clean()


def test_what_is_exported_has_the_commit_s_time(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> None:
    (checkout.root / "ignored").touch()
    folder = checkout.export(tmp_path_factory.mktemp("export"))
    assert {path.name for path in folder.iterdir()} == {"barrelman_sync", "CHANGELOG.md", "docs"}
    about = (folder / "CHANGELOG.md").stat()
    assert (about.st_mtime, about.st_mode & 0o777) == (checkout.head().epoch, 0o644)
