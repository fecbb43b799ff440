"""The last resort: ends the process when a run goes on long after its deadline, whatever hangs or loops in it.

Everything that waits is bounded by the deadline already. This is for what nobody thought of; docs/adr/007-watchdog.md.
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
from barrelman_sync.outcome import ExitCode

GRACE_SECONDS = 5.0
"""Between the deadline and the end of the process: what remains then (the report, the Pushgateway) takes far less."""
_TELLING_SECONDS = 2.0

_log = logging.getLogger(__name__)


class Watchdog:
    """Use as a context manager: if what is inside goes on too long, the process ends with a message and exit code 1.

    Two threads wait for that moment. Ours can say what happened, but needs the interpreter, which an extension in C
    may never let go of. For that there is the thread of `faulthandler`, which needs nothing and is a little later.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._timeout = deadline.seconds
        self._seconds = deadline.remaining() + GRACE_SECONDS
        self._over = threading.Event()

    def __enter__(self) -> Self:
        if sys.__stderr__ is not None:  # it was not closed by whoever started us, so 2 is no other file or socket
            faulthandler.dump_traceback_later(self._seconds + _TELLING_SECONDS + 1, exit=True, file=sys.__stderr__)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stand_down()

    def stand_down(self) -> None:
        """Never ends the process any more."""
        self._over.set()
        faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        if self._over.wait(self._seconds):
            return
        # In a thread of its own: whoever hangs may hold the lock of the log, and nobody may be reading stderr.
        telling = threading.Thread(target=self._tell, name="watchdog's message", daemon=True)
        telling.start()
        telling.join(_TELLING_SECONDS)
        os._exit(ExitCode.FAILED)

    def _tell(self) -> None:
        """The message last: a pod's termination message is the end of its log."""
        _log.critical("Where each thread was:\n%s", "\n".join(_stacks()))
        _log.critical(
            "The run did not end within %g s after its --timeout of %g s, so the process ends now. What was written"
            " stays, and the next run goes on from there. If the run was only slow, give it a longer --timeout; if not,"
            " this is a bug: please report it with the lines above.",
            GRACE_SECONDS,
            self._timeout,
        )


def _stacks() -> Iterator[str]:
    """Where each thread is, innermost call last; not those of the watchdog."""
    threads = {thread.ident: thread.name for thread in threading.enumerate()}
    for identity, frame in sys._current_frames().items():  # noqa: SLF001 - documented, and meant for deadlocks
        name = threads.get(identity, str(identity))
        if not name.startswith("watchdog"):
            yield f"{name}:\n{''.join(traceback.format_stack(frame)).rstrip()}"
