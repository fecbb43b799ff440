"""Labels that hide endpoints from callers, and the warnings about endpoints that nobody sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from barrelman_sync.model.local import Local, LocalEndpoints, LocalSlice
from barrelman_sync.model.settings import EndpointRules
from barrelman_sync.planning.steps import Update
from barrelman_sync.planning.warnings import warnings
from tests.values.builders import (
    ENDPOINTS_LABELS,
    FROM,
    SCOPE,
    World,
    cases,
    endpoints,
    local,
    manual,
    mirror,
    slice_of,
)

SKIP, HEADLESS = "endpointslice.kubernetes.io/skip-mirror", "service.kubernetes.io/headless"
PROXY = "service.kubernetes.io/service-proxy-name"


def changes(world: World) -> dict[str, object]:
    """Return what the endpoints' only update changes, by path."""
    found = [change for step in world.plan().steps if isinstance(step, Update) for change in step.changes]
    assert all(change.after is None for change in found)
    return {change.path: change.before for change in found}


@cases(
    "labels, taken_off",
    {
        "not copied": ({SKIP: "true"}, {SKIP}),
        "of a headless Service": ({HEADLESS: ""}, {HEADLESS}),
        "of another proxy": ({PROXY: "other"}, {PROXY}),
        "all of them": ({SKIP: "true", HEADLESS: "", PROXY: ""}, {SKIP, HEADLESS, PROXY}),
        "copied nevertheless": ({SKIP: "false"}, set()),
        "none": ({}, set()),
    },
)
def test_labels_that_hide_endpoints(labels: Mapping[str, str], taken_off: set[str]) -> None:
    for service in (mirror(), manual()):
        found = World(local(service, endpoints(labels={**ENDPOINTS_LABELS, **labels})))
        assert changes(found) == {f"metadata.labels[{label}]": labels[label] for label in taken_off}


@cases(
    "labels, taken_off",
    {
        "of a headless Service": ({HEADLESS: ""}, {HEADLESS}),
        "of another proxy": ({PROXY: "other"}, {PROXY}),
        "not copied, as no slice is": ({SKIP: "true"}, set()),
    },
)
def test_labels_that_hide_slices(labels: Mapping[str, str], taken_off: set[str]) -> None:
    plain = slice_of("cart-barrelman-ipv4-0", "10.0.0.1", "10.0.0.2")
    found: LocalSlice = replace(plain, labels={**plain.labels, **labels})
    world = World(replace(local(mirror()), slices={found.service: (found,)}), rules=EndpointRules(slices=True))
    assert changes(world) == {f"metadata.labels[{label}]": labels[label] for label in taken_off}


def world(found: LocalEndpoints | None = None, *, slices: bool = False, nothing_copied: bool = False) -> World:
    here: Local = replace(local(mirror(), found or endpoints()), nothing_copied=nothing_copied)
    return World(here, rules=EndpointRules(slices=slices))


@cases(
    "found, warned",
    {
        "all is well": (world(), []),
        "nothing is copied": (world(nothing_copied=True), ["nothing_copied"]),
        "a leader election": (world(endpoints(elects_leader=True)), ["elects_leader"]),
        "a leader election, with slices": (world(endpoints(elects_leader=True), slices=True), []),
        "a leader election at Endpoints of another source": (
            world(endpoints(elects_leader=True, labels={**ENDPOINTS_LABELS, FROM: "stage"})),
            [],
        ),
        "a leader election outside --namespace": (
            world(endpoints(elects_leader=True)).but(scope=replace(SCOPE, namespaces=frozenset({"web"}))),
            [],
        ),
        "a leader election at a user's Endpoints": (world(endpoints(elects_leader=True, labels={})), []),
    },
)
def test_what_is_warned_of(found: World, warned: list[str]) -> None:
    assert [str(why.reason) for why in warnings(found.situation)] == warned


@cases(
    "found, copied",
    {
        "as a run leaves them": (endpoints(), True),
        "with another value of the label": (endpoints(labels={SKIP: "false"}), True),
        "not to be copied": (endpoints(labels={SKIP: "true"}), False),
        "a leader election": (endpoints(elects_leader=True), False),
        "being deleted": (endpoints(deleting=True), False),
    },
)
def test_which_endpoints_kubernetes_copies(found: LocalEndpoints, copied: bool) -> None:  # noqa: FBT001
    assert found.is_copied is copied
