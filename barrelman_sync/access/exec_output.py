"""What a command says, and whether somebody is there to read and answer it."""

import os
import re
from typing import IO, TextIO

from barrelman_sync.model.escape import one_line
from barrelman_sync.redaction import redacted

_MOST_BYTES = 1_000_000
_LONGEST = 500
_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""The control sequences that color a text or move the cursor."""


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is at the other end. Python has None for a stream that was closed before it started."""
    try:
        return stream is not None and os.isatty(stream.fileno())
    except (OSError, ValueError):  # closed, or replaced by something that is no file
        return False


def output_of(file: IO[bytes]) -> bytes:
    """The end of what was written to a file so far. The command may go on writing: its place there is not moved."""
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), _MOST_BYTES, max(0, size - _MOST_BYTES))


def folded(said: bytes | str) -> str:
    """The end of what a command said, without secrets, as one line in which every character is visible."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return redacted(one_line(_STYLES.sub("", text).strip()), guess=True)[-_LONGEST:]
