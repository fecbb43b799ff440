"""Metrics at a real Pushgateway."""

from __future__ import annotations

import pytest

from barrelman_sync.deadline import Deadline
from barrelman_sync.metrics.pushgateway import push
from barrelman_sync.metrics.values import Run
from tests.metrics.gateway import Gateway
from tests.metrics.reading import names, samples
from tests.metrics.reports import NEW, STARTED, report, run
from tests.values.builders import NODES, World, node

RUN = 'job="barrelman-sync"'


def push_all(gateway: Gateway, *runs: Run) -> None:
    assert [push(gateway.url, found, Deadline(5)) for found in runs] == [None] * len(runs)


def test_a_success(gateway: Gateway) -> None:
    push_all(gateway, run(report()))
    found = gateway.samples
    assert found[f'barrelman_service_update_total{{action="create",instance="",{RUN}}}'] == 1
    assert found[f'barrelman_exit_code{{instance="",{RUN}}}'] == 0


def test_a_failure_keeps_the_last_success(gateway: Gateway) -> None:
    push_all(
        gateway,
        run(report()),
        run(report(), exit_code=3, started=STARTED + 60),
        run(exit_code=1, started=STARTED + 120),
    )
    found = by_name(gateway)
    assert found["barrelman_last_success_timestamp_seconds"] == STARTED + 2
    assert found["barrelman_last_run_timestamp_seconds"] == STARTED + 122


def test_nothing_of_an_earlier_plan_stays(gateway: Gateway) -> None:
    push_all(gateway, run(report()), run(exit_code=1))
    assert not {"barrelman_current_nodes_count", "barrelman_service_update_total"} & names(gateway.samples)


def test_two_remotes_keep_apart(gateway: Gateway) -> None:
    push_all(gateway, run(report()), run(report(World(nodes=(*NODES, node("c", "10.0.0.3")))), source="spare"))
    counts = {name: value for name, value in gateway.samples.items() if "current_nodes" in name}
    assert sorted(counts.values()) == [2, 3]


@pytest.mark.parametrize("source", ["", "a/b", "ä"])
def test_any_source_makes_a_group(gateway: Gateway, source: str) -> None:
    push_all(gateway, run(report(NEW), source=source))
    assert f'source="{source}"' in gateway.text


def test_a_pushgateway_that_refuses(gateway: Gateway) -> None:
    assert push(f"{gateway.url}/elsewhere", run(), Deadline(5)) == "HTTP Error 404: Not Found"


def by_name(gateway: Gateway) -> dict[str, float]:
    """Return the values of one source by their names alone."""
    return {name.split("{")[0]: value for name, value in samples(gateway.text).items()}
