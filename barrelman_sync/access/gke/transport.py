"""HTTP for both of Google's libraries, and a limit to the time that they wait.

We use google-auth's transport for `requests`, because this transport honors HTTPS_PROXY; httplib2 silently ignores it.
We use neither an authorized session nor AuthorizedHttp: with these, google-auth asks one more API, in a thread of its
own, for something that we do not need (regional access boundaries).
"""

import socket
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httplib2
from google.auth.exceptions import TransportError
from google.auth.transport import Response
from google.auth.transport.requests import Request

from barrelman_sync.model.errors import causes

SECONDS = 10.0
"""The timeout for each step of a request: the connection, and each piece of the answer."""
_LOOK = 0.1
"""Seconds between two looks at whether the run is over."""

T = TypeVar("T")


class TimeOverError(Exception):
    """The run ended before the work was done. The text says why, and which server was being asked."""


class Http(Request):
    """Sends requests, one at a time; `asked` is the server that was asked last."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = "Google"

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: Any = None,
        headers: Any = None,
        timeout: float | None = None,
        **more: Any,
    ) -> Response:
        """For google-auth. Raises TransportError."""
        self.asked = urlsplit(url).netloc or url
        limit = min(timeout or SECONDS, SECONDS)
        answer: Response = super().__call__(url, method, body, headers, limit, **more)  # type: ignore[no-untyped-call]
        return answer

    def request(
        self, uri: str, method: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[httplib2.Response, bytes]:
        """For googleapiclient. Raises OSError: googleapiclient decides by its type whether to try again."""
        try:
            answer = self(uri, method, body, dict(headers or {}))
        except TransportError as error:
            raise _plain(error) from error
        return httplib2.Response({**answer.headers, "status": str(answer.status)}), answer.data


def cause_of(error: BaseException) -> BaseException:
    """The first cause of an error: the libraries wrap an error several times, each time with a longer text."""
    *_, innermost = causes(error)
    return innermost


def _plain(error: TransportError) -> OSError:
    match cause_of(error):
        case ssl.SSLError() | socket.gaierror() | ValueError() as cause:
            return OSError(str(cause))  # googleapiclient does not try again after a plain OSError
        case TimeoutError():
            return TimeoutError("no answer in time")
        case cause:
            return ConnectionError(str(cause))


def in_time(work: Callable[[], T], over: Callable[[], str | None], http: Http) -> T:
    """Returns or raises what `work` returns or raises. Raises TimeOverError as soon as the run is over.

    Google's libraries wait and retry in many places, and accept no limit for the total time.
    """
    future: Future[T] = Future()

    def fill() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - `result` raises it in the calling thread
            future.set_exception(error)

    Thread(target=fill, daemon=True).start()
    while not wait([future], _LOOK).done:
        if why := over():
            raise TimeOverError(f"no answer from {http.asked}, {why}")
    return future.result()
