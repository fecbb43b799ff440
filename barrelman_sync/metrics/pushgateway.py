"""Metrics at a Pushgateway.

It never forgets and adds nothing up. The run's metrics are one group, replaced as a whole by each run (PUT), so that
nothing of an earlier run stays in it. The last success is a group of its own, which only a run that succeeds replaces.
"""

import threading
from collections.abc import Mapping
from http.client import HTTPException

from prometheus_client import CollectorRegistry, push_to_gateway

from barrelman_sync.metrics.values import Run, add_last_success, run_metrics

JOB = "barrelman-sync"
_SUCCESS = {"outcome": "success"}


def push(url: str, run: Run, seconds: float) -> str | None:
    """Sends the metrics, in at most that many seconds whatever the other side does; the problem, if there is one."""
    problems = [f"no answer within {seconds:g}s"]

    def work() -> None:
        try:
            _push_all(url, run, seconds)
        except (OSError, HTTPException) as error:
            problems.append(str(error))
        else:
            problems.clear()

    # A thread, because neither a slow resolver nor a trickle of bytes is bounded by a socket's timeout.
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
