"""Google's application default credentials: a key file, Workload Identity, federation, or those of gcloud."""

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
"""The environment variable by which gcloud itself takes another address of the API for impersonation."""

_UNUSABLE = (GoogleAuthError, OSError, ValueError, TypeError, KeyError, AttributeError)
"""The errors of google-auth for an unusable file or answer: most are its own GoogleAuthError, but not all."""


class Account:
    """The Google account that we act as. There is no token before the first `renew`. For one thread at a time."""

    def __init__(self, cluster: GkeCluster, http: Http) -> None:
        self._http = http
        self._credentials = _credentials(cluster, http)
        self._impersonate = cluster.impersonate

    @property
    def email(self) -> str | None:
        """The email address of the service account; None if it is not known."""
        return getattr(self._credentials, "service_account_email", None)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that a request to one of Google's APIs needs."""
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
    # Without this variable, google-auth asks one more API for the name of our project, which we do not need.
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
