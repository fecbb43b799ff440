"""Files without a name, and the text of a file that a kubeconfig names."""

import os
import sys
import tempfile
from pathlib import Path
from typing import IO

from barrelman_sync.model.escape import one_line


def nameless_file() -> IO[bytes]:
    """An empty file that nobody else can open by name, and that is gone once it is closed.

    On Linux it is in memory only: no key reaches a disk, and a read-only system without /tmp is enough.
    """
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("barrelman-sync"), "w+b")
    return tempfile.TemporaryFile()  # type: ignore[unreachable, unused-ignore]


def path_of(file: IO[bytes]) -> str:
    """The path by which this process can open a file without a name."""
    return f"/dev/fd/{file.fileno()}"


def read_file(what: str, path: Path) -> bytes:
    """The content of a file. Raises ValueError that says `what` the file is for."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        message = f"{what} {one_line(str(path))} not found"
        raise ValueError(message) from error
    except OSError as error:
        message = f"{what} {one_line(str(path))} cannot be read: {error.strerror}"
        raise ValueError(message) from error
    except ValueError as error:  # a NUL in the middle
        message = f"{what} is not a path"
        raise ValueError(message) from error
