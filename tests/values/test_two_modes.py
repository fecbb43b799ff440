"""What stays is changed before the endpoints of the other mode are deleted."""

from __future__ import annotations

from dataclasses import replace

from barrelman_sync.model.names import Ref
from barrelman_sync.model.settings import EndpointRules
from barrelman_sync.planning.changes import Change
from barrelman_sync.planning.steps import Update
from tests.values.builders import (
    ADDRESSES,
    ANNOTATIONS,
    CART,
    NODES,
    World,
    all_unchanged,
    cases,
    endpoints,
    local,
    mirror,
    node,
    slice_of,
)

REPLACES = "tfw.io/barrelman-replaces"
SLICES = EndpointRules(slices=True)
COPIED = frozenset({"uid of endpoints shop/cart"})
OURS = slice_of("cart-barrelman-ipv4-0", *ADDRESSES), slice_of("cart-barrelman-ipv4-1", "10.0.0.3")
THREE = (*NODES, node("c", "10.0.0.3"))


def with_both(annotations: dict[str, str]) -> World:
    """Return a world in which either mode has only to delete what the other one wrote."""
    slices = tuple(replace(found, annotations={**found.annotations, **annotations}) for found in OURS)
    served = endpoints(addresses=(*ADDRESSES, "10.0.0.3"), annotations=ANNOTATIONS | annotations)
    copies = {CART: (slice_of("copy", *ADDRESSES, "10.0.0.3", owners=COPIED),)}
    return World(replace(local(mirror(), served), slices={CART: slices}, copies=copies), nodes=THREE)


@cases(
    "rules, stays, goes, version",
    {
        "to slices": (SLICES, [found.ref for found in OURS], [endpoints().ref], "1"),
        "to Endpoints": (EndpointRules(), [endpoints().ref], [found.ref for found in OURS], "1,1"),
    },
)
def test_what_stays_is_changed_first(rules: EndpointRules, stays: list[Ref], goes: list[Ref], version: str) -> None:
    """So a run of the other mode, which would delete it at the same time, finds another resourceVersion."""
    writes = with_both({REPLACES: "an earlier one"}).but(rules=rules).plan().writes
    updates = [step for step in writes if isinstance(step, Update)]
    assert [step.ref for step in writes] == [*stays, *goes]
    assert [step.ref for step in updates] == stays
    changes = {change for step in updates for change in step.changes}
    assert changes == {Change(f"metadata.annotations[{REPLACES}]", "an earlier one", version)}


@cases("rules", {"to slices": SLICES, "to Endpoints": EndpointRules()})
def test_what_waits_with_a_mirror_that_stays_is_not_changed(rules: EndpointRules) -> None:
    """Otherwise each of the two would say the resourceVersion of the other, in every run anew."""
    assert with_both({}).but(rules=rules, services=()).guarded(0).writes == ()


def test_no_run_writes_only_to_take_the_annotation_off() -> None:
    marked = endpoints(annotations=ANNOTATIONS | {REPLACES: "7"})
    assert all_unchanged(World(local(mirror(), marked)).plan())
