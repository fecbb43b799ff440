"""Metrics at a Pushgateway.

A Pushgateway keeps each group of metrics until somebody replaces the group, and adds nothing up. The metrics of a run
are one group. Each run replaces the group as a whole (PUT), so that no metric of an earlier run stays. The time of the
last success is a group of its own, which only a run that succeeds replaces.
"""

import ssl
from collections.abc import Callable, Mapping
from http.client import HTTPException
from urllib.request import HTTPSHandler, Request, build_opener

from prometheus_client import CollectorRegistry, push_to_gateway

from barrelman_sync.deadline import Deadline, TimeOverError
from barrelman_sync.metrics.values import Run, add_last_success, run_metrics
from barrelman_sync.trust import as_go

JOB = "barrelman-sync"
_LEAST_SECONDS = 1.0
_SUCCESS = {"outcome": "success"}


def push(url: str, run: Run, deadline: Deadline) -> str | None:
    """Sends the metrics. Returns the problem if there is one.

    A push may take the time that remains for the run, and at least a second: a run that used up its time is the one
    that its user most wants to know about.
    """
    try:
        deadline.bound(lambda: _push_all(url, run), at_least=_LEAST_SECONDS)
    except TimeOverError as error:
        return f"no answer: {error}"
    except (OSError, HTTPException) as error:
        return str(error)
    return None


def _push_all(url: str, run: Run) -> None:
    _push(url, run_metrics(run), {"source": run.source})
    if run.succeeded:
        success = add_last_success(CollectorRegistry(), run.source, run.ended)
        _push(url, success, {"source": run.source, **_SUCCESS})


def _push(url: str, metrics: CollectorRegistry, group: Mapping[str, str]) -> None:
    push_to_gateway(url, JOB, metrics, dict(group), timeout=None, handler=_sending)  # `push` has the limit


def _sending(
    url: str, method: str, timeout: float | None, headers: list[tuple[str, str]], data: bytes
) -> Callable[[], None]:
    """What prometheus_client's own handler does, which knows no other TLS than that of the Python it runs on."""

    def send() -> None:
        context = as_go(ssl.create_default_context())
        request = Request(url, data, dict(headers), method=method)  # noqa: S310 - the options say which scheme
        with build_opener(HTTPSHandler(context=context)).open(request, timeout=timeout):
            pass

    return send
