"""Asks the Kubernetes Engine API for the description of a cluster."""

import logging
from collections.abc import Mapping
from typing import Any

from google.auth.credentials import DEFAULT_UNIVERSE_DOMAIN
from google.auth.exceptions import GoogleAuthError
from googleapiclient.discovery import build
from googleapiclient.errors import Error, HttpError

from barrelman_sync.access.environment import CONTAINER_API
from barrelman_sync.access.gke.credentials import Account
from barrelman_sync.access.gke.problems import no_answer, no_cluster
from barrelman_sync.access.gke.transport import Http
from barrelman_sync.access.gke.universe import override
from barrelman_sync.model.errors import RunError
from barrelman_sync.model.settings import GkeCluster

_UNAUTHORIZED = 401
_FIELDS = (  # not all fields, because those of some clusters include a password and a client key
    "status,statusMessage,conditions,endpoint,masterAuth/clusterCaCertificate,"
    "privateClusterConfig,controlPlaneEndpointsConfig"
)

_log = logging.getLogger(__name__)


def describe(cluster: GkeCluster, account: Account, http: Http) -> Mapping[str, Any]:
    """The description of the cluster by the API. Raises RunError."""
    try:
        found = _request(cluster, account, http).execute(num_retries=0)  # `Http` itself tries again, until the deadline
    except HttpError as error:
        raise no_cluster(error.status_code, error.content, cluster, account.email) from error
    except (GoogleAuthError, OSError, ValueError, Error) as error:
        raise no_answer(http.asked, error) from error
    if not isinstance(found, Mapping):
        raise RunError(f"Finding the remote cluster failed: the answer of {http.asked} describes no cluster.")
    return found


def _request(cluster: GkeCluster, account: Account, http: Http) -> Any:
    # googleapiclient itself refuses all universes but Google's own, unless the HTTP client says whose it is.
    endpoint = override(CONTAINER_API) or f"https://container.{account.universe}/"
    service = build(
        "container",
        "v1",
        http=_AuthorizedHttp(account, http),
        client_options={"api_endpoint": endpoint, "universe_domain": DEFAULT_UNIVERSE_DOMAIN},
        static_discovery=True,
        cache_discovery=False,
    )
    name = f"projects/{cluster.project}/locations/{cluster.location}/clusters/{cluster.name}"
    return service.projects().locations().clusters().get(name=name, fields=_FIELDS)


class _AuthorizedHttp:
    """Sends requests with our token. If the token is refused, sends the request again with a new token."""

    def __init__(self, account: Account, http: Http) -> None:
        self._account = account
        self._http = http

    def request(self, uri: str, method: str, body: Any, headers: Mapping[str, str]) -> tuple[Any, bytes]:
        response, content = self._http.request(uri, method, body, {**headers, **self._account.headers})
        _log.debug("%s %s: %s", method, uri, response.status)
        if response.status == _UNAUTHORIZED:
            self._account.renew()
            response, content = self._http.request(uri, method, body, {**headers, **self._account.headers})
        return response, content
