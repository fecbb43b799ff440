"""The commit that a release begins with: the version wherever it is named, and the section of the changelog."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from lab.release import changelog
from lab.release.checkout import Checkout
from lab.release.problem import ReleaseError
from lab.release.version import HOME, with_mentions, with_version, written

CHANGELOG = "CHANGELOG.md"
# Where users find a command or a manifest with the version in it.
MENTIONS = ("README.md", "docs/*.md", "kustomization.yaml", "deploy/*/kustomization.yaml")


def prepare(checkout: Checkout, version: str, today: date) -> bool:
    """Make sure that the commit checked out is this version; return whether that took a new commit.

    What has been tagged stays as it is: only the commit with the tag is built again, and no commit is put on top.
    """
    tagged = checkout.tagged(f"v{version}")
    if tagged not in (None, checkout.head().revision):
        raise ReleaseError(f"The tag v{version} is on another commit: check it out, or release another version.")
    changes = _changes(checkout, version, today)
    if tagged and changes:
        raise ReleaseError(f"The tag v{version} is on a commit that is not ready for it: see {', '.join(changes)}.")
    if changes:
        _commit(checkout, version, changes)
    return bool(changes)


def _commit(checkout: Checkout, version: str, changes: Mapping[str, str]) -> None:
    """Commit the new texts. If git refuses, the files are as before, so that the next try finds a clean checkout."""
    before = {path: checkout.read(path) for path in changes}
    try:
        _write(checkout, changes)
        checkout.commit(f"Release {version}", *changes)
    except ReleaseError:
        _write(checkout, before)
        raise


def _write(checkout: Checkout, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        (checkout.root / path).write_text(text)


def _changes(checkout: Checkout, version: str, today: date) -> dict[str, str]:
    """Return the new texts of the files that are not ready for this version."""
    texts = {path: checkout.read(path) for path in [HOME, CHANGELOG, *_mentions(checkout)]}
    wanted = {path: with_mentions(text, version) for path, text in texts.items()}
    tagged = checkout.tagged(f"v{written(texts[HOME])}") is not None
    wanted[HOME] = with_version(texts[HOME], version, tagged=tagged)
    wanted[CHANGELOG] = texts[CHANGELOG]
    if not changelog.has_section(texts[CHANGELOG], changelog.section_of(version)):
        wanted[CHANGELOG] = changelog.with_section(texts[CHANGELOG], version, today)
    return {path: text for path, text in wanted.items() if text != texts[path]}


def _mentions(checkout: Checkout) -> list[str]:
    return checkout.git("ls-files", "--", *MENTIONS).splitlines()
