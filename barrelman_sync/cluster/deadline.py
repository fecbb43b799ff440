"""The time that a run has, and the word to stop that may come earlier."""

import threading
import time


class Deadline:
    """Ends at a moment, or when somebody calls `stop`. Shared by all threads of a run."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._stopped = threading.Event()
        self._why = ""

    @property
    def stopped(self) -> str | None:
        """Why somebody called `stop`; None if nobody did."""
        return self._why if self._stopped.is_set() else None

    def remaining(self) -> float:
        """Seconds until the end, never negative."""
        return max(0.0, self._end - time.monotonic())

    def stop(self, why: str) -> None:
        """Lets requests in flight finish, and nothing new start."""
        self._why = why
        self._stopped.set()

    def over(self) -> str | None:
        """Why nothing new may start; None as long as it may."""
        if self._stopped.is_set():
            return self._why
        return None if self.remaining() else f"the time for the run (--timeout {self.seconds:g}s) is over"

    def sleep(self, seconds: float) -> None:
        """Waits, at most to the end, or until somebody stops the run."""
        self._stopped.wait(min(seconds, self.remaining()))
