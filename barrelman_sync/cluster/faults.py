"""What can go wrong with a request to an API server, as one error that tells a user what to do.

lightkube raises ApiError only for a JSON Status; everything else comes as an error of httpx2, msgspec or Python itself
(docs/lightkube.md). This module handles all of them.
"""

import json
import ssl
from typing import Any

import httpx2
import msgspec
from lightkube.core.exceptions import ConfigError

from barrelman_sync.cluster.bounds import TooLargeError
from barrelman_sync.cluster.certificates import advice_on, problem_of
from barrelman_sync.model.errors import Advice, RunError, causes
from barrelman_sync.redaction import beginning, redacted

FAULTS = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    msgspec.MsgspecError,
    ConfigError,
    OSError,
    ValueError,
    KeyError,
    RecursionError,
)
"""What a call through lightkube may raise. ApiError is an httpx2.HTTPError. OSError: a token file cannot be read.

RecursionError: an answer that is nested too deeply.
"""

_LONGEST_ECHO = 600
_RETRIED = frozenset({429, 500, 502, 503, 504})
_LONGEST_RETRY_AFTER = 3600.0
_OF_ADMISSION = frozenset({httpx2.codes.FORBIDDEN, httpx2.codes.UNPROCESSABLE_CONTENT})
"""How a server answers if a quota, a webhook (403) or a ValidatingAdmissionPolicy (422, or what it says) refuses."""

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


class SecondLookError(ClusterError):
    """A write that was refused, where the look whether the write is done all the same failed, too. Tells of both."""

    def __init__(self, refusal: ClusterError, look: ClusterError) -> None:
        RunError.__init__(self, f"{refusal} Then {look}")
        self.status = look.status  # not of the refusal, or the writer would look once more


def no_answer(doing: str, cluster: str, server: str, why: str, hint: str) -> ClusterError:
    """The ClusterError for a request that the end of the run cut off; `why` says what ended the run."""
    return ClusterError(doing, cluster, f"no answer from {server}: {why}.", hint=hint)


def cluster_error(error: Exception, doing: str, cluster: str, advice: Advice, then: str = "") -> ClusterError:
    """The ClusterError for one of FAULTS: with the reason, what happened `then`, and what the user can do."""
    status = status_of(error)
    hint = " ".join(filter(None, (then, _hint(error, status, advice))))
    return ClusterError(doing, cluster, reason_of(error), status=status, hint=hint)


def status_of(error: BaseException) -> int | None:
    """The HTTP status of the answer; None if there was no answer."""
    return error.response.status_code if isinstance(error, httpx2.HTTPStatusError) else None


def is_absent(error: BaseException | None) -> bool:
    """Whether the answer says that there is no such object.

    That of a server that is no API server says nothing about objects, though its status may be 404 as well.
    """
    if not isinstance(error, httpx2.HTTPStatusError) or status_of(error) != httpx2.codes.NOT_FOUND:
        return False
    return _status(error.response).get("kind") == "Status"


def is_unreadable(error: BaseException | None) -> bool:
    """Whether there is an answer that says success and cannot be read, such as half an answer without a length."""
    return isinstance(error, msgspec.MsgspecError | httpx2.DecodingError | ValueError | KeyError)


def is_passing(error: BaseException) -> bool:
    """Whether the fault may pass, so that the same request may succeed in a moment."""
    if isinstance(error, httpx2.HTTPStatusError):
        return error.response.status_code in _RETRIED or _is_quota_conflict(error)
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return False
    return isinstance(error, httpx2.TransportError) and not _certificate_error(error)


def is_port_taken(error: BaseException | None) -> bool:
    """Whether a Service was refused because another one has its node port (kube-apiserver, portallocator)."""
    if not isinstance(error, httpx2.HTTPStatusError) or status_of(error) != httpx2.codes.UNPROCESSABLE_CONTENT:
        return False
    return "provided port is already allocated" in error.response.text


def retry_after(error: BaseException) -> float:
    """The seconds that the server asks us to wait; 0 if the server does not ask."""
    if not isinstance(error, httpx2.HTTPStatusError):
        return 0.0
    return seconds_asked(error.response.headers.get("Retry-After", ""))


