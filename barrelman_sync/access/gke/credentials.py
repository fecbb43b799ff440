"""Application default credentials: a key file, Workload Identity, federation, or gcloud's own, in Google's order."""

import os
from collections.abc import Mapping

import google.auth
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.impersonated_credentials import Credentials as ImpersonatedCredentials

from barrelman_sync.access.gke.problems import bad_credentials, no_token
from barrelman_sync.access.gke.transport import Http
from barrelman_sync.model.settings import GkeCluster

SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",  # GKE's API servers know an account by its address
)
IAM_ENDPOINT = "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS"
"""gcloud's own variable for another address of the API that impersonates."""

_UNUSABLE = (GoogleAuthError, OSError, ValueError, TypeError, KeyError, AttributeError)
"""google-auth wraps most of what can go wrong with a file or an answer in its own error, not all."""


class Account:
    """Who we are for Google; has no token before the first `renew`. One thread at a time."""

    def __init__(self, cluster: GkeCluster, http: Http) -> None:
        self._http = http
        self._credentials = _credentials(cluster, http)
        self._impersonate = cluster.impersonate

    @property
    def email(self) -> str | None:
        """The address of the service account, where that is known."""
        return getattr(self._credentials, "service_account_email", None)

    @property
    def headers(self) -> Mapping[str, str]:
        """What a request to one of Google's APIs carries."""
        headers: dict[str, str] = {}
        self._credentials.apply(headers)  # type: ignore[no-untyped-call]
        return headers

    @property
    def token(self) -> str:
        """The token of the last `renew`."""
        return str(self._credentials.token)

    def renew(self) -> str:
        """A new token. Raises RunError."""
        try:
            self._credentials.refresh(self._http)  # type: ignore[no-untyped-call]
        except _UNUSABLE as error:
            raise no_token(error, self._http.asked, self.email, self._impersonate) from error
        return self.token


def _credentials(cluster: GkeCluster, http: Http) -> Credentials:
    # Without it google-auth asks one more API which project we are in, which is of no use here.
    os.environ.setdefault("GOOGLE_CLOUD_PROJECT", cluster.project)
    try:
        own, _ = google.auth.default(scopes=SCOPES, request=http)
        return _impersonated(own, cluster.impersonate) if cluster.impersonate else own
    except _UNUSABLE as error:
        raise bad_credentials(error) from error


def _impersonated(own: Credentials, email: str) -> Credentials:
    base = os.environ.get(IAM_ENDPOINT)
    path = f"v1/projects/-/serviceAccounts/{email}:generateAccessToken"
    return ImpersonatedCredentials(  # type: ignore[no-untyped-call]
        source_credentials=own,
        target_principal=email,
        target_scopes=list(SCOPES),
        iam_endpoint_override=f"{base.rstrip('/')}/{path}" if base else None,
    )
