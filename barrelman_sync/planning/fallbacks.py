"""What becomes of a Service's endpoints if a step of the Service is held back or fails. Pure.

kube-proxy joins a Service and its endpoints by the name and protocol of each port. So endpoints that are wanted for a
Service as it will be may serve nobody as long as the Service is as it was, and the other way round. The cases:

| step | held back, failed, or not tried: what its endpoints do then |
|---|---|
| create a Service | nothing: there is no Service that could own them |
| update a mirror, all ports that it has are still wanted | as planned: they serve the mirror either way |
| update a mirror, a port that it has is no longer wanted | the fallback; writes that were planned wait |
| delete a mirror | the fallback; deletes of its endpoints wait |
| delete the endpoints of a Service that no longer asks for them | the fallback |
| create or update endpoints | deletes of those that they replace wait |

The fallback keeps the ports of the Service as it is now, and drops nodes that are gone:

    mirror now       http -> 30080, endpoints a b c     wanted    web -> 30080, endpoints b c d
    b, c, d used     the fallback is http -> 30080, endpoints b c
"""

from collections.abc import Collection
from dataclasses import replace

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Key, Kind, ServicePort
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.modes import chosen_mode
from barrelman_sync.planning.reasons import Why
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Create, Delete, Held, Step, Update, Write
from barrelman_sync.planning.targets import Keep, Served, Targets, targets


def usable_without(write: Write) -> bool:
    """Whether the wanted endpoints serve the Service even if this write of the Service is not done."""
    match write:
        case Update(Mirror() as wanted, LocalService() as live):
            return set(map(_joined_by, live.ports)) <= set(map(_joined_by, wanted.ports))
        case _:
            return False


def fallback(situation: Situation, live: LocalService) -> tuple[Create | Update, ...]:
    """Endpoint writes that keep a Service connected as it is now: without nodes that are gone.

    Other nodes come in only if none of the present ones is left: nobody knows any more whether other nodes would answer
    for the Service (traffic policy Local).
    """
    service = Served(live.key, live.ports, situation.families(live), live.revision.uid)
    if any(isinstance(port.target_port, str) for port in live.ports):
        return ()
    mode = chosen_mode(situation.rules)
    found = targets(situation, service, mode)
    if isinstance(found, Keep):
        return ()
    steps = mode.steps(situation, service, _without_new_nodes(situation, live.key, found))
    return tuple(step for step in steps if isinstance(step, Create | Update))


def held(step: Create | Update | Delete, why: Why) -> tuple[Step, ...]:
    """The step held back, and its fallback."""
    return (Held(step, why), *(() if isinstance(step, Create) else step.fallback))


def held_with_service(step: Step, why: Why, unusable: Collection[Key]) -> tuple[Step, ...]:
    """What becomes of a step whose Service is held back.

    Held back too are endpoints that the Service could not use without its write, and the deletes of those that it has:
    `unusable` has the Services that could not use the wanted endpoints.
    """
    if not isinstance(step, Create | Update | Delete):
        return (step,)
    if step.ref.kind == Kind.SERVICE:
        return held(step, why)
    return (Held(step, why),) if step.ref.service in unusable else (step,)


def is_stopped(step: Write, failed: Write) -> bool:
    """Whether a write has to wait because an earlier write for the same Service failed."""
    if step.ref.kind == Kind.SERVICE:
        return True
    if failed.ref.kind in (Kind.NAMESPACE, Kind.SERVICE):
        return not usable_without(failed)
    # New endpoints could not be written: what would have made way for them still serves.
    return isinstance(step, Delete)


def _joined_by(port: ServicePort) -> tuple[str, str]:
    return port.name, port.protocol


def _without_new_nodes(situation: Situation, service: Key, found: Targets) -> Targets:
    present = situation.present_addresses(service)
    kept = (
        replace(wanted, addresses=situation.nodes.pools[wanted.family].among(present) or wanted.addresses)
        for wanted in found.sets
    )
    return Targets(tuple(kept))
