"""The version: barrelman_sync/__init__.py decides, and some commands and manifests for users repeat it."""

from __future__ import annotations

import re

from packaging.version import Version

from lab.release.problem import ReleaseError

HOME = "barrelman_sync/__init__.py"
_WRITTEN = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)
# What a version, a tag of git and a tag of an image all allow.
_FORM = r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?"
_RELEASE = re.compile(_FORM, re.ASCII)
_BEFORE = (
    r"app\.kubernetes\.io/version: ",
    r"newTag: ",
    r"\?ref=v",
    r"\bTAG=",
    r"--build-arg VERSION=",
    r"barrelman-sync:",
)
_MENTION = re.compile(rf"({'|'.join(_BEFORE)}){_FORM}(?![\w.-]*\w)")


def checked(version: str) -> str:
    """Return the version if a release may have it."""
    if not _RELEASE.fullmatch(version) or str(Version(version)) != version:  # 01.2.3 would be 1.2.3 in file names
        raise ReleaseError(f"{version!r} is no version of a release; 1.2.3 and 1.2.3rc1 are.")
    return version


def written(text: str) -> str:
    """Return the version that the text of the module says."""
    found = _WRITTEN.search(text)
    if not found:
        raise ReleaseError(f"{HOME} has no line with __version__.")
    return found[1]


def is_candidate(version: str) -> bool:
    return Version(version).is_prerelease


def with_version(text: str, version: str, *, tagged: bool = True) -> str:
    """Return the text of the module with this version, which must not be older than the one there.

    As long as the one there has no tag, candidates of it may still come.
    """
    before = written(text)
    new, old = Version(version), Version(before)
    if new < old and (tagged or new.release != old.release):
        raise ReleaseError(f"{version} is older than {before}, the version that {HOME} says.")
    return _WRITTEN.sub(f'__version__ = "{version}"', text)


def with_mentions(text: str, version: str) -> str:
    """Return a page or a manifest that names this version: in a label, as the tag of the image, in a URL."""
    return _MENTION.sub(rf"\g<1>{version}", text)
