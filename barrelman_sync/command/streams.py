"""stdout and stderr that never fail a run, and show no secret: what they cannot take is lost, and the run goes on.

The modules that print need not think of this, nor do libraries: `secure` puts these streams in place of Python's own.
"""

import io
import os
import sys
from contextlib import suppress
from typing import Any, NamedTuple

from barrelman_sync.redaction import Clean, redacted


class Loss(NamedTuple):
    """Why output was lost, in words that begin a sentence, and whether that makes the command fail."""

    why: str
    fails: bool


_CLOSED = Loss("stdout is closed", fails=False)
"""No failure: a shell closes stdout only because somebody wrote `>&-`, and wants no output."""
_LEFT = Loss("The reader of stdout left", fails=False)
"""No failure: `| head -1` wants no more output."""


class Unfailing:
    """A text stream whose writes raise no OSError. The first one is kept in `loss`, and all output after it is lost.

    It has no `buffer`: click would write to that directly, past this class.
    """

    def __init__(self, stream: Any, loss: Loss | None = None) -> None:
        self._stream = stream
        self.loss = loss
        self.written = False

    def write(self, text: str) -> int:
        """Writes the text without its secrets, or loses it."""
        self.written = True
        try:
            self._stream.write(text if isinstance(text, Clean) else redacted(text))
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Hands over what was written, or loses it. Python calls this at its end, too."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._stream, name)

    def _lose(self, error: OSError) -> None:
        """Keeps the error, and lets the descriptor lead nowhere.

        What could not be written is still in the stream's buffer. At its end, Python would try again, print the error
        and exit with code 120.
        """
        left = isinstance(error, ConnectionError)
        self.loss = self.loss or (_LEFT if left else Loss(f"stdout cannot be written ({error.strerror})", fails=True))
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            self._stream.flush()


def secure() -> None:
    """Makes the streams of this process unfailing. Call this before anything else opens a file or a socket."""
    _open_descriptors()
    for number in (1, 2):
        with suppress(OSError):
            os.set_blocking(number, True)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - a descriptor, open to the end
    sys.stdout = _secured(sys.stdout, 1)
    sys.stderr = _secured(sys.stderr, 2)


def output_loss() -> Loss | None:
    """Why output on stdout was lost; None if none was."""
    return sys.stdout.loss if isinstance(sys.stdout, Unfailing) and sys.stdout.written else None


def has_printed() -> bool:
    """Whether anything was written to stdout, even if it was lost."""
    return isinstance(sys.stdout, Unfailing) and sys.stdout.written


def _open_descriptors() -> None:
    """Opens closed ones of the three. Otherwise a socket would get the number, and output would go to an API server."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            lowest = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            os.set_inheritable(lowest, True)  # noqa: FBT003 - takes no keyword


def _secured(stream: Any, number: int) -> Any:
    """The stream, unfailing. Python has None for a stream whose descriptor was closed."""
    if stream is None:
        return Unfailing(open(number, "w", encoding="utf-8", closefd=False), _CLOSED)
    if isinstance(stream, io.TextIOWrapper):
        if isinstance(stream.buffer, io.RawIOBase):
            # PYTHONUNBUFFERED is set, as in our image. Then, Python writes once and forgets what the write left over: a
            # disk that fills up, or a reader that leaves, would go unnoticed.
            stream = open(number, "w", 1, encoding=stream.encoding, closefd=False)  # noqa: SIM115 - open to the end
        stream.reconfigure(errors="backslashreplace")  # no character fails, whatever the locale says
    return Unfailing(stream)
