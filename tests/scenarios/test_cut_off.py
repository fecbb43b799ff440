"""Creates that are in flight when the run ends: a server whose client leaves keeps their node ports for minutes.

The server allocates a node port first and asks validating webhooks later, so a webhook that hangs holds the create up
at the worst moment.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from lab.controlplane import ControlPlane, wait_until
from tests.scenarios.command import Run, Sync
from tests.scenarios.proxy import Proxy
from tests.scenarios.test_webhooks import DeadWebhook
from tests.scenarios.views import is_there, mirror_of, node_port, node_ports

pytestmark = pytest.mark.usefixtures("nodes")
TIMEOUT = 8
"""Enough for a busy machine to come to the create in time."""


@contextmanager
def slow(local: ControlPlane) -> Iterator[DeadWebhook]:
    """Hold up each write in foo for two seconds, then let it pass."""
    with closing(DeadWebhook(local)) as found:
        found.guard("foo", "Ignore")
        yield found


def is_done_and_told(run: Run, local: ControlPlane, why: str) -> None:
    assert run.exit_code == 1, run
    assert run.writes == ["patch services foo/bar 201"]
    assert node_ports(mirror_of(local, "foo", "bar")) == [30080]
    assert is_there(local, "foo", "bar") == (True, False)
    assert why in run.line("! Endpoints", "foo/bar", "not tried")
    assert "failed: 1 created" in run.stdout.splitlines()[-1]
    assert "Traceback" not in run.stderr


def test_at_the_end_of_the_time(sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy) -> None:
    remote.add(node_port("foo", "bar", 30080))
    with slow(local):
        begun: list[float] = []  # when the run asked first: how long its process took to start is not in its time
        local_proxy.before("GET", "/", lambda: begun.append(time.monotonic()))
        local_proxy.before("PATCH", "/services/bar", lambda: _sleep_until(begun[0] + TIMEOUT - 1))
        run = sync("--nodeportsvc", "--timeout", f"{TIMEOUT}s", *local_proxy.options)
    is_done_and_told(run, local, f"--timeout {TIMEOUT}s")
    sync.converges("--nodeportsvc")
    assert node_ports(mirror_of(local, "foo", "bar")) == [30080]


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def test_at_a_signal(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    with slow(local) as webhook:
        asked = webhook.asked
        running = sync.start("--nodeportsvc")
        wait_until(lambda: webhook.asked > asked, "the API server to ask the webhook about the create")
        os.kill(running.pid, signal.SIGTERM)
        run = running.finish()
    is_done_and_told(run, local, "the run was interrupted (SIGTERM)")
    sync.converges("--nodeportsvc")
    assert node_ports(mirror_of(local, "foo", "bar")) == [30080]
