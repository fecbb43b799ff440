"""Everything that can go wrong between us and Google. Each problem is one message that says what to do."""

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from google.auth.exceptions import GoogleAuthError, TransportError

from barrelman_sync.access.gke.advice import ACT_AS_GOOGLE_ACCOUNT, at, grant
from barrelman_sync.access.gke.endpoint import Endpoint
from barrelman_sync.access.gke.transport import METADATA_SERVER, cause_of
from barrelman_sync.model.errors import ConfigurationError, RunError
from barrelman_sync.model.settings import GkeCluster, RemoteEndpoint
from barrelman_sync.redaction import beginning, redacted

KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_LONGEST_ECHO = 300
_QUERY = re.compile(r"\?[^\s?=]++=\S+")  # the query of a URL: long, and of no use to a reader
_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 400, 401, 403, 404
_ELSEWHERE = (
    f"Elsewhere: set {KEY_FILE} to a key file or federation configuration, or run:"
    " gcloud auth application-default login"
)
_NO_CREDENTIALS = (
    f"No Google credentials found. In a GKE pod: let the pod act as a Google service account ({ACT_AS_GOOGLE_ACCOUNT})."
    f" {_ELSEWHERE}"
)
_NO_METADATA_SERVER = (
    "A GKE pod gets its Google credentials there: check that network policies allow the pod to reach 169.254.169.254:80"
    f" and 169.254.169.252:988, and that the pod's node is healthy. {_ELSEWHERE}"
)
_REACH = "Check that Google's APIs are reachable from here: DNS, egress rules, HTTPS_PROXY, ALL_PROXY and NO_PROXY."
_REFUSALS = ("invalid_", "unauthorized_client", "disabled", "deleted")
"""What the token server says if it refuses an account or a key."""


def bad_credentials(error: Exception) -> ConfigurationError:
    """There are no credentials, or the credentials in a file cannot be used."""
    reason = _said(error, "its content")
    if path := os.environ.get(KEY_FILE):
        return ConfigurationError(f"{KEY_FILE}={path} cannot be used: {reason}")
    if "credentials were not found" in reason:
        return ConfigurationError(_NO_CREDENTIALS)
    message = f"gcloud's application default credentials cannot be used: {reason}"
    return ConfigurationError(f"{message} Make new ones: gcloud auth application-default login")


def no_token(error: Exception, server: str, email: str | None, impersonate: str | None) -> RunError:
    """The credentials exist, but give no token."""
    if isinstance(error, TransportError):
        return no_answer(server, error)
    reason = _said(error, f"the answer of {server}")
    return _failed("getting a token from Google", reason, _token_advice(reason, error, email, impersonate))


def no_answer(server: str, error: Exception) -> RunError:
    """Google could not be reached, or its answer makes no sense."""
    reason = f"no usable answer from {server}: {_capped(_QUERY.sub('', str(cause_of(error)))).rstrip('.')}."
    return _failed("asking Google for the remote cluster", reason, _REACH)


def late(server: str, fault: str, why: str) -> RunError:
    """The run is over before Google has answered. `fault`: what was wrong with the last try, if there were several."""
    over = f"{why[0].upper()}{why[1:]}."
    reason = f"{_capped(fault).rstrip('.')}. {over}" if fault else f"no answer from {server}, {why}."
    advice = f"{_REACH} Or give the run more time: --timeout."
    if fault.startswith(METADATA_SERVER):
        advice = f"Check that the pod may act as a Google service account: {ACT_AS_GOOGLE_ACCOUNT}."
    return _failed("asking Google for the remote cluster", reason, advice)


def no_metadata_server(address: str, fault: str, why: str) -> RunError:
    """We run in a pod without other credentials, and the metadata server did not answer in time."""
    reason = f"no answer from Google's metadata server at {address}, {why} ({_capped(fault)})."
    return _failed("getting Google credentials", reason, _NO_METADATA_SERVER)


def not_a_url(variable: str, value: str) -> ConfigurationError:
    """The environment variable for the address of one of Google's APIs has a wrong value."""
    return ConfigurationError(f"{variable}={value} is not a URL such as https://container.googleapis.com/.")


def bad_universe(variable: str, value: str) -> ConfigurationError:
    """The environment variable for the domain of Google's APIs has a wrong value."""
    return ConfigurationError(f"{variable}={value} is not a domain such as googleapis.com.")


def other_universe(variable: str, wanted: str, own: str) -> ConfigurationError:
    """The credentials are for the APIs of another domain than the environment says."""
    message = f"{variable} is {wanted}, but the Google credentials are for the universe domain {own}"
    return ConfigurationError(f"{message}: remove the variable, or use credentials of {wanted}.")


def no_cluster(status: int, content: bytes, cluster: GkeCluster, email: str | None) -> RunError:
    """The Kubernetes Engine API answered with an error."""
    error = _error_of(content)
    reason = f"the Kubernetes Engine API answered {status}: {_capped(str(error.get('message', 'no message')))}"
    return _failed(f"finding GKE cluster {_title(cluster)}", reason, _api_advice(status, error, cluster, email))


