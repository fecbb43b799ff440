"""Sends a token with every request. If the server refuses the token, the request is sent again with a new one."""

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import httpx2

from barrelman_sync.model.errors import Advice
from barrelman_sync.redaction import keep_secret


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """How to reach a cluster that is known by its address, with a token."""

    name: str
    server: str
    """The URL of the API server."""
    authority: str | None
    """The certificate authority to trust, PEM in base64; None for the authorities that the system trusts."""
    token: str = field(repr=False)
    renew: Callable[[], str] = field(repr=False)
    """Gives a new token when the server refuses the current token. Raises RunError; called by one thread at a time."""
    advice: Advice
    account: str
    """Whose token it is, in words."""


class RenewingAuth(httpx2.Auth):
    """Sends the token. A refused token is renewed only once, however many threads find that it is refused.

    Without a way to renew it, a refused token stays refused. If renewing it fails, it fails for all threads that wait.
    """

    def __init__(self, token: str, renew: Callable[[], str] | None) -> None:
        keep_secret(token)
        self._token = token
        self._renew = renew
        self._lock = threading.Lock()
        self._tries = 0
        self._failure: Exception | None = None

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """One request, or two if the server refuses the token."""
        token = self._token
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == httpx2.codes.UNAUTHORIZED and self._renew:
            request.headers["Authorization"] = f"Bearer {self._renewed(token, self._renew)}"
            yield request

    def _renewed(self, refused: str, renew: Callable[[], str]) -> str:
        tries = self._tries
        with self._lock:
            if self._token != refused:
                return self._token
            if self._tries != tries and self._failure:
                raise self._failure
            self._tries += 1
            self._failure = None
            try:
                self._token = renew()
                keep_secret(self._token)
            except Exception as error:
                self._failure = error
                raise
            return self._token
