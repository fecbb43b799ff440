"""What happens to a Service's endpoints if a step of the Service is held back or fails. Pure.

kube-proxy matches the ports of a Service with the ports of its endpoints by name and protocol. So endpoints with the
wanted ports may serve nobody as long as the Service has its old ports, and the other way around. The cases:

| step | if the step is held back, fails, or is not tried, the endpoints |
|---|---|
| create a Service | are not written: there is no Service that could own them |
| update a mirror, all its ports are still wanted | are written as planned: they serve the mirror either way |
| update a mirror, one of its ports is no longer wanted | get the fallback; the planned writes wait |
| mark a mirror as orphaned | are written as planned |
| delete a mirror | get the fallback; their deletes wait |
| delete the endpoints of a Service that no longer asks for them | get the fallback |
| create or update endpoints | that would be replaced are not deleted |

A write that was done although something in the cluster changed the Service (`cluster/answers.py`) fails, but stops
nothing if the wanted endpoints serve the Service as it is: callers come first.

The fallback has the ports that the Service has now, and drops nodes that are gone:

    mirror now       http -> 30080, endpoints a b c     wanted    web -> 30080, endpoints b c d
    b, c, d used     the fallback is http -> 30080, endpoints b c
"""

from collections.abc import Collection
from dataclasses import replace

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Key, Kind, Ref, ServicePort
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.modes import ENDPOINTS, SLICES, chosen_mode
from barrelman_sync.planning.reasons import Why
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Create, Delete, HeldBack, Mark, Step, Update, Write
from barrelman_sync.planning.targets import EndpointMode, Served, Targets, targets


def usable_without(write: Write) -> bool:
    """Whether the wanted endpoints serve the Service even if this write of the Service is not done."""
    match write:
        case Update(Mirror() as wanted, LocalService() as live):
            return serves(live, wanted)
        case Mark():
            return True
        case _:
            return False


def serves(live: LocalService, wanted: Mirror) -> bool:
    """Whether the wanted endpoints serve each port that the Service has now."""
    return set(map(_name_and_protocol, live.ports)) <= set(map(_name_and_protocol, wanted.ports))


def fallback(situation: Situation, live: LocalService) -> tuple[Create | Update, ...]:
    """Endpoint writes that keep the callers of a Service connected while the Service stays as it is now.

    Nodes that are gone are dropped. Other nodes are added only if no present one is left, because other nodes may not
    answer for the Service as it is now (externalTrafficPolicy Local).
    """
    service = Served(live.key, live.ports, situation.families(live), live.revision.uid)
    if any(isinstance(port.target_port, str) for port in live.ports):
        return ()  # endpoints need a number
    steps: dict[Ref, Create | Update] = {}
    for mode in _modes_in_use(situation, live):
        found = targets(situation, service, mode)
        if isinstance(found, Targets):
            planned = mode.steps(situation, service, _without_new_nodes(situation, live.key, found))
            # Without the deletes of the endpoint mode: a fallback takes nothing away.
            steps |= {step.ref: step for step in planned if isinstance(step, Create | Update)}
    return tuple(steps.values())


def held(step: Create | Update | Delete, why: Why) -> tuple[Step, ...]:
    """The step as held back, and the step's fallback."""
    return (HeldBack(step, why), *(() if isinstance(step, Create) else step.fallback))


def held_with_service(step: Step, why: Why, unusable: Collection[Key]) -> tuple[Step, ...]:
    """What a step turns into if the write of its Service is held back.

    `unusable` are the Services that could not use their wanted endpoints without the write. Their endpoint steps are
    held back, too: creates and updates, and deletes of the endpoints that they have.
    """
    if not isinstance(step, Create | Update | Delete):
        return (step,)
    if step.ref.kind == Kind.SERVICE:
        return held(step, why)
    return (HeldBack(step, why),) if step.ref.service in unusable else (step,)


def is_stopped(step: Write, failed: Write) -> bool:
    """Whether a write cannot be tried because an earlier write failed, of the same Service or of its namespace."""
    # A write of a Service has nothing before it but its namespace, or its own first write that gives up node ports.
    if step.ref.kind == Kind.SERVICE:
        return True
    if failed.ref.kind in (Kind.NAMESPACE, Kind.SERVICE):
        return not usable_without(failed)
    # New endpoints could not be written, so the old endpoints must go on to serve.
    return isinstance(step, Delete)


def _name_and_protocol(port: ServicePort) -> tuple[str, str]:
    return port.name, port.protocol


def _modes_in_use(situation: Situation, live: LocalService) -> tuple[EndpointMode, ...]:
    """The modes of our endpoints that the Service has now: in the middle of a switch, all of them serve callers."""
    kinds = {found.ref.kind for found in situation.of_this_source(live.key)}
    if live.is_mirror and live.key in situation.local.endpoints:
        kinds.add(Kind.ENDPOINTS)  # the Endpoints of a mirror are ours to write, whoever made them
    modes = {Kind.ENDPOINTS: ENDPOINTS, Kind.SLICE: SLICES}
    return tuple(mode for kind, mode in modes.items() if kind in kinds) or (chosen_mode(situation.rules),)


def _without_new_nodes(situation: Situation, service: Key, found: Targets) -> Targets:
    present = situation.present_addresses(service)
    kept = (
        replace(wanted, addresses=situation.nodes.pools[wanted.family].among(present) or wanted.addresses)
        for wanted in found.sets
    )
    return Targets(tuple(kept))
