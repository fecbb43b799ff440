"""What can go wrong with a request to an API server, as one error that tells a user what to do.

lightkube raises ApiError only for a JSON Status; everything else comes as an error of httpx2, msgspec or Python itself
(docs/lightkube.md). This module handles all of them.
"""

import json
import ssl

import httpx2
import msgspec
from lightkube.core.exceptions import ConfigError

from barrelman_sync.cluster.certificates import advice_on, problem_of
from barrelman_sync.model.errors import Advice, RunError, causes

FAULTS = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    msgspec.MsgspecError,
    ConfigError,
    OSError,
    ValueError,
    KeyError,
)
"""What a call through lightkube may raise. ApiError is an httpx2.HTTPError. OSError: a token file cannot be read."""

_LONGEST_ECHO = 600
_RETRIED = frozenset({429, 502, 503, 504})
_LONGEST_RETRY_AFTER = 3600.0

_HINTS = {
    404: "Check that the server is a Kubernetes API server and that the namespace exists.",
    409: "The object changed after it was read; the next run plans again.",
    422: "The server rejected the object as invalid; the message names the field.",
    429: "The server is overloaded; the next run tries again.",
}


class ClusterError(RunError):
    """A request that failed. The text says what was tried, in which cluster, what happened, and what to do next."""

    def __init__(self, doing: str, cluster: str, reason: str, *, status: int | None = None, hint: str = "") -> None:
        super().__init__(f"{doing} in the {cluster} failed: {reason}{' ' if hint else ''}{hint}")
        self.status = status


class NotTriedError(ClusterError):
    """A request that was not sent, because the run had to end; `why` says what ended the run."""

    def __init__(self, doing: str, cluster: str, why: str) -> None:
        super().__init__(doing, cluster, f"not tried: {why}.")
        self.why = why


def cluster_error(error: Exception, doing: str, cluster: str, advice: Advice) -> ClusterError:
    """The ClusterError for one of FAULTS: with the reason, and what the user can do."""
    status = status_of(error)
    return ClusterError(doing, cluster, reason_of(error), status=status, hint=_hint(error, status, advice))


def status_of(error: BaseException) -> int | None:
    """The HTTP status of the answer; None if there was no answer."""
    return error.response.status_code if isinstance(error, httpx2.HTTPStatusError) else None


def is_passing(error: BaseException) -> bool:
    """Whether the fault may pass, so that the same request may succeed in a moment."""
    if isinstance(error, httpx2.HTTPStatusError):
        code = error.response.status_code
        # A 500 with Retry-After is Kubernetes' ServerTimeout (apimachinery api/errors, NewServerTimeout).
        return code in _RETRIED or (
            code == httpx2.codes.INTERNAL_SERVER_ERROR and "Retry-After" in error.response.headers
        )
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return False
    return isinstance(error, httpx2.TransportError) and not _certificate_error(error)


def retry_after(error: BaseException) -> float:
    """The seconds that the server asks us to wait; 0 if the server does not ask."""
    if not isinstance(error, httpx2.HTTPStatusError):
        return 0.0
    text = error.response.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_RETRY_AFTER) if text.isdigit() else 0.0


def reason_of(error: BaseException) -> str:
    """What happened, as one sentence that ends with a period."""
    if isinstance(error, httpx2.HTTPStatusError):
        return f"the server answered {error.response.status_code} {_message(error.response)}"
    if isinstance(error, httpx2.TimeoutException):
        return f"no answer from {_server(error)} in time."
    if isinstance(error, httpx2.LocalProtocolError):
        return "the request cannot be sent: a header is malformed."  # the text of the error would show the token
    if isinstance(error, ConfigError | OSError):
        return _sentence("the credentials cannot be read", error)
    if isinstance(error, httpx2.TransportError):
        if certificate := _certificate_error(error):
            return _sentence(f"the certificate of {_server(error)} is not trusted", problem_of(certificate))
        return _sentence(f"no connection to {_server(error)}", error)
    return _sentence("the answer is not a Kubernetes API response", error)


def _hint(error: Exception, status: int | None, advice: Advice) -> str:
    if _is_terminating(error):
        return "The namespace is being deleted; later runs leave the namespace until it is gone."
    if status == httpx2.codes.FORBIDDEN and _is_admission(error):
        return (
            "Not a permission problem: an admission policy, webhook or quota rejected the object; the message names it."
        )
    if status is not None:
        return {401: advice.refused, 403: advice.forbidden, **_HINTS}.get(status, "")
    if certificate := _certificate_error(error):
        return advice_on(certificate, advice.untrusted)
    return advice.unreachable if isinstance(error, httpx2.TransportError) else ""


def _is_terminating(error: Exception) -> bool:
    """Whether the cause of a 403 is NamespaceTerminating (apiserver plugin/namespace/lifecycle): no role helps then."""
    return isinstance(error, httpx2.HTTPStatusError) and b'"NamespaceTerminating"' in error.response.content


def _is_admission(error: Exception) -> bool:
    """Whether a quota, a webhook or a policy (apiserver pkg/admission) caused a 403, not a missing permission."""
    text = error.response.text if isinstance(error, httpx2.HTTPStatusError) else ""
    return any(
        words in text for words in ("exceeded quota", "admission webhook", "denied request", "denied the request")
    )


def _message(response: httpx2.Response) -> str:
    """The reason and message of a Status; the text of any other answer."""
    try:
        body = json.loads(response.content)
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return _sentence(body.get("reason") or response.reason_phrase, body["message"])
    return _sentence(response.reason_phrase, " ".join(response.text.split()))


def _sentence(what: str, detail: object) -> str:
    """`what: detail.` as one sentence with one period at the end; `what.` if there is no detail."""
    text = str(detail).strip().rstrip(".")
    return _capped(f"{what}: {text}." if text else f"{what}.")


def _server(error: httpx2.RequestError) -> str:
    try:
        url = error.request.url
    except RuntimeError:  # the request was never built
        return "the server"
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    return next((cause for cause in causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)


def _capped(text: str) -> str:
    """The text, cut after a few lines, because some servers repeat the whole request."""
    return text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}..."
