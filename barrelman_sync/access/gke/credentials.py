"""Google's application default credentials: a key file, Workload Identity, federation, or those of gcloud."""

import os
from collections.abc import Mapping

import google.auth
from google.auth.compute_engine import Credentials as MetadataCredentials
from google.auth.credentials import DEFAULT_UNIVERSE_DOMAIN, Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.impersonated_credentials import Credentials as ImpersonatedCredentials

from barrelman_sync.access.gke.problems import bad_credentials, no_token, other_universe
from barrelman_sync.access.gke.transport import Http
from barrelman_sync.access.gke.universe import IAM_ENDPOINT, UNIVERSE, override, wanted_universe
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.settings import GkeCluster
from barrelman_sync.redaction import keep_secret

SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",  # GKE's API servers know an account by its address
)

_BEFORE_IT_ASKS = "default"
"""What google-auth gives as the address of an account as long as it has not asked the metadata server."""
_UNUSABLE = (GoogleAuthError, OSError, ValueError, TypeError, KeyError, AttributeError)
"""The errors of google-auth for an unusable file or answer: most are its own GoogleAuthError, but not all."""


class Account:
    """The Google account that we act as. There is no token before the first `renew`. For one thread at a time."""

    def __init__(self, cluster: GkeCluster, http: Http, own: Credentials) -> None:
        """`own` is what the run has; the account is another one if it is to be impersonated. Raises RunError."""
        self._http = http
        self.universe = str(own.universe_domain)
        """The domain of Google's APIs that the account belongs to."""
        self._credentials = _impersonated(own, cluster.impersonate) if cluster.impersonate else own
        self._impersonate = cluster.impersonate

    @property
    def email(self) -> str | None:
        """The email address of the service account; None if it is not known."""
        email = getattr(self._credentials, "service_account_email", None)
        return None if email == _BEFORE_IT_ASKS else email

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
        renewed = _fresh(self._credentials)
        try:
            renewed.refresh(self._http)  # type: ignore[no-untyped-call]
        except _UNUSABLE as error:
            raise no_token(error, self._http.asked, self.email, self._impersonate) from error
        self._credentials = renewed
        keep_secret(self.token)
        return self.token


def own_credentials(cluster: GkeCluster, deadline: Deadline, *, by_metadata_server: bool) -> Credentials:
    """The application default credentials. Raises ConfigurationError if there are none, or none that can be used.

    `by_metadata_server`: it answered, and there are no other credentials.
    """
    # Without this variable, google-auth asks one more API for the name of our project, which we do not need.
    os.environ.setdefault("GOOGLE_CLOUD_PROJECT", cluster.project)
    try:
        if by_metadata_server:
            return _of_universe(MetadataCredentials(scopes=SCOPES))  # type: ignore[no-untyped-call]
        found, _ = google.auth.default(scopes=SCOPES, request=Http(deadline, patient=False))
        return _of_universe(found)
    except _UNUSABLE as error:
        raise bad_credentials(error) from error


def _of_universe(found: Credentials) -> Credentials:
    """The credentials, which know the domain of Google's APIs. Raises ConfigurationError if they are of another one."""
    wanted = wanted_universe()
    if isinstance(found, MetadataCredentials):  # would ask the metadata server, again and with limits of its own
        of_domain: Credentials = found.with_universe_domain(wanted or DEFAULT_UNIVERSE_DOMAIN)
        return of_domain
    own = str(found.universe_domain)
    if wanted and wanted != own:
        raise other_universe(UNIVERSE, wanted, own)
    return found


def _fresh(credentials: Credentials) -> Credentials:
    """The credentials, or new ones that ask the metadata server for its default account again.

    The old ones would ask for the account by its address, and not every metadata server answers that.
    """
    if not isinstance(credentials, MetadataCredentials):
        return credentials
    return MetadataCredentials(scopes=SCOPES, universe_domain=credentials.universe_domain)  # type: ignore[no-untyped-call]


def _impersonated(own: Credentials, email: str) -> Credentials:
    base = override(IAM_ENDPOINT)
    path = f"v1/projects/-/serviceAccounts/{email}:generateAccessToken"
    return ImpersonatedCredentials(  # type: ignore[no-untyped-call]
        source_credentials=own,
        target_principal=email,
        target_scopes=list(SCOPES),
        iam_endpoint_override=f"{base.rstrip('/')}/{path}" if base else None,
    )
