"""A token that is sent with every request, and once more as a new one where the server refuses it."""

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import httpx2

from barrelman_sync.model.errors import Advice


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """A cluster by its address and a token."""

    name: str
    server: str
    """The URL."""
    authority: str | None
    """The certificates to trust, PEM in base64; None for those that the system trusts."""
    token: str = field(repr=False)
    renew: Callable[[], str] = field(repr=False)
    """Gives a new token, for one that is refused. Raises RunError; called by one thread at a time."""
    advice: Advice


class RenewingAuth(httpx2.Auth):
    """Each refused token is renewed once, however many threads see that it is refused."""

    def __init__(self, token: str, renew: Callable[[], str]) -> None:
        self._token = token
        self._renew = renew
        self._lock = threading.Lock()

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """One request, or two if the token was refused."""
        token = self._token
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {self._renewed(token)}"
            yield request

    def _renewed(self, refused: str) -> str:
        with self._lock:
            if self._token == refused:
                self._token = self._renew()
            return self._token
