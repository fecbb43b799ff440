"""HTTP for both of Google's libraries. A request that fails is sent again as long as the fault may pass.

We use google-auth's transport for `requests`, because this transport honors HTTPS_PROXY; httplib2 silently ignores it.
We use neither an authorized session nor AuthorizedHttp: with these, google-auth asks one more API, in a thread of its
own, for something that we do not need (regional access boundaries).
"""

import http.client
import logging
import socket
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httplib2
import tenacity
from google.auth.exceptions import TransportError
from google.auth.transport import Response
from google.auth.transport.requests import Request

from barrelman_sync.access.gke.session import new_session
from barrelman_sync.cluster.faults import seconds_asked
from barrelman_sync.deadline import CONNECT_SECONDS, Deadline, TimeOverError
from barrelman_sync.model.errors import causes

_LONGEST_WAIT_SECONDS = 2.0
_GRACE_SECONDS = 1.0
"""So that the deadline ends a wait for an answer, and says why, and not a limit of the same length."""
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_ACCOUNTS = "/computeMetadata/v1/instance/service-accounts/default/"
"""For some seconds, GKE's metadata server answers 404 here, because it does not know a new pod yet."""
METADATA_SERVER = "the metadata server at "
"""How `Http.fault` begins if it is the metadata server that gives no token."""

_log = logging.getLogger(__name__)


class Http(Request):
    """Sends requests, one at a time.

    A patient one sends a request until the fault is gone or the deadline is over, and lets the server think until then,
    whatever limits the libraries ask for. An impatient one tries once, within the limit that it is given.
    """

    def __init__(self, deadline: Deadline, *, patient: bool = True) -> None:
        super().__init__(new_session())
        self.asked = "Google"
        """The server that was asked last."""
        self.fault = ""
        """What was wrong with the last try of the last request, if it was sent again."""
        self._deadline = deadline
        self._patient = patient
        self._retrying = tenacity.Retrying(
            retry=_may_pass,
            wait=_wait,
            stop=self._give_up,
            sleep=deadline.sleep,
            after=self._remember,
            retry_error_callback=_outcome,
        )

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: Any = None,
        headers: Any = None,
        timeout: float | None = None,
        **more: Any,
    ) -> Response:
        """For google-auth. Raises TransportError, and TimeOverError once the deadline is over."""
        self.asked, self.fault = urlsplit(url).netloc or url, ""
        answer: Response = self._retrying(self._once, url, method, body, headers, timeout, **more)
        return answer

    def request(
        self, uri: str, method: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[httplib2.Response, bytes]:
        """For googleapiclient. Raises what `__call__` raises."""
        answer = self(uri, method, body, dict(headers or {}))
        return httplib2.Response({**answer.headers, "status": str(answer.status)}), answer.data

    def _once(self, url: str, method: str, body: Any, headers: Any, timeout: float | None, **more: Any) -> Response:
        if why := self._deadline.over():
            raise TimeOverError(why)
        left = self._deadline.remaining() + _GRACE_SECONDS
        longest = left if self._patient else min(timeout or left, left)
        limits = (min(CONNECT_SECONDS, longest), longest)
        answer: Response = super().__call__(url, method, body, headers, limits, **more)  # type: ignore[no-untyped-call]
        return answer

    def _give_up(self, state: tenacity.RetryCallState) -> bool:
        """Whether this try is the last one, because the server does not want to be asked again in this run."""
        asked_to_wait = _retry_after(state)
        return not self._patient or 0 < self._deadline.remaining() <= asked_to_wait

    def _remember(self, state: tenacity.RetryCallState) -> None:
        try:
            whose = METADATA_SERVER if _ACCOUNTS in state.args[0] else ""
            self.fault = f"{whose}{self.asked} answers {_outcome(state).status}"
        except TransportError as error:
            self.fault = f"no usable answer from {self.asked}: {cause_of(error)}"
        _log.info("Asking Google: %s", self.fault)


def cause_of(error: BaseException) -> BaseException:
    """The first cause of an error: the libraries wrap an error several times, each time with a longer text."""
    *_, innermost = causes(error)
    return innermost


def _may_pass(state: tenacity.RetryCallState) -> bool:
    """Whether the same request may succeed in a moment."""
    try:
        answer = _outcome(state)
    except TransportError as error:
        return _is_passing(cause_of(error))
    too_often = answer.status == HTTPStatus.FORBIDDEN and b"ateLimitExceeded" in answer.data
    not_yet = answer.status == HTTPStatus.NOT_FOUND and _ACCOUNTS in state.args[0]
    return answer.status in _PASSING or too_often or not_yet


def _is_passing(cause: BaseException) -> bool:
    match cause:
        case ssl.SSLCertVerificationError() | ValueError():  # ValueError: not a URL
            return False
        case socket.gaierror():
            return cause.errno in (socket.EAI_AGAIN, socket.EAI_FAIL)
        case ConnectionError() | TimeoutError() | ssl.SSLError() | http.client.HTTPException():
            return True
        case OSError():  # without a number: the answer of a proxy
            return bool(cause.errno) or "failed: 5" in str(cause)
        case _:
            return True


_backoff = tenacity.wait_random_exponential(multiplier=0.25, max=_LONGEST_WAIT_SECONDS)


def _wait(state: tenacity.RetryCallState) -> float:
    """The wait that the server asks for, plus a random time, because the server asks all its clients the same."""
    return _retry_after(state) + _backoff(state)


def _retry_after(state: tenacity.RetryCallState) -> float:
    try:
        return seconds_asked(str(_outcome(state).headers.get("Retry-After", "")))
    except TransportError:
        return 0.0


def _outcome(state: tenacity.RetryCallState) -> Any:
    """The answer to the last try. Raises the error of the last try, if there was no answer."""
    return state.outcome.result() if state.outcome else None
