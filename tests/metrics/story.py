"""An hour of runs, one a minute, told by the real metrics: what the picture of the dashboard is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from barrelman_sync.metrics.values import Run, add_last_success, run_metrics
from barrelman_sync.model.names import Key
from barrelman_sync.model.remote import Node
from barrelman_sync.planning.result import Result
from tests.metrics.reading import Samples, exposed
from tests.metrics.reports import STARTED, report, run
from tests.values.builders import World, endpoints, local, mirror, node, remote, service

MINUTES = 60
KEYS = [Key("shop", name) for name in ("cart", "login", "mail", "search", "till")]
NODES = tuple(node(f"n{number}", f"10.0.0.{number}") for number in range(1, 7))


@dataclass(frozen=True)
class Minute:
    """The metrics that Prometheus has at one moment."""

    time: float
    samples: Samples


def hour() -> list[Minute]:
    """Return what Prometheus would have stored."""
    minutes, last_success = [], STARTED
    for minute in range(MINUTES):
        ran = _run(minute)
        last_success = ran.ended if ran.succeeded else last_success
        found = exposed(add_last_success(run_metrics(ran), "prod", last_success))
        minutes.append(Minute(STARTED + 60 * minute + 30, found))
    return minutes


def _run(minute: int) -> Run:
    started = STARTED + 60 * minute
    duration = 1.4 + 0.2 * (minute % 3)
    if 40 <= minute < 44:  # the remote does not answer
        return run(exit_code=1, started=started, duration=45.0)
    if minute >= 52:  # its list of Services is short
        world = _world(KEYS[:1], KEYS)
        return run(report(world, plan=world.guarded(2)), 3, started, duration=duration)
    if minute == 30:  # somebody's webhook refuses
        return run(report(_world(KEYS, KEYS, changed=True), Result.FAILED), 1, started, duration=6.0)
    return run(report(_ordinary(minute)), 0, started, duration=duration)


def _ordinary(minute: int) -> World:
    known = KEYS[:3] if minute <= 10 else KEYS
    wanted = KEYS if minute >= 10 else KEYS[:3]
    lost = NODES[5].name if 20 <= minute < 26 else ""
    nodes = tuple(
        node(found.name, *found.addresses, ready="False" if found.name == lost else "True") for found in NODES
    )
    return _world(wanted, known, nodes, changed=minute in (20, 26, 31))


def _world(
    wanted: Sequence[Key], known: Sequence[Key], nodes: Sequence[Node] = NODES, *, changed: bool = False
) -> World:
    """Two clusters that agree, but for the mirrors that are missing or too many, and for endpoints that changed."""
    fit = tuple(address for found in nodes if found.ready == "True" for address in found.addresses)
    served = fit[1:] if changed else fit
    mine = service(Key("shop", "database"))
    objects = [found for key in known for found in (mirror(key), endpoints(key, addresses=served))]
    others = (remote(mine.key), remote(Key("shop", "internal"), ignored=True))
    return World(local(*objects, mine), (*(remote(key) for key in wanted), *others), tuple(nodes))
