"""Checks of a whole plan before its first write: they hold back deletes that may be a mistake. Pure.

A remote list that is too short by mistake must not lead to deletes. So guards count the Services that a plan would take
from callers, and hold back all these deletes if there are too many. Creates and updates are safe, so they are done.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain

from barrelman_sync.model.names import Key, Kind
from barrelman_sync.model.settings import Safety
from barrelman_sync.planning.fallbacks import held, held_with_service
from barrelman_sync.planning.node_ports import node_ports_freed, node_ports_taken
from barrelman_sync.planning.reasons import Reason, Why, because
from barrelman_sync.planning.steps import Create, Delete, HeldBack, Plan, Step, Update, Write


def hold_back(plan: Plan, safety: Safety, nodes_listed: int) -> Plan:
    """The plan, with all guarded deletes held back if there are too many, or if the remote lists no node at all."""
    why = _too_much(plan, safety, nodes_listed)
    if why is None:
        return plan
    steps = chain.from_iterable(_held(step, why) for step in plan.steps)
    return _without_idle_namespaces(_hold_back_for_node_ports(replace(plan, steps=tuple(steps))))


def _too_much(plan: Plan, safety: Safety, nodes_listed: int) -> Why | None:
    removed = {step.ref.service for step in plan.steps if isinstance(step, Delete) and step.guarded}
    if safety.allow_mass_delete or not removed:
        return None
    if not nodes_listed:
        return Why(Reason.NO_REMOTE_NODE)
    limit = safety.limit.of(plan.managed_services)
    if len(removed) <= limit:
        return None
    return because(Reason.TOO_MANY_DELETES, deletes=len(removed), managed=plan.managed_services, limit=limit)


def _held(step: Step, why: Why) -> tuple[Step, ...]:
    return held(step, why) if isinstance(step, Delete) and step.guarded else (step,)


def _hold_back_for_node_ports(plan: Plan) -> Plan:
    """The plan, with writes held back that need a node port of a mirror that stays: the server would refuse them.

    A mirror whose update is held back keeps its own node ports in turn, so the search goes on until it finds nothing:

        delete a (30001)                held back by a guard
        update b (30002 -> 30001)       held back: a keeps 30001
        create c (30002)                held back: b keeps 30002
        update d (30003 -> 30004)       goes on
    """
    # A create that is held back has no node ports to keep.
    kept = {
        port: step.ref.key
        for step in plan.steps
        if isinstance(step, HeldBack) and not isinstance(step.step, Create)
        for port in node_ports_freed(step.step)
    }
    waiting: dict[Key, Why] = {}
    for step in plan.steps:
        if isinstance(step, Create | Update) and (ports := node_ports_taken(step) & kept.keys()):
            port = min(ports)
            waiting[step.ref.service] = because(Reason.NODE_PORT_HELD_BACK, port=port, service=str(kept[port]))
    if not waiting:
        return plan
    services = {step.ref.key: step for step in plan.writes if step.ref.kind == Kind.SERVICE}
    steps = chain.from_iterable(_waiting(step, waiting, services) for step in plan.steps)
    return _hold_back_for_node_ports(replace(plan, steps=tuple(steps)))


def _waiting(step: Step, waiting: Mapping[Key, Why], services: Mapping[Key, Write]) -> tuple[Step, ...]:
    key = step.ref.service
    return held_with_service(step, waiting[key], services[key]) if key in waiting else (step,)


def _without_idle_namespaces(plan: Plan) -> Plan:
    """The plan, without creates of namespaces in which every Service is held back."""
    creates = [step for step in plan.steps if isinstance(step, Create)]
    needed = {step.ref.key.namespace for step in creates}
    idle = [step for step in creates if step.ref.kind == Kind.NAMESPACE and step.ref.key.name not in needed]
    return replace(plan, steps=tuple(step for step in plan.steps if step not in idle)) if idle else plan
