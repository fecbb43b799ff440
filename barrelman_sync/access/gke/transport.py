"""HTTP as both of Google's libraries want it, and an end to all their waiting.

By google-auth's transport for requests: it honours HTTPS_PROXY, which httplib2 alone silently does not. And not by an
authorized session or AuthorizedHttp: with those google-auth asks one more API, in a thread of its own, for something
that we have no use for (regional access boundaries).
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
"""For each step of a request: the connection, and each piece of the answer."""
_LOOK = 0.1
"""Seconds between two looks at whether the run is over."""

T = TypeVar("T")


class TimeOverError(Exception):
    """The run ended first; the text says why, and who was being asked."""


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
        """For googleapiclient. Raises OSErrors, which it knows when to try again after."""
        try:
            answer = self(uri, method, body, dict(headers or {}))
        except TransportError as error:
            raise _plain(error) from error
        return httplib2.Response({**answer.headers, "status": str(answer.status)}), answer.data


def cause_of(error: BaseException) -> BaseException:
    """What it all began with: the libraries wrap an error several times, with ever longer texts."""
    *_, innermost = causes(error)
    return innermost


def _plain(error: TransportError) -> OSError:
    match cause_of(error):
        case ssl.SSLError() | socket.gaierror() | ValueError() as cause:
            return OSError(str(cause))  # which is not tried again
        case TimeoutError():
            return TimeoutError("no answer in time")
        case cause:
            return ConnectionError(str(cause))


def in_time(work: Callable[[], T], over: Callable[[], str | None], http: Http) -> T:
    """What `work` returns or raises, or TimeOverError as soon as the run is over.

    Google's libraries try again and pause in many places, and take no limit for it all.
    """
    future: Future[T] = Future()

    def fill() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed on to the caller
            future.set_exception(error)

    Thread(target=fill, daemon=True).start()
    while not wait([future], _LOOK).done:
        if why := over():
            raise TimeOverError(f"no answer from {http.asked}, {why}")
    return future.result()
