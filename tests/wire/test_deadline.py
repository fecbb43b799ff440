"""No request outlasts the run, whatever the server does."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.names import Key
from tests.wire import answers
from tests.wire.conftest import Connect, Ending
from tests.wire.fakeapi import Answer, Exchange, FakeApi
from tests.wire.objects import namespace

NODES = "/api/v1/nodes"
SHOP = "/api/v1/namespaces/shop"
PATIENCE = 30


def fails(client: ClusterClient) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        client.list_all(resources.Node, lambda item: item)
    return caught.value


ENDLESS = {"silence": answers.silence, "dribble": answers.dribble, "headers": answers.dribble_headers}


@pytest.mark.parametrize("fault", ENDLESS.values(), ids=ENDLESS)
def test_a_server_that_does_not_end(api: FakeApi, connected: Connect, fault: Answer) -> None:
    deadline = Ending(45)
    api.rule_for_ever("GET", NODES, deadline.after(fault))
    client = connected(api, deadline)
    with ThreadPoolExecutor() as pool:
        ended = pool.submit(fails, client)
        try:
            error = ended.result(PATIENCE)
        finally:
            api.closing.set()
    assert f"no answer from {api.url}: the time for the run (--timeout 45s) is over." in str(error)


def test_a_write_in_flight_may_finish_after_the_end(api: FakeApi, connected: Connect) -> None:
    """A server that loses its client in the middle of a create keeps the node ports for minutes."""
    deadline = Deadline(45)
    api.store.add(namespace("shop"))

    def after_the_end(exchange: Exchange) -> None:
        deadline._end = time.monotonic() - 1
        exchange.serve()

    api.rule("DELETE", SHOP, after_the_end)
    client = connected(api, deadline)
    client.delete(resources.Namespace, Key("", "shop"), {})
    with pytest.raises(ClusterError, match="not tried"):
        client.delete(resources.Namespace, Key("", "shop"), {})
    assert len(api.requests) == 1


def test_no_time_means_no_request(api: FakeApi, connected: Connect) -> None:
    error = fails(connected(api, Deadline(0)))
    assert "not tried: the time for the run (--timeout 0s) is over" in str(error)
    assert api.requests == []


def test_stopped_means_no_request(api: FakeApi, connected: Connect) -> None:
    deadline = Deadline(45)
    client = connected(api, deadline)
    deadline.stop("the run was interrupted (SIGTERM)")
    assert "not tried: the run was interrupted (SIGTERM)." in str(fails(client))
    assert api.requests == []


class Interrupted(Deadline):
    """Is stopped while it waits."""

    def sleep(self, seconds: float) -> None:
        timer = threading.Timer(0.05, self.stop, ["the run was interrupted (SIGTERM)"])
        timer.start()
        super().sleep(seconds)
        timer.join()


def test_a_stop_ends_the_wait_for_the_next_try(api: FakeApi, connected: Connect) -> None:
    api.rule_for_ever("GET", NODES, answers.plain(429, Retry_After="40"))
    assert "the run was interrupted (SIGTERM)" in str(fails(connected(api, Interrupted(45))))
    assert len(api.requests) == 1


def test_a_stop_at_any_moment_is_told_as_a_stop() -> None:
    """A signal may come while the deadline is asked: then the time is not over."""

    class Stopped(Deadline):
        def remaining(self) -> float:
            self.stop("SIGTERM")
            return super().remaining()

    assert Stopped(45).over() == "SIGTERM"
    assert Stopped(45).share(0.5).over() == "SIGTERM"
