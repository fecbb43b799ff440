"""From a kubeconfig or service account to a client that never waits longer than the run may."""

import logging
import ssl
from collections.abc import Callable
from dataclasses import replace

import httpx2
import msgspec
from lightkube import Client
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from barrelman_sync import __version__
from barrelman_sync.access.exec_credentials import ExecCommand
from barrelman_sync.access.kubeconfig import Access, read_access
from barrelman_sync.access.token import RenewingAuth, TokenAccess
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.deadline import IN_FLIGHT_SECONDS, Deadline
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.names import FIELD_MANAGER
from barrelman_sync.model.settings import InCluster, Kubeconfig

CONNECT_SECONDS = 5.0
"""How long a connection may take, each time that it is tried. An answer may take as long as the run has time."""

_log = logging.getLogger(__name__)


def connect(target: Kubeconfig | InCluster | TokenAccess, side: str, deadline: Deadline) -> ClusterClient:
    """A client for the local or the remote cluster (`side`). Sends no request yet. Raises ConfigurationError."""
    access = read_access(target, side)
    user, renew = _user(access, deadline)
    try:
        client = _client(replace(access, config=access.config._replace(user=user)))
    except (ConfigError, OSError, ssl.SSLError, ValueError, msgspec.MsgspecError) as error:
        message = f"The credentials for the {side} cluster cannot be used: {error}."
        raise ConfigurationError(message) from error
    http = client._client._client  # noqa: SLF001 - lightkube has no other way to its HTTP client
    if renew and user.token:
        http.auth = RenewingAuth(user.token, renew)
    _bind(http, access, deadline)
    return ClusterClient(client, side, deadline, access.advice)


def _user(access: Access, deadline: Deadline) -> tuple[User, Callable[[], str] | None]:
    """The user as whom we connect, and the function that gives a new token; None if there is no such function."""
    if not access.exec:
        return access.config.user or User(), access.renew
    command = ExecCommand(access, access.exec, deadline)
    user = command.run().user
    return user, lambda: command.run().token or user.token or ""


def _client(access: Access) -> Client:
    return Client(
        config=access.config,
        field_manager=FIELD_MANAGER,
        trust_env=access.trust_env,
        proxy=access.proxy,
    )


def _bind(http: httpx2.Client, access: Access, deadline: Deadline) -> None:
    """Makes every request carry the headers that the kubeconfig asks for, and wait no longer than the run may."""
    http.headers["User-Agent"] = f"{FIELD_MANAGER}/{__version__}"
    for name, value in access.headers:
        http.headers = httpx2.Headers([*http.headers.multi_items(), (name, value)])

    def on_request(request: httpx2.Request) -> None:
        # A thread that nobody waits for any more, see Deadline.bound, ends soon after the run has ended.
        left = deadline.remaining() + IN_FLIGHT_SECONDS
        request.extensions["timeout"] = httpx2.Timeout(left, connect=CONNECT_SECONDS).as_dict()
        if access.server_name:
            request.extensions["sni_hostname"] = access.server_name

    def on_response(response: httpx2.Response) -> None:
        _log.debug("%s %s: %s", response.request.method, response.request.url, response.status_code)
        if not response.is_success:
            # lightkube would parse a JSON body before it raises, and lose the HTTP status if the body is not a Status.
            response.headers["Content-Type"] = "text/plain"

    http.event_hooks = {"request": [on_request], "response": [on_response]}
