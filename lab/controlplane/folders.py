"""Where a run keeps its data and which ports it uses, so that runs do not disturb each other and leave nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "barrelman-sync-test-"
LOCK = "lock"


@contextmanager
def data_folder() -> Iterator[Path]:
    """Make a private folder, and remove it at the end. Folders of killed runs are removed by the next run."""
    remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / f"{LOCK}-not-held-yet").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            Path(lock.name).rename(folder / LOCK)  # unlocked, it would look abandoned
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove our folders that no living run has locked. The kernel releases the lock of a run that was killed."""
    for lock in _locks():
        with suppress(OSError), lock.open() as handle:  # another run was faster
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def folders_in_use() -> Iterator[Path]:
    """Yield the folders of our runs that go on."""
    for lock in _locks():
        with suppress(OSError), lock.open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield lock.parent


def _locks() -> Iterator[Path]:
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError):  # another run was faster
            if lock.parent.lstat().st_uid == os.getuid():
                yield lock


class ReservedPort:
    """A TCP port that nobody else gets before the server has started, or while the server restarts.

    This object binds the port without listening. A server of the same user can share the port if it binds it with
    SO_REUSEPORT.
    """

    def __init__(self, address: str) -> None:
        """Let the kernel choose a free port on `address`."""
        self._socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind((address, 0))
        self.number: int = self._socket.getsockname()[1]

    def release(self) -> None:
        """Give the port back."""
        self._socket.close()
