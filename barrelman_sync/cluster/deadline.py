"""The time that a run has, and the word to stop that may come earlier."""

import time

_LOOK_UP_SECONDS = 0.1
_LONGEST_SECONDS = 1e6
"""Some eleven days. A longer `--timeout` is cut to this: some of Python's waits overflow after 24 days."""


class Deadline:
    """Ends at a moment, or when somebody calls `stop`. Shared by all threads of a run.

    No lock and no event: `stop` is called from signal handlers, which must not wait for what they interrupted.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + min(seconds, _LONGEST_SECONDS)
        self._why: str | None = None

    @property
    def stopped(self) -> str | None:
        """Why somebody called `stop`; None if nobody did."""
        return self._why

    def remaining(self) -> float:
        """Seconds until the end, never negative."""
        return max(0.0, self._end - time.monotonic())

    def stop(self, why: str) -> None:
        """Lets requests in flight finish, and nothing new start."""
        self._why = why

    def over(self) -> str | None:
        """Why nothing new may start; None as long as it may."""
        if self._why or self.remaining():
            return self._why
        return f"the time for the run (--timeout {self.seconds:g}s) is over"

    def sleep(self, seconds: float) -> None:
        """Waits, at most to the end, or until somebody stops the run."""
        end = time.monotonic() + seconds
        while not self.over() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_UP_SECONDS))
