"""The order of a plan's writes: batches, one after the other. The members of one batch are independent. Pure.

Namespaces come first, then creates and updates, deletes last. Only node ports change that order: a Service must give up
a port before another Service can take the port, because a node port is allocated in the whole cluster
(pkg/registry/core/service/portallocator). An example with a chain and a cycle:

    create a (needs 30001)          needs b
    update b (30001 -> 30002)       needs c
    delete c (30002)
    update d (30003 -> 30004)       needs e     a cycle: d and e swap
    update e (30004 -> 30003)       needs d

    batch 1    d becomes ClusterIP, which gives up 30003
    batch 2    c, e
    batch 3    b, d (now with 30004)
    batch 4    a
"""

from collections.abc import Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from barrelman_sync.model.names import Key, Kind
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.node_ports import node_ports_freed, node_ports_taken
from barrelman_sync.planning.steps import Create, Delete, Plan, Update, Write

Unit = tuple[Write, ...]
"""The writes for one Service in the order in which they are done: the Service, then its endpoints. Or one namespace."""
Batch = tuple[Unit, ...]
Needs = dict[Key, set[Key]]
"""For a unit, the units that have to be done before it."""


def batches(plan: Plan) -> tuple[Batch, ...]:
    """The writes of the plan. A batch may start when the batch before it has ended."""
    units = _units(plan)
    needs = _needs(units)
    split = _break_cycles(units, needs)
    giving_up = tuple((_without_node_ports(update),) for update in split.values())
    for key, update in split.items():
        units[key] = (_second(update), *units[key][1:])
    # Deletes are last, except those that free a node port for another Service.
    needed = {key for before in needs.values() for key in before}
    last = {key: unit for key, unit in units.items() if _only_deletes(unit) and key not in needed}
    first = {key: unit for key, unit in units.items() if unit[0].ref.kind == Kind.NAMESPACE}
    early = {key: unit for key, unit in units.items() if key not in last and key not in first}
    levels = (tuple(early[key] for key in level) for level in _levels(early, needs))
    return tuple(batch for batch in (tuple(first.values()), giving_up, *levels, tuple(last.values())) if batch)


def _units(plan: Plan) -> dict[Key, Unit]:
    units: dict[Key, Unit] = {}
    for write in plan.writes:
        units[write.ref.service] = (*units.get(write.ref.service, ()), write)
    return units


def _only_deletes(unit: Unit) -> bool:
    return all(isinstance(write, Delete) for write in unit)


def _needs(units: Mapping[Key, Unit]) -> Needs:
    """Units that take a node port need the units that free the port."""
    freed_by = {
        port: key
        for key, unit in units.items()
        for write in unit
        if isinstance(write, Update | Delete)
        for port in node_ports_freed(write)
    }
    needs: Needs = {}
    for key, unit in units.items():
        taken = {port for write in unit if isinstance(write, Create | Update) for port in node_ports_taken(write)}
        if before := {freed_by[port] for port in taken & freed_by.keys()}:
            needs[key] = before
    return needs


def _break_cycles(units: Mapping[Key, Unit], needs: Needs) -> dict[Key, Update]:
    """Removes needs until they have no cycle. Returns the updates that must give up their node ports beforehand.

    Nobody needs to wait for such an update, because its node ports are free by then.
    """
    split: dict[Key, Update] = {}
    while cycle := _cycle(needs):
        key = min(cycle)  # the first by name, so that each run breaks a cycle at the same mirror
        update = units[key][0]
        assert isinstance(update, Update)  # noqa: S101 - only an update both frees and takes node ports
        split[key] = update
        for before in needs.values():
            before.discard(key)
    return split


def _cycle(needs: Needs) -> list[Key]:
    """The keys of one cycle; empty if there is no cycle."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        found: list[Key] = error.args[1]
        return found
    return []


def _without_node_ports(update: Update) -> Update:
    """The first of two writes for an update: a ClusterIP Service has no node ports, and stays reachable by name."""
    assert isinstance(update.wanted, Mirror)  # noqa: S101 - nothing else has node ports
    ports = tuple(replace(port, node_port=0) for port in update.wanted.ports)
    return replace(update, wanted=replace(update.wanted, type="ClusterIP", ports=ports))


def _second(update: Update) -> Update:
    """The second of two writes for an update: the first write has already claimed the fields."""
    return replace(update, claims=False)


def _levels(units: Mapping[Key, Unit], needs: Needs) -> list[list[Key]]:
    """The units in batches: each unit comes after all units that it needs."""
    sorter = TopologicalSorter({key: needs.get(key, set()) for key in units})
    sorter.prepare()
    levels = []
    while sorter.is_active():
        level = sorted(sorter.get_ready())
        sorter.done(*level)
        levels.append(level)
    return levels