def seconds_asked(text: str) -> float:
    """The seconds of a header Retry-After; 0 if it has something else, such as a date, which no API server sends."""
    return min(float(text), _LONGEST_RETRY_AFTER) if text.isdecimal() else 0.0


def reason_of(error: BaseException) -> str:
    """What happened, as one sentence that ends with a period."""
    if isinstance(error, httpx2.HTTPStatusError):
        return f"the server answered {error.response.status_code} {_message(error.response)}"
    if isinstance(error, httpx2.TimeoutException):
        return f"no answer from {_server(error)} in time."
    if isinstance(error, httpx2.LocalProtocolError):
        return "the request cannot be sent: a header is malformed."  # the text of the error would show the token
    if isinstance(error, TooLargeError):
        return _sentence(str(error), "")
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
    if _is_quota_conflict(error) or _lacks_quota_status(error):
        return (
            "Many objects were made at once under a ResourceQuota, whose controller lags behind; the next run goes on."
        )
    if _is_dead_webhook(error):
        return "An admission webhook of the cluster does not answer: repair the webhook that the message names."
    if status in _OF_ADMISSION and _is_admission(error):
        return (
            "Not a permission problem: an admission policy, webhook or quota rejected the object; the message names it."
        )
    if status is not None:
        return {401: advice.refused, 403: advice.forbidden, **_HINTS}.get(status, "")
    if certificate := _certificate_error(error):
        return advice_on(certificate, advice.untrusted)
    if isinstance(error, httpx2.ReadTimeout):
        return "The server took the request: it may be overloaded, or an admission webhook may not answer."
    return advice.unreachable if isinstance(error, httpx2.TransportError) else ""


def _is_terminating(error: Exception) -> bool:
    """Whether the cause of a 403 is NamespaceTerminating (apiserver plugin/namespace/lifecycle): no role helps then."""
    return isinstance(error, httpx2.HTTPStatusError) and b'"NamespaceTerminating"' in error.response.content


def _is_quota_conflict(error: BaseException) -> bool:
    """Whether the quota of the namespace was updated by others at the same moment (apiserver plugin/resourcequota).

    The conflict is about the ResourceQuota, not about the object that was to be written, so another try may succeed.
    """
    if status_of(error) != httpx2.codes.CONFLICT:
        return False
    status = _status(error.response) if isinstance(error, httpx2.HTTPStatusError) else {}
    details = status.get("details")
    named = isinstance(details, dict) and details.get("kind") == "resourcequotas"
    return named or ' on resourcequotas "' in str(status.get("message"))  # not every server gives details


def _lacks_quota_status(error: BaseException) -> bool:
    """Whether a 403 says that the quota of a fresh namespace has not been counted yet (k8s#67761)."""
    return isinstance(error, httpx2.HTTPStatusError) and "status unknown for quota" in error.response.text


def _is_dead_webhook(error: BaseException) -> bool:
    """Whether a webhook with failurePolicy Fail did not answer (apiserver admission/plugin/webhook, dispatcher)."""
    return isinstance(error, httpx2.HTTPStatusError) and "failed calling webhook" in error.response.text


def _is_admission(error: Exception) -> bool:
    """Whether a quota, a webhook or a policy (apiserver pkg/admission) refused, not a missing permission or a field."""
    text = error.response.text if isinstance(error, httpx2.HTTPStatusError) else ""
    return any(
        words in text for words in ("exceeded quota", "admission webhook", "denied request", "denied the request")
    )


def _message(response: httpx2.Response) -> str:
    """The reason and message of a Status; the text of any other answer."""
    body = _status(response)
    if isinstance(body.get("message"), str):
        return _sentence(body.get("reason") or response.reason_phrase, body["message"])
    return _sentence(response.reason_phrase, " ".join(beginning(response.text).split()))


def _status(response: httpx2.Response) -> dict[str, Any]:
    """The Status in the body of the answer; empty if the body is something else."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


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
    text = redacted(beginning(text))
    return text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}..."
