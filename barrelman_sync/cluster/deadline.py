"""The time that a run has, and the request to stop that may come earlier."""

import time

_POLL_SECONDS = 0.1
"""How soon a wait notices that somebody stopped the run."""
_LONGEST_SECONDS = 1e6
"""Some eleven days. A longer `--timeout` is cut to this: some of Python's waits overflow after 24 days."""


class Deadline:
    """Is over at a certain moment, or as soon as somebody calls `stop`. All threads of a run share one Deadline.

    It has no lock and no event, because signal handlers call `stop`, and must not wait for the code that they
    interrupted.
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
        """Stops the run: requests in flight may finish, nothing new may start. The user will read `why`."""
        self._why = why

    def over(self) -> str | None:
        """Why nothing new may start; None if something new may start."""
        if self._why or self.remaining():
            return self._why
        return f"the time for the run (--timeout {self.seconds:g}s) is over"

    def sleep(self, seconds: float) -> None:
        """Waits that long, but no longer than until the deadline is over."""
        end = time.monotonic() + seconds
        while not self.over() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_SECONDS))
