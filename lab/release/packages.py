"""The sdist and the wheel: the same bytes from the same commit."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from lab.release.problem import ReleaseError


def build(source: Path, target: Path, epoch: int) -> tuple[Path, Path]:
    """Build the sdist, and from the sdist the wheel, with the pinned tools of this environment."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(source)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    # The umask decides the modes of files that setuptools writes.
    done = subprocess.run(command, env=environment, umask=0o022, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReleaseError(f"The sdist and the wheel do not build:\n{(done.stdout + done.stderr)[-3000:]}")
    (sdist,), (wheel,) = target.glob("*.tar.gz"), target.glob("*.whl")
    sdist.write_bytes(normalized(sdist.read_bytes(), epoch))
    return sdist, wheel


def normalized(sdist: bytes, epoch: int) -> bytes:
    """Return the sdist without what differs from build to build: setuptools heeds SOURCE_DATE_EPOCH in wheels only."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(sdist)) as old, tarfile.open(fileobj=packed, mode="w") as new:
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            new.addfile(_plain(member, epoch), old.extractfile(member) if member.isfile() else None)
    return gzip.compress(packed.getvalue(), mtime=epoch)


def _plain(member: tarfile.TarInfo, epoch: int) -> tarfile.TarInfo:
    mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    plain = member.replace(mtime=epoch, mode=mode, uid=0, gid=0, uname="", gname="")
    plain.pax_headers = {}  # they repeat the old time, with its fractions
    return plain
