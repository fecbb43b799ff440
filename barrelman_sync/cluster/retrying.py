"""How often a request is tried: again after each fault that may pass, as long as the run has time."""

import logging
import random
from collections.abc import Callable
from typing import TypeVar

import tenacity

from barrelman_sync.cluster.faults import is_passing, reason_of, retry_after, status_of
from barrelman_sync.deadline import Deadline

WRITE_TRIES = 5
"""How often a write is tried that the server answers; one that reaches no server is tried as long as there is time."""
_FIRST_SECONDS = 0.25
_UNANSWERED_SECONDS = 1.0
_READ_SECONDS = 4.0
"""The longest waits between two tries. An API server that restarts is back within seconds, and a run has many reads."""
_JITTER = 0.25
"""How much a wait is made longer or shorter at random, so that not all clients come back at the same moment."""

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Retries:
    """The tries of one request. `what` names the request in the log; `writes` tells whether the request writes."""

    def __init__(self, deadline: Deadline, what: str, *, writes: bool) -> None:
        self._deadline = deadline
        self._what = what
        self._writes = writes
        self._answered = 0
        self._told: set[str] = set()
        self.fault: Exception | None = None
        """The fault after which the request was last tried again; None if the request was tried once."""

    def run(self, attempt: Callable[[], T]) -> T:
        """Returns what an attempt returns. Raises what the last attempt raises."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_passing),
            wait=self._wait,
            stop=self._give_up,
            sleep=self._deadline.sleep,
            before_sleep=self._remember,
            reraise=True,
        )
        return retrying(attempt)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Twice as long as the last wait, for writes four times as long, and never less than the server asks for.

        The five tries of a write take twenty seconds, so an outage of ten seconds is no failure.
        """
        fault = _fault(state)
        jitter = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - this is no secret
        if status_of(fault) is None:
            wait = min(_FIRST_SECONDS * 2.0 ** min(state.attempt_number, 9), _UNANSWERED_SECONDS)
        elif self._writes:
            wait = _FIRST_SECONDS * 4.0**self._answered
        else:
            wait = min(_FIRST_SECONDS * 2.0 ** min(self._answered, 9), _READ_SECONDS)
        # At most half of the time that is left, so that a long wait does not use up the time for another try.
        own = min(wait * jitter, max(self._deadline.remaining() / 2, _FIRST_SECONDS))
        asked = retry_after(fault)
        return max(own, asked + _FIRST_SECONDS * jitter) if asked else own

    def _give_up(self, state: tenacity.RetryCallState) -> bool:
        """Whether this try is the last one. Asked before a wait: a wait past the deadline would hide the real error."""
        self._answered += status_of(_fault(state)) is not None
        if self._writes and self._answered >= WRITE_TRIES:
            return True
        return bool(self._deadline.stopped) or state.upcoming_sleep >= self._deadline.remaining()

    def _remember(self, state: tenacity.RetryCallState) -> None:
        """Keeps the fault, and logs the fault unless an earlier try of this request had the same one."""
        fault = self.fault = _fault(state)
        if (reason := reason_of(fault)) not in self._told:
            self._told.add(reason)
            _log.warning("%s: %s Trying again in %.1f s.", self._what, reason, state.upcoming_sleep)


def _fault(state: tenacity.RetryCallState) -> Exception:
    """The error of the last try, after which tenacity asks what to do next."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Exception)  # noqa: S101 - tenacity asks nothing after a try that succeeded
    return error
