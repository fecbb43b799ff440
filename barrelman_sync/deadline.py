"""The time that a run has, the request to stop that may come earlier, and the one way to wait for something foreign."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

_POLL_SECONDS = 0.1
"""How soon a wait notices that somebody stopped the run."""
_LONGEST_SECONDS = 1e6
"""Some eleven days. A longer `--timeout` is cut to this: some of Python's waits overflow after 24 days."""
CONNECT_SECONDS = 5.0
"""How long a connection may take, each time that it is tried. An answer may take as long as the run has time."""
IN_FLIGHT_SECONDS = 5.0
"""How long a write that was sent before the end of the run may take after that end.

An API server that loses a client in the middle of a create keeps the node ports of this create allocated for minutes.
"""

T = TypeVar("T")


class TimeOverError(Exception):
    """The run ended before the work was done. The text says what ended the run."""


class Deadline:
    """Is over at a certain moment, or as soon as somebody calls `stop`. All threads of a run share one Deadline.

    It has no lock and no event, because signal handlers call `stop`, and must not wait for the code that they
    interrupted.
    """

    def __init__(self, seconds: float, whole: "Deadline | None" = None) -> None:
        """`whole` is the deadline that this one is a share of, see `share`."""
        self.seconds: float = whole.seconds if whole else seconds
        """The time of the whole run (`--timeout`)."""
        self._end = time.monotonic() + min(seconds, _LONGEST_SECONDS)
        self._why: str | None = None
        self._whole = whole

    @property
    def stopped(self) -> str | None:
        """Why somebody called `stop`; None if nobody did."""
        return self._whole.stopped if self._whole else self._why

    def remaining(self) -> float:
        """Seconds until the end, never negative; 0 once the run is stopped."""
        return 0.0 if self.stopped else max(0.0, self._end - time.monotonic())

    def stop(self, why: str) -> None:
        """Stops the run: writes in flight may finish, nothing new may start. The user will read `why`."""
        self._why = why

    def share(self, part: float) -> "Deadline":
        """A deadline for work that the run can do without: over after this part of the remaining time."""
        return Deadline(self.remaining() * part, self)

    def at_most(self, seconds: float) -> "Deadline":
        """A deadline for work that the run can do without: over after so many seconds, or with the run."""
        return Deadline(min(seconds, self.remaining()), self)

    def over(self) -> str | None:
        """Why nothing new may start; None if something new may start."""
        if self._whole and (why := self._whole.over()):
            return why
        if self.remaining():
            return None
        if why := self.stopped:  # after `remaining`: a signal may stop the run between the two
            return why
        share = "its share of " if self._whole else ""
        return f"{share}the time for the run (--timeout {self.seconds:g}s) is over"

    def sleep(self, seconds: float) -> None:
        """Waits that long, but no longer than until the deadline is over."""
        end = time.monotonic() + seconds
        while not self.over() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_SECONDS))

    def bound(self, work: Callable[[], T], *, at_least: float = 0.0) -> T:
        """Returns or raises what `work` returns or raises. Raises TimeOverError as soon as the deadline is over.

        This is how a run waits for whatever accepts no limit for its total time: name look-ups, answers that come byte
        by byte, commands of kubeconfigs, Google's libraries. The work goes on in a thread of its own, which the end of
        the process ends. `at_least` is the time in seconds that the work gets even if the deadline is over.
        """
        least = time.monotonic() + at_least
        future = in_background(work)
        try:
            while not wait([future], _POLL_SECONDS).done:
                if (why := self.over()) and time.monotonic() >= least:
                    raise TimeOverError(why)
            return future.result()
        finally:
            del future  # it has the error, whose traceback has this frame: together they would stay, with open sockets


def in_background(work: Callable[[], T]) -> Future[T]:
    """Starts `work` in a thread that ends with the process, even if the work does not."""
    future: Future[T] = Future()
    Thread(target=_fill, args=[future, work], name="background", daemon=True).start()
    return future


def _fill(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - `result` raises it in the thread that asks for the result
        future.set_exception(error)
    finally:
        del future  # see Deadline.bound
