"""The order of a plan's writes: units, and which units have to end before another unit starts. Pure.

The writes of one Service are a unit. A unit needs the unit that creates its namespace, and deletes come last. Only node
ports need more order: a Service must give up a port before another Service can take the port, because a node port is
allocated in the whole cluster (pkg/registry/core/service/portallocator). An example with a chain and a cycle:

    0    update d                      becomes ClusterIP, which gives up 30003
    1    delete c (30002)
    2    update b (30001 -> 30002)     needs 1
    3    update e (30004 -> 30003)     needs 0: d and e swap their ports, so d is written twice
    4    create a (30001)              needs 2
    5    update d (now with 30004)     needs 0 and 3

A new Service is written twice, too, if its own ports share a node port, see `node_ports.may_be_created`: first as
ClusterIP, then with its node ports.
"""

from collections.abc import Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from typing import NamedTuple, TypeVar

from barrelman_sync.model.names import Key, Kind
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.node_ports import may_be_created, node_ports_freed, node_ports_taken
from barrelman_sync.planning.steps import Create, Delete, Plan, Update, Write

Writes = tuple[Write, ...]
"""The writes for one Service in the order in which they are done: the Service, then its endpoints. Or one namespace.

Some endpoints come before the Service, see `planning.renames`.
"""

_Step = TypeVar("_Step", Create, Update)


class Unit(NamedTuple):
    """Writes that are done one after the other."""

    writes: Writes
    needs: frozenset[int] = frozenset()
    """The places, in the order of the units, of those that have to end before this unit starts."""
    last: bool = False
    """Whether this unit waits for all units that are not last, except for slow ones."""


class _Name(NamedTuple):
    """Tells units apart: the key of the Service or namespace, and whether it is the first of two for this Service."""

    key: Key
    first: bool = False


_Needs = dict[_Name, set[_Name]]
"""For a unit, the units that have to end before it starts."""


def units(plan: Plan) -> tuple[Unit, ...]:
    """The writes of the plan. Each unit comes after all units that it needs, and the last ones come last."""
    writes = _by_service(plan)
    needs = _node_port_needs(writes)
    _split_cycles(writes, needs)
    _split_creates(writes)
    # Deletes are last, except those that free a node port for another Service.
    needed = {before for befores in needs.values() for before in befores}
    last = {name for name, steps in writes.items() if _only_deletes(steps) and name not in needed}
    for name in writes:
        if (namespace := _Name(Key("", name.key.namespace))) in writes:
            needs.setdefault(name, set()).add(namespace)
    names = sorted(_in_order(writes, needs), key=lambda name: name in last)  # stable: the order stays within both parts
    places = {name: place for place, name in enumerate(names)}
    return tuple(
        Unit(_with_before(writes[name]), frozenset(places[each] for each in needs.get(name, ())), name in last)
        for name in names
    )


def _by_service(plan: Plan) -> dict[_Name, Writes]:
    writes: dict[_Name, list[Write]] = {}
    for write in plan.writes:
        writes.setdefault(_Name(write.ref.service), []).append(write)
    return {name: tuple(steps) for name, steps in writes.items()}


def _with_before(writes: Writes) -> Writes:
    """The writes, each after the endpoint writes that have to be done before it."""
    return tuple(chain.from_iterable((*_before(write), write) for write in writes))


def _before(write: Write) -> Writes:
    return write.before if isinstance(write, Update) else ()


def _only_deletes(writes: Writes) -> bool:
    return all(isinstance(write, Delete) for write in writes)


def _node_port_needs(units: Mapping[_Name, Writes]) -> _Needs:
    """Units that take a node port need the units that free the port."""
    freed_by = {
        port: name
        for name, writes in units.items()
        for write in writes
        if isinstance(write, Update | Delete)
        for port in node_ports_freed(write)
    }
    needs: _Needs = {}
    for name, writes in units.items():
        taken = {port for write in writes if isinstance(write, Create | Update) for port in node_ports_taken(write)}
        if before := {freed_by[port] for port in taken & freed_by.keys()}:
            needs[name] = before
    return needs


def _split_cycles(units: dict[_Name, Writes], needs: _Needs) -> None:
    """Splits units in two until the needs have no cycle: the first of the two gives up the node ports.

    Whoever needed the unit then needs its first part only.
    """
    while cycle := _cycle(needs):
        name = min(cycle)  # the first by key, so that each run breaks a cycle at the same mirror
        first = name._replace(first=True)
        place = [write.ref.kind for write in units[name]].index(Kind.SERVICE)
        update = units[name][place]
        assert isinstance(update, Update)  # noqa: S101 - only an update both frees and takes node ports
        units[first] = (*units[name][:place], replace(_without_node_ports(update), pause_after=False))
        units[name] = (_second(update), *units[name][place + 1 :])
        for befores in needs.values():
            if name in befores:
                befores.remove(name)
                befores.add(first)
        needs[name].add(first)


def _split_creates(units: dict[_Name, Writes]) -> None:
    """Writes new Services twice that a server does not create by one write."""
    for name, (create, *others) in units.items():
        if isinstance(create, Create) and isinstance(create.wanted, Mirror) and not may_be_created(create.wanted):
            units[name] = (_without_node_ports(create), create, *others)


def _cycle(needs: _Needs) -> list[_Name]:
    """The units of one cycle; empty if there is no cycle."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        found: list[_Name] = error.args[1]
        return found
    return []


def _without_node_ports(step: _Step) -> _Step:
    """The first of two writes for a step: a ClusterIP Service has no node ports, and is reachable by name."""
    assert isinstance(step.wanted, Mirror)  # noqa: S101 - nothing else has node ports
    ports = tuple(replace(port, node_port=0) for port in step.wanted.ports)
    return replace(step, wanted=replace(step.wanted, type="ClusterIP", ports=ports), final=step.wanted)


def _second(update: Update) -> Update:
    """The second of two writes for an update: the first one has claimed the fields, removed the mark and waited."""
    return replace(update, claims=False, before=(), copied=None, pause_before=False)


def _in_order(units: Mapping[_Name, Writes], needs: _Needs) -> list[_Name]:
    """The units, each after all units that it needs. Units that may start together are sorted, namespaces first."""
    sorter = TopologicalSorter({name: needs.get(name, set()) for name in units})
    sorter.prepare()
    names: list[_Name] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        sorter.done(*ready)
        names += ready
    return names
