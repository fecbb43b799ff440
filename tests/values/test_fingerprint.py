"""What makes a plan another one, and what does not."""

from __future__ import annotations

from dataclasses import replace

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Key, Revision
from barrelman_sync.model.settings import EndpointRules
from barrelman_sync.report.fingerprint import plan_fingerprint
from tests.values.builders import (
    ADDRESSES,
    CART,
    TILL,
    World,
    cases,
    endpoints,
    local,
    mirror,
    node,
    port,
    remote,
    service_port,
    slice_of,
)

BEFORE = World(local(mirror(CART, service_port(81)), endpoints(), mirror(TILL)))


def fingerprint(world: World) -> str:
    return plan_fingerprint(world.plan())


def at(live: LocalService, uid: str, version: str) -> LocalService:
    return replace(live, revision=Revision(uid, version))


def with_cart(live: LocalService) -> World:
    return World(local(live, endpoints(owners=frozenset({live.revision.uid})), mirror(TILL)))


@cases(
    "other",
    {
        "another port wanted": BEFORE.but(services=(remote(CART, port(82)),)),
        "another port there": World(local(mirror(CART, service_port(83)), endpoints(), mirror(TILL))),
        "another node": BEFORE.but(nodes=(node("a", "10.0.0.1"),)),
        "one write more": BEFORE.but(services=(remote(CART), remote(TILL, port(82)))),
        "one write less": World(local(mirror(CART, service_port(81)), endpoints())),
        "another object of the name": with_cart(at(mirror(CART, service_port(81)), "another uid", "1")),
        "nothing to do": World(),
    },
)
def test_another_plan(other: World) -> None:
    assert fingerprint(other) != fingerprint(BEFORE)


def test_the_same_plan_for_another_state_of_the_same_object() -> None:
    """Somebody has set a label of their own since the review."""
    live = mirror(CART, service_port(81))
    assert fingerprint(with_cart(at(live, live.revision.uid, "77"))) == fingerprint(BEFORE)


def test_the_same_plan_for_another_state_of_what_the_other_mode_leaves() -> None:
    """The object that stays says the resourceVersion of the one that goes."""
    ours = slice_of("cart-barrelman-ipv4-0", *ADDRESSES)
    there = World(replace(local(mirror(), endpoints()), slices={CART: (ours,)}), rules=EndpointRules(slices=True))
    later = replace(endpoints(), revision=Revision("uid of endpoints shop/cart", "77"))
    assert fingerprint(there) == fingerprint(there.but(local=replace(there.local, endpoints={CART: later})))


WAITING = World(local(mirror(CART), endpoints()), services=(), grace=3600)


def test_a_mark_is_the_same_plan_at_any_time() -> None:
    assert fingerprint(WAITING) == fingerprint(WAITING.but(now=WAITING.now + 60))
    assert fingerprint(WAITING) != fingerprint(WAITING.but(grace=0))
    assert fingerprint(WAITING) != fingerprint(World())


def test_what_is_left_does_not_change_the_fingerprint() -> None:
    skipped = remote(Key("shop", "x"), ignored=True)
    assert fingerprint(BEFORE.but(services=(remote(CART), skipped))) == fingerprint(BEFORE)
