"""The last resort: ends the process when a run goes on long after its deadline, whatever hangs or loops in it.

The deadline cannot end every wait and loop: a disk that hangs, for example. See docs/adr/007-watchdog.md.
"""

import faulthandler
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Self

from barrelman_sync.deadline import Deadline
from barrelman_sync.planning.result import ExitCode

GRACE_SECONDS = 7.0
"""From the deadline to the message. What a run does after its deadline takes less: writes in flight, the report, the
Pushgateway."""
FORCE_SECONDS = 2.0
"""From the message to the end of the process, at most."""
_MESSAGE_SECONDS = 1.5
"""How long writing the message may take."""

_log = logging.getLogger(__name__)


class Watchdog:
    """A context manager: if its block runs for too long, the process ends with a message and exit code 1.

    Two threads wait for that moment. Our own thread can say what happened, but needs the interpreter lock, which C code
    may hold forever. For that case, the C thread of `faulthandler`, which needs no lock, fires a little later.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._timeout = deadline.seconds
        self._seconds = deadline.remaining() + GRACE_SECONDS
        self._over = threading.Event()

    def __enter__(self) -> Self:
        faulthandler.dump_traceback_later(self._seconds + FORCE_SECONDS, exit=True, file=_stderr())
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stand_down()

    def stand_down(self) -> None:
        """Switches the watchdog off."""
        self._over.set()
        faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        if self._over.wait(self._seconds):
            return
        try:
            # In one more thread, because this may hang, too: on the log's lock, or on stderr that nobody reads.
            message = threading.Thread(target=self._log_message, name="watchdog's message", daemon=True)
            message.start()
            message.join(_MESSAGE_SECONDS)
        finally:
            os._exit(ExitCode.FAILED)

    def _log_message(self) -> None:
        """Logs the stacks, then the message, which comes last because a pod's termination message is the log's end."""
        _log.critical("Where each thread was:", extra={"lines": [*_stacks()]})
        _log.critical(
            "The run was still going %g s after its --timeout of %g s, so the process ends now. Completed writes stay;"
            " the next run continues from there. Likely causes: a slow machine (give a longer --timeout), a disk that"
            " hangs, output that nobody reads. Anything else is a bug: please report it with the lines above.",
            GRACE_SECONDS,
            self._timeout,
        )


def _stderr() -> int:
    """The file descriptor of stderr, or of /dev/null if stderr is closed: descriptor 2 may be a socket then."""
    return os.open(os.devnull, os.O_WRONLY) if sys.__stderr__ is None else sys.__stderr__.fileno()


def _stacks() -> Iterator[str]:
    """The stack of each thread except the watchdog's, innermost call last."""
    threads = {thread.ident: thread.name for thread in threading.enumerate()}
    for identity, frame in sys._current_frames().items():  # noqa: SLF001 - documented, and meant for deadlocks
        name = threads.get(identity, str(identity))
        if not name.startswith("watchdog"):
            yield f"{name}:\n{''.join(traceback.format_stack(frame)).rstrip()}"
