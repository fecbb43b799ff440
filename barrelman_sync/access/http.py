"""From a kubeconfig or service account to a client that never waits longer than the run may."""

import base64
import logging
from dataclasses import replace
from urllib.parse import urlsplit

import httpx2
import msgspec
from lightkube import Client
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User
from lightkube.core.exceptions import ConfigError

from barrelman_sync import __version__
from barrelman_sync.access.exec_credentials import ExecCommand
from barrelman_sync.access.kubeconfig import Access, read_access
from barrelman_sync.access.token import RenewingAuth, TokenAccess
from barrelman_sync.access.transport import transport_for
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.deadline import CONNECT_SECONDS, IN_FLIGHT_SECONDS, Deadline
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.names import FIELD_MANAGER
from barrelman_sync.model.settings import InCluster, Kubeconfig
from barrelman_sync.redaction import keep_key_secret, keep_secret

_RENEWAL_PART = 0.9
"""The part of the remaining time that a command may take to renew a credential."""

_log = logging.getLogger(__name__)


def connect(target: Kubeconfig | InCluster | TokenAccess, side: str, deadline: Deadline) -> ClusterClient:
    """A client for the local or the remote cluster (`side`). Sends no request yet. Raises ConfigurationError."""
    access = _with_credential(read_access(target, side), deadline)
    _keep_secrets(access)
    try:
        client = _client(access)
    except (ConfigError, OSError, ValueError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"{access.where}: {error}") from error
    http = client._client._client  # noqa: SLF001 - lightkube has no other way to its HTTP client
    if access.token:
        http.auth = RenewingAuth(access.token, access.renew)
    elif access.password:
        http.auth = httpx2.BasicAuth(*access.password)
    _bind(http, access, deadline)
    return ClusterClient(client, side, deadline, access.advice)


def _keep_secrets(access: Access) -> None:
    """What no text may show, whoever repeats it. RenewingAuth does the same for tokens."""
    if access.tls.key:
        keep_key_secret(access.tls.key.content)
    if access.password:
        keep_secret(access.password[1], base64.b64encode(":".join(access.password).encode()).decode())
    if access.proxy:
        keep_secret(urlsplit(access.proxy.url).password)


def _with_credential(access: Access, deadline: Deadline) -> Access:
    """The access with what its exec command gives, if it has one."""
    if not access.exec:
        return access
    spec = access.exec
    credential = ExecCommand(access, spec, deadline).run()
    tls = access.tls
    if credential.certificate:
        tls = replace(tls, certificate=credential.certificate, key=credential.key)
    return replace(
        access,
        tls=tls,
        token=credential.token,
        # Less than all the time: a request waits for this, and the user must read why it waited, not that it waited.
        renew=lambda: ExecCommand(access, spec, deadline.share(_RENEWAL_PART)).run().token or credential.token or "",
    )


def _client(access: Access) -> Client:
    """A client of lightkube, by connections of our own: lightkube makes those of a kubeconfig in another way."""
    transport = transport_for(access.tls, access.proxy)
    # `insecure` keeps lightkube from reading authorities for a context that nobody uses.
    cluster = Cluster(server=access.server, insecure=True)
    config = KubeConfig.from_one(context_name=access.name, cluster=cluster, user=User()).get()
    return Client(config=config, field_manager=FIELD_MANAGER, trust_env=False, transport=transport)


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