def not_usable(cluster: GkeCluster, found: Mapping[str, Any]) -> RunError:
    """The cluster exists, but its control plane does not run."""
    said = [condition.get("message") or condition.get("code") for condition in found.get("conditions") or ()]
    why = _capped("; ".join(str(text) for text in [*said, found.get("statusMessage")] if text)).rstrip(".")
    reason = f"its status is {found.get('status') or 'unknown'}{': ' if why else ''}{why}."
    advice = f"See: gcloud container clusters describe {at(cluster)}"
    return _failed(f"using GKE cluster {_title(cluster)}", reason, advice)


def no_endpoint(cluster: GkeCluster, offered: Mapping[RemoteEndpoint, Endpoint]) -> RunError:
    """The cluster does not have the endpoint that was asked for, or none at all."""
    wanted = "usable endpoint" if cluster.endpoint is RemoteEndpoint.AUTO else f"{cluster.endpoint} endpoint"
    advice = f"See: gcloud container clusters describe {at(cluster)}"
    if cluster.endpoint is RemoteEndpoint.DNS or not offered:
        advice = f"Enable the DNS endpoint: gcloud container clusters update {at(cluster)} --enable-dns-access"
    else:
        offer = f"The cluster has: {', '.join(offered)}; choose one with --remote-endpoint, or leave the option out."
        advice = f"{offer} {advice}"
    return _failed(f"using GKE cluster {_title(cluster)}", f"it has no {wanted}.", advice)


def _token_advice(reason: str, error: Exception, email: str | None, impersonate: str | None) -> str:
    if impersonate and "impersonated" in reason:
        return _impersonation_advice(error, impersonate)
    if "metadata service" in reason:
        return f"Check that the pod may act as its Google service account: {ACT_AS_GOOGLE_ACCOUNT}."
    if email and not any(refusal in reason for refusal in _REFUSALS):
        return _REACH
    if email:
        return (
            "Check this machine's clock, and that account and key still exist:"
            f" gcloud iam service-accounts keys list --iam-account {email}"
        )
    return "Log in again: gcloud auth application-default login; or check the federation configuration."


def _impersonation_advice(error: Exception, impersonate: str) -> str:
    details = _error_of(str(error.args[1]).encode()) if len(error.args) > 1 else {}
    if _has_reason(details, "SERVICE_DISABLED"):
        return "Enable the API: gcloud services enable iamcredentials.googleapis.com"
    return (
        "Allow the account of this run to impersonate: gcloud iam service-accounts add-iam-policy-binding"
        f" {impersonate} --member serviceAccount:ACCOUNT --role roles/iam.serviceAccountTokenCreator"
    )


def _api_advice(status: int, error: Mapping[str, Any], cluster: GkeCluster, email: str | None) -> str:
    project = cluster.project
    if _has_reason(error, "SERVICE_DISABLED"):
        return f"Enable the API: gcloud services enable container.googleapis.com --project {project}"
    if status == _FORBIDDEN:
        scopes = _has_reason(error, "ACCESS_TOKEN_SCOPE_INSUFFICIENT") or "scopes" in str(error.get("message"))
        return grant(project, email, "roles/container.clusterViewer", lacks_scopes=scopes)
    if status in (_BAD_REQUEST, _NOT_FOUND):
        return (
            "Check --remote-project, --remote-cluster-name and --remote-location (a zone such as europe-west1-b for a"
            f" zonal cluster, else a region): gcloud container clusters list --project {project}"
        )
    if status == _UNAUTHORIZED:
        return "Google rejects its own token: check that the account is not disabled."
    return "The next run tries again; if the error persists, see https://status.cloud.google.com."


def _has_reason(error: Mapping[str, Any], reason: str) -> bool:
    details = error.get("details")
    entries = details if isinstance(details, list) else ()
    return any(isinstance(entry, Mapping) and entry.get("reason") == reason for entry in entries)


def _error_of(content: bytes) -> Mapping[str, Any]:
    """The error in an answer of one of Google's APIs; empty if the answer has another form."""
    try:
        error = json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, Mapping) else {}


def _said(error: Exception, what: str) -> str:
    """What the library says, in one line. An answer that the library hands over is left out: it may hold a token."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    if not isinstance(error, GoogleAuthError):
        return f"{what} is not valid ({type(error).__name__})."
    reason = _capped(_QUERY.sub("", _first(error))).rstrip(".")
    inner = f": {_capped(str(error.__cause__)).rstrip('.')}" if isinstance(error.__cause__, ValueError) else ""
    return f"{reason}{inner}."


def _first(error: Exception) -> str:
    first = error.args[0] if error.args else type(error).__name__
    return _first(first) if isinstance(first, Exception) else str(first)


def _failed(doing: str, reason: str, advice: str) -> RunError:
    return RunError(f"{doing[0].upper()}{doing[1:]} failed: {reason} {advice}")


def _title(cluster: GkeCluster) -> str:
    return f"{cluster.name} in {cluster.location} of project {cluster.project}"


def _capped(text: str) -> str:
    line = redacted(" ".join(beginning(text).split()), guess=True)
    return line if len(line) <= _LONGEST_ECHO else f"{line[:_LONGEST_ECHO]}..."
