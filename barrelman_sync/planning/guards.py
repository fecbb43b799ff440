"""Brakes on a finished plan, before its first write. Pure.

A remote list that is short for a wrong reason must not become deletes. So the guards count what a plan would take from
callers, and hold all of it back where that is too much. Creates and updates are safe and go on.
"""

from dataclasses import replace
from itertools import chain

from barrelman_sync.model.names import Key, Kind
from barrelman_sync.model.settings import Safety
from barrelman_sync.planning.node_ports import node_ports_freed, node_ports_taken
from barrelman_sync.planning.steps import Create, Delete, Held, Plan, Step, Update, serves_without


def hold_back(plan: Plan, safety: Safety, nodes_listed: int) -> Plan:
    """The same plan, with all guarded deletes held back if they are too many, or if the remote lists no node at all."""
    doomed = {step.service for step in plan.steps if isinstance(step, Delete) and step.guarded}
    limit = safety.limit.of(plan.owned)
    if safety.allow_mass_delete or not doomed or (nodes_listed and len(doomed) <= limit):
        return plan
    cause = f"{len(doomed)} of {plan.owned} owned exceed {limit}" if nodes_listed else "the remote lists no node at all"
    reason = f"{cause}; --allow-mass-delete lets one run through"
    steps = chain.from_iterable(_held(step, reason) for step in plan.steps)
    return _without_idle_namespaces(_hold_back_takers(replace(plan, steps=tuple(steps))))


def _held(step: Step, reason: str) -> tuple[Step, ...]:
    if isinstance(step, Delete) and step.guarded:
        return (Held(step, reason), *step.meanwhile)
    return (step,)


def _hold_back_takers(plan: Plan) -> Plan:
    """The same plan, without writes that need a node port of a mirror that stays: the server would refuse them.

    A write that is held back keeps its own node ports in turn, so this goes on until nothing new is found.
    """
    kept = {
        port: step.key
        for step in plan.steps
        if isinstance(step, Held) and not isinstance(step.step, Create)
        for port in node_ports_freed(step.step)
    }
    waiting: dict[Key, str] = {}
    for step in plan.steps:
        if isinstance(step, Create | Update) and (ports := node_ports_taken(step) & kept.keys()):
            port = min(ports)
            waiting[step.service] = f"needs node port {port} of {kept[port]}, which is held back"
    if not waiting:
        return plan
    unusable = frozenset(
        step.key
        for step in plan.steps
        if isinstance(step, Create | Update) and step.kind == Kind.SERVICE and not serves_without(step)
    )
    steps = chain.from_iterable(_held_if_waiting(step, waiting, unusable) for step in plan.steps)
    return _hold_back_takers(replace(plan, steps=tuple(steps)))


def _held_if_waiting(step: Step, waiting: dict[Key, str], unusable: frozenset[Key]) -> tuple[Step, ...]:
    """The Service waits, and with it endpoints that it could not use, and the end of those that it has."""
    reason = waiting.get(step.service)
    if reason is None or not isinstance(step, Create | Update | Delete):
        return (step,)
    if step.kind == Kind.SERVICE:
        return (Held(step, reason), *step.meanwhile) if isinstance(step, Update) else (Held(step, reason),)
    return (Held(step, reason),) if step.service in unusable else (step,)


def _without_idle_namespaces(plan: Plan) -> Plan:
    """The same plan, without new namespaces for Services that are all held back."""
    creates = [step for step in plan.steps if isinstance(step, Create)]
    needed = {step.key.namespace for step in creates}
    idle = [step for step in creates if step.kind == Kind.NAMESPACE and step.key.name not in needed]
    return replace(plan, steps=tuple(step for step in plan.steps if step not in idle)) if idle else plan
