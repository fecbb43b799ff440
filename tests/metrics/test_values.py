"""What the metrics say of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from barrelman_sync import __version__
from barrelman_sync.metrics.values import LAST_SUCCESS, OF_REPORTS, OF_RUNS, add_last_success, run_metrics
from barrelman_sync.model.names import Key
from barrelman_sync.planning.result import Outcome, Result
from barrelman_sync.planning.steps import Delete
from tests.metrics.reading import above_zero, exposed, names
from tests.metrics.reports import NEW, report, run
from tests.values.builders import (
    FROM,
    MIRROR_LABELS,
    NODES,
    SCOPE,
    World,
    cases,
    endpoints,
    local,
    manual,
    mirror,
    node,
    remote,
    service,
)

METRICS = {LAST_SUCCESS} | {metric.name for metric in OF_RUNS} | {metric.name for metric in OF_REPORTS}
KEEPS_NAMESPACES = replace(SCOPE, create_namespaces=False)


def of(world: World) -> dict[str, float]:
    return exposed(run_metrics(run(report(world))))


def test_the_names_of_the_original_are_exposed_as_they_were() -> None:
    assert names(of(NEW)) >= {
        "barrelman_current_nodes_count",
        "barrelman_endpoint_update_total",
        "barrelman_endpoint_update_error_total",
        "barrelman_service_update_total",
        "barrelman_service_update_error_total",
    }


def test_a_new_mirror() -> None:
    found = of(NEW)
    assert above_zero(found, "barrelman_service_update_total") == {'barrelman_service_update_total{action="create"}': 1}
    assert found["barrelman_endpoint_update_total"] == 1
    assert found["barrelman_current_nodes_count"] == len(NODES)
    assert (found["barrelman_endpoint_update_error_total"], found["barrelman_steps_held_back"]) == (0, 0)


@pytest.mark.parametrize("result", [Result.FAILED, Result.NOT_TRIED])
def test_what_was_not_done_is_an_error(result: Result) -> None:
    found = exposed(run_metrics(run(report(result=result), exit_code=1)))
    assert found['barrelman_service_update_error_total{action="create"}'] == 1
    assert found["barrelman_endpoint_update_error_total"] == 1
    assert (found["barrelman_endpoint_update_total"], found["barrelman_exit_code"]) == (0, 1)


@cases("result, done", {"that is done": (Result.DONE, 1), "that fails": (Result.FAILED, 0)})
def test_a_fallback_is_a_write_of_endpoints(result: Result, done: int) -> None:
    """The planned write is one that was not done, either way."""
    deleted, planned = World(services=(), nodes=NODES[:1]).plan().writes
    assert isinstance(deleted, Delete)
    fallback = tuple(Outcome(step, result) for step in deleted.fallback)
    outcomes = Outcome(deleted, Result.FAILED, fallback=fallback), Outcome(planned, Result.NOT_TRIED)
    found = exposed(run_metrics(run(replace(report(), outcomes=outcomes), exit_code=1)))
    assert found["barrelman_endpoint_update_total"] == done
    assert found["barrelman_endpoint_update_error_total"] == 1


def test_what_is_as_it_should_be_counts_no_update() -> None:
    found = of(World())
    assert not above_zero(found, "barrelman_service_update_total")
    assert found["barrelman_managed_services"] == 1


def test_every_value_of_a_label_is_there_from_the_start() -> None:
    assert {sample for sample in of(World()) if sample.startswith("barrelman_service_update_total")} == {
        f'barrelman_service_update_total{{action="{action}"}}'
        for action in ("create", "update", "delete", "release", "mark")
    }


def test_nodes_by_reason() -> None:
    found = of(World(nodes=(*NODES, node("c", ready="False"), node("d", deleting=True))))
    assert above_zero(found, "barrelman_nodes_excluded") == {
        'barrelman_nodes_excluded{reason="deleting"}': 1,
        'barrelman_nodes_excluded{reason="not_ready"}': 1,
    }


def test_panic_mode() -> None:
    lost = tuple(replace(found, ready="Unknown") for found in NODES)
    assert of(World(nodes=lost))["barrelman_panic_mode"] == 1
    assert of(World())["barrelman_panic_mode"] == 0


def test_held_back() -> None:
    world = World(services=())
    found = exposed(run_metrics(run(report(world, plan=world.guarded(0)), exit_code=3)))
    assert found["barrelman_steps_held_back"] == 2  # the Service and its Endpoints


def test_skipped_by_reason() -> None:
    found = of(World(services=(remote(ignored=True),)))
    assert above_zero(found, "barrelman_services_skipped") == {'barrelman_services_skipped{reason="ignored"}': 1}


@cases(
    "world,reason",
    {
        "a local Service": (World(local=local(service())), "local_service"),
        "another remote's": (
            World(local=local(mirror(labels={**MIRROR_LABELS, FROM: "another"}, annotations={}))),
            "other_source",
        ),
        "ignored": (World(local=local(mirror(ignored=True), endpoints())), "ignored"),
        "no namespace": (NEW.but(services=(remote(Key("new", "cart")),), scope=KEEPS_NAMESPACES), "namespace_missing"),
        "a selector": (World(local=local(manual(has_selector=True)), services=()), "has_selector"),
        "no node": (World(nodes=()), "no_node"),
    },
)
def test_left_by_reason_and_never_by_name(world: World, reason: str) -> None:
    found = of(world)
    assert above_zero(found, "barrelman_objects_left") == {f'barrelman_objects_left{{reason="{reason}"}}': 1}
    assert "another" not in "".join(found)


def test_a_run_without_a_plan_says_only_how_it_ended() -> None:
    assert exposed(run_metrics(run(exit_code=1))) == {
        "barrelman_last_run_timestamp_seconds": 1_800_000_002,
        "barrelman_run_duration_seconds": 2,
        "barrelman_run_timeout_seconds": 45,
        f'barrelman_build_info{{version="{__version__}"}}': 1,
        "barrelman_exit_code": 1,
    }


def test_only_names_of_the_original_end_as_those_of_counters() -> None:
    """Each metric is a gauge: a new name must not promise that it only grows."""
    assert {name for name in METRICS if name.endswith(("_total", "_count"))} == {
        "barrelman_current_nodes_count",
        "barrelman_service_update_total",
        "barrelman_service_update_error_total",
        "barrelman_endpoint_update_total",
        "barrelman_endpoint_update_error_total",
    }


def test_every_sample_names_the_source() -> None:
    registry = add_last_success(run_metrics(run(report())), "prod", 1.0)
    found = [sample for family in registry.collect() for sample in family.samples]
    assert {sample.labels["source"] for sample in found} == {"prod"}
    assert {sample.name for sample in found} == METRICS
