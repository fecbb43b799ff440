"""Metrics at a Pushgateway.

A Pushgateway keeps each group of metrics until somebody replaces the group, and adds nothing up. The metrics of a run
are one group. Each run replaces the group as a whole (PUT), so that no metric of an earlier run stays. The time of the
last success is a group of its own, which only a run that succeeds replaces.
"""

import threading
from collections.abc import Mapping
from http.client import HTTPException

from prometheus_client import CollectorRegistry, push_to_gateway

from barrelman_sync.metrics.values import Run, add_last_success, run_metrics

JOB = "barrelman-sync"
_SUCCESS = {"outcome": "success"}


def push(url: str, run: Run, seconds: float) -> str | None:
    """Sends the metrics, and takes at most `seconds`, whatever the server does. Returns the problem if there is one."""
    problems = [f"no answer within {seconds:g}s"]

    def work() -> None:
        try:
            _push_all(url, run, seconds)
        except (OSError, HTTPException) as error:
            problems.append(str(error))
        else:
            problems.clear()

    # A thread, because a socket's timeout limits neither a slow DNS lookup nor an answer that comes byte by byte.
    sender = threading.Thread(target=work, name="pushgateway", daemon=True)
    sender.start()
    sender.join(seconds)
    return problems[-1] if problems else None


def _push_all(url: str, run: Run, seconds: float) -> None:
    _push(url, run_metrics(run), {"source": run.source}, seconds)
    if run.succeeded:
        success = add_last_success(CollectorRegistry(), run.source, run.ended)
        _push(url, success, {"source": run.source, **_SUCCESS}, seconds)


def _push(url: str, metrics: CollectorRegistry, group: Mapping[str, str], seconds: float) -> None:
    push_to_gateway(url, JOB, metrics, dict(group), seconds)
