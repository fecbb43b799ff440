"""The checkout that a release is made from."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from lab.release.problem import ReleaseError

SHOWN = 5


@dataclass(frozen=True)
class Commit:
    """What is released."""

    revision: str
    epoch: int
    """When it was committed, in seconds since 1970: the time of everything that is made from it."""


@dataclass(frozen=True)
class Checkout:
    """A folder with a git repository."""

    root: Path

    def demand_clean(self) -> None:
        """Raise ReleaseError if a file differs from the commit, or is new and not ignored."""
        changed = [line[3:] for line in self.git("status", "--porcelain").splitlines()]
        if changed:
            more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
            raise ReleaseError(
                f"The checkout has changes that are not committed: {', '.join(changed[:SHOWN])}{more}. "
                "Commit them or put them away."
            )

    def head(self) -> Commit:
        revision, epoch = self.git("log", "-1", "--format=%H %ct").split()
        return Commit(revision, int(epoch))

    def tagged(self, tag: str) -> str | None:
        """Return the commit that a tag is on, or None if there is no such tag."""
        if not self.git("tag", "--list", tag).strip():
            return None
        return self.git("rev-list", "-1", f"refs/tags/{tag}").strip()

    def commit(self, message: str, *paths: str) -> None:
        self.git("commit", "--quiet", "--message", message, "--", *paths)

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def export(self, target: Path) -> Path:
        """Write the committed files, with the time of the commit and the modes that git knows, whatever the umask."""
        packed = self._run("archive", "--format=tar", "HEAD")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(target, filter="data")
        return target

    def git(self, *arguments: str) -> str:
        return self._run(*arguments).decode()

    def _run(self, *arguments: str) -> bytes:
        try:
            done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, check=False)
        except FileNotFoundError as error:
            raise ReleaseError("There is no git, which knows what is released: install git.") from error
        if done.returncode != 0:
            raise ReleaseError(f"git {arguments[0]} failed: {done.stderr.decode().strip()}")
        return done.stdout
