"""What goes to a Pushgateway, and what happens if it does not answer."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from barrelman_sync.deadline import Deadline
from barrelman_sync.metrics.pushgateway import push
from tests.metrics.reading import names, samples
from tests.metrics.reports import report, run
from tests.wire import answers
from tests.wire.conftest import Ending
from tests.wire.fakeapi import Answer, FakeApi

GROUP = "/metrics/job/barrelman-sync/source/prod"
SUCCESS = "/metrics/job/barrelman-sync/outcome/success/source/prod"
PATIENCE = 20


def test_a_success_replaces_both_groups(api: FakeApi) -> None:
    for path in (GROUP, SUCCESS):
        api.rule("PUT", path, answers.plain(200))
    assert push(api.url, run(report()), Deadline(5)) is None
    assert [(request.method, request.path) for request in api.requests] == [("PUT", GROUP), ("PUT", SUCCESS)]
    both = [names(samples(request.body.decode())) for request in api.requests]
    assert both[1] == {"barrelman_last_success_timestamp_seconds"}
    assert not both[0] & both[1]


def test_a_failure_leaves_the_last_success(api: FakeApi) -> None:
    api.rule("PUT", GROUP, answers.plain(200))
    assert push(f"{api.url}/", run(exit_code=1), Deadline(5)) is None
    assert [request.path for request in api.requests] == [GROUP]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # nobody closes the connection of a push that is given up
@pytest.mark.parametrize("fault", [answers.silence, answers.dribble_headers], ids=["silence", "headers without end"])
def test_a_slow_one_costs_no_more_than_its_time(api: FakeApi, fault: Answer) -> None:
    deadline = Ending(45)
    api.rule_for_ever("PUT", GROUP, deadline.after(fault))
    with ThreadPoolExecutor() as pool:
        pushed = pool.submit(push, api.url, run(), deadline)
        try:
            assert (pushed.result(PATIENCE) or "").startswith("no answer: the time for the run ")
        finally:
            api.closing.set()
    for thread in threading.enumerate():
        if thread.name == "background":
            thread.join(PATIENCE)
    gc.collect()


def test_one_that_is_not_there() -> None:
    assert "refused" in (push("http://127.0.0.1:1", run(), Deadline(5)) or "")


def test_one_that_speaks_something_else(api: FakeApi) -> None:
    api.rule_for_ever("PUT", GROUP, answers.plain(500))
    assert push(api.url, run(), Deadline(5)) == "HTTP Error 500: Internal Server Error"
