"""Threads that do jobs in parallel. A job that is slow no longer counts, so that it holds up no other job."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

SLOW_SECONDS = 1.0
"""A job that takes longer is slow: it waits for something, such as a webhook that does not answer."""
MOST_SLOW = 100
"""How many slow jobs there may be beside the others. An API server serves a few hundred requests at a time."""
_POLL_SECONDS = 0.1

Job = Callable[[], None]


class Crew:
    """Does jobs, at most `size` quick ones at a time. Jobs have numbers. Only one thread may use a Crew.

    The threads end with the process, so a job that hangs does not keep the process alive.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._threads = 0
        self._jobs: SimpleQueue[tuple[int, Job] | None] = SimpleQueue()
        self._ended: SimpleQueue[tuple[int, BaseException | None]] = SimpleQueue()
        self._started: dict[int, float] = {}

    @property
    def running(self) -> list[int]:
        """The jobs that have not ended."""
        return list(self._started)

    @property
    def slow(self) -> list[int]:
        """The jobs that have not ended and are slow."""
        slow = time.monotonic() - SLOW_SECONDS
        return [number for number, started in self._started.items() if started <= slow]

    @property
    def quick(self) -> list[int]:
        """The jobs that have not ended and are not slow."""
        slow = time.monotonic() - SLOW_SECONDS
        return [number for number, started in self._started.items() if started > slow]

    @property
    def has_room(self) -> bool:
        """Whether another job may start."""
        return len(self.quick) < self._size and len(self._started) < self._size + MOST_SLOW

    def start(self, number: int, job: Job) -> None:
        """Starts a job."""
        if len(self._started) == self._threads:
            Thread(target=self._work, name=f"write-{self._threads}", daemon=True).start()
            self._threads += 1
        self._started[number] = time.monotonic()
        self._jobs.put((number, job))

    def wait(self) -> int | None:
        """A job that has ended; None if none ends within a moment. Raises what the job raised."""
        try:
            number, error = self._ended.get(timeout=_POLL_SECONDS)
        except Empty:
            return None
        del self._started[number]
        if error:
            raise error
        return number

    def dismiss(self) -> None:
        """Ends each thread after its job."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while found := self._jobs.get():
            number, job = found
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - `wait` raises it
                self._ended.put((number, error))
            else:
                self._ended.put((number, None))
