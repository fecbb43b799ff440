"""Google's metadata server, which gives a pod its tokens. In GKE it may start to answer seconds after the pod did."""

import logging
import os
from pathlib import Path

from google.auth import environment_vars
from google.auth._cloud_sdk import get_application_default_credentials_path
from google.auth.exceptions import TransportError

from barrelman_sync.access.gke.problems import no_metadata_server
from barrelman_sync.access.gke.transport import Http, cause_of
from barrelman_sync.deadline import Deadline, TimeOverError

POLL_SECONDS = 1.0
_PING_SECONDS = 3.0
"""How long a server that took the connection may think about a ping; the environment may say another number."""
_SERVER_ERRORS = 500
_ADDRESSES = (
    environment_vars.GCE_METADATA_IP,
    environment_vars.GCE_METADATA_HOST,
    environment_vars.GCE_METADATA_ROOT,
)
"""The environment variables by which Google's libraries take another address of the metadata server."""

_log = logging.getLogger(__name__)


def is_needed() -> bool:
    """Whether we run in a pod whose only Google credentials can be those of the metadata server."""
    return (
        "KUBERNETES_SERVICE_HOST" in os.environ
        and os.environ.get(environment_vars.NO_GCE_CHECK) != "true"
        and not os.environ.get(environment_vars.CREDENTIALS)
        and not Path(get_application_default_credentials_path()).is_file()  # type: ignore[no-untyped-call]
    )


def wait_for_metadata_server(deadline: Deadline) -> bool:
    """Returns True as soon as the metadata server answers, False if the server there is not Google's.

    Raises RunError if there is no answer before the deadline is over. A pod of another cloud meets the metadata server
    of that cloud at the same address.
    """
    address = next((found for name in _ADDRESSES if (found := os.environ.get(name))), "169.254.169.254")
    fault = "no answer"
    waiting = False
    while not (why := deadline.over()):
        try:
            verdict = deadline.bound(lambda: _ping(address, deadline))
        except TimeOverError as error:
            why = str(error)
            break
        if isinstance(verdict, bool):
            return verdict
        fault = verdict
        if not waiting:
            _log.warning("Waiting for Google's metadata server at %s: %s.", address, fault)
            waiting = True
        deadline.sleep(POLL_SECONDS)
    raise no_metadata_server(address, fault, why)


def _ping(address: str, deadline: Deadline) -> bool | str:
    """Whether it is Google's metadata server that answers; in words why not, if that may change."""
    asking = Http(deadline, patient=False)
    try:
        answer = asking(f"http://{address}/", headers={"Metadata-Flavor": "Google"}, timeout=_ping_seconds())
    except TransportError as error:
        return str(cause_of(error)).rstrip(".")
    ours = answer.headers.get("Metadata-Flavor") == "Google"
    if ours and answer.status < 300:  # noqa: PLR2004 - a success
        return True
    return f"it answers {answer.status}" if ours or answer.status >= _SERVER_ERRORS else False


def _ping_seconds() -> float:
    text = os.environ.get(environment_vars.GCE_METADATA_TIMEOUT, "")
    return float(text) if text.isdecimal() else _PING_SECONDS
