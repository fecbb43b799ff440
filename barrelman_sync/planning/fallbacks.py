"""What happens to a Service's endpoints if a step of the Service is held back or fails. Pure.

kube-proxy matches the ports of a Service with the ports of its endpoints by name and protocol. So endpoints with the
wanted ports may serve nobody as long as the Service has its old ports, and the other way around. The cases:

| step | if the step is held back, fails, or is not tried |
|---|---|
| create a Service | its endpoints are not written: there is no Service that could own them |
| update a mirror | of its endpoints, those that serve it as it is are written; if none do, they get the fallback |
| mark a mirror as orphaned | its endpoints are written as planned |
| delete a mirror | its endpoints get the fallback; their deletes wait |
| delete the endpoints of a Service that no longer asks for them | the endpoints get the fallback |
| create or update endpoints before their Service (`planning.renames`) | the rest waits, and so does the Service |
| create or update endpoints | the endpoints that they replace are not deleted |

A write that was done although something in the cluster changed the Service (`cluster/answers.py`) fails, but stops
nothing if the wanted endpoints serve the Service as it is: callers come first.

The fallback has the ports that the Service has now, and the nodes that are used now:

    mirror now       http -> 30080/TCP, endpoints a b c     wanted    none, or http -> 30080/UDP
    b, c, d used     the fallback is http -> 30080/TCP, endpoints b c d
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeGuard

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import EndpointPort, Key, Kind, Ref, ServicePort
from barrelman_sync.model.wanted import Mirror, WantedEndpoints, WantedSlice
from barrelman_sync.planning.modes import ENDPOINTS, SLICES, chosen_mode
from barrelman_sync.planning.reasons import Why
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Create, Delete, HeldBack, Mark, Step, Update, Write
from barrelman_sync.planning.targets import EndpointMode, Served, Targets, targets


def serves(live: LocalService, ports: Iterable[ServicePort] | Iterable[EndpointPort]) -> bool:
    """Whether endpoints with these ports serve each port that the Service has now."""
    return set(map(_name_and_protocol, live.ports)) <= set(map(_name_and_protocol, ports))


def going_ports(live: LocalService, wanted: Mirror) -> tuple[ServicePort, ...]:
    """The ports of the mirror whose names go, if endpoints can have them beside the wanted ports.

    They cannot if a name stays but gets another protocol: a slice cannot have a name twice (ValidateEndpointSlice in
    pkg/apis/discovery/validation). A target port by name has no number for endpoints.
    """
    protocols = {port.name: port.protocol for port in wanted.ports}
    going = [port for port in live.ports if protocols.get(port.name) != port.protocol]
    if any(port.name in protocols for port in going):
        return ()
    return tuple(port for port in going if isinstance(port.target_port, int))


def serves_as_it_is(live: LocalService, wanted: Mirror) -> bool:
    """Whether endpoints can have the wanted ports and serve each port that the mirror has now."""
    return serves(live, (*wanted.ports, *going_ports(live, wanted)))


def _waits_for(step: Step, service: Write) -> bool:
    """Whether a step for endpoints must not be done unless the write of their Service is done."""
    match service:
        case Update(Mirror() as wanted, LocalService() as live):
            if isinstance(step, Create | Update) and isinstance(step.wanted, WantedEndpoints | WantedSlice):
                return not serves(live, step.wanted.content.ports)
            return not serves_as_it_is(live, wanted)
        case Mark():
            return False
        case _:
            return True


def fallback(situation: Situation, live: LocalService) -> tuple[Create | Update, ...]:
    """Endpoint writes that keep the callers of a Service connected while the Service stays as it is now.

    The endpoints follow the nodes. With externalTrafficPolicy Local at the remote, nodes that are gone are dropped, and
    others are added only if no present one is left: others may not answer.
    """
    service = Served(live.key, live.ports, situation.families(live), live.revision.uid)
    if any(isinstance(port.target_port, str) for port in live.ports):
        return ()  # endpoints need a number
    steps: dict[Ref, Create | Update] = {}
    for mode in _modes_in_use(situation, live):
        found = targets(situation, service, mode)
        if isinstance(found, Targets):
            kept = (
                _without_new_nodes(situation, live.key, found) if live.key in situation.desired.local_traffic else found
            )
            # Without the deletes of the endpoint mode, and what comes only before them: a fallback takes nothing away.
            steps |= {step.ref: step for step in mode.steps(situation, service, kept) if _puts_in_place(step)}
    return tuple(steps.values())


def held(step: Create | Update | Delete, why: Why) -> tuple[Step, ...]:
    """The step as held back, and the endpoint writes that are done all the same."""
    match step:
        case Create():
            return (HeldBack(step, why),)
        case Update():
            return (HeldBack(step, why), *step.before, *step.fallback)
        case Delete():
            return (HeldBack(step, why), *step.fallback)


def held_with_service(step: Step, why: Why, service: Write) -> tuple[Step, ...]:
    """What a step turns into if the write of its Service is held back."""
    if not isinstance(step, Create | Update | Delete):
        return (step,)
    if step.ref.kind == Kind.SERVICE:
        return held(step, why)
    return (HeldBack(step, why),) if _waits_for(step, service) else (step,)


def is_stopped(step: Write, failed: Write) -> bool:
    """Whether a write cannot be tried because an earlier write failed, of the same Service or of its namespace."""
    # A write of a Service has nothing before it but what it needs: its namespace, the endpoints that have both names of
    # a port, and its own first write that gives up node ports.
    if step.ref.kind == Kind.SERVICE:
        return True
    if failed.ref.kind in (Kind.NAMESPACE, Kind.SERVICE):
        return _waits_for(step, failed)
    # New endpoints could not be written, so the old endpoints must go on to serve.
    return isinstance(step, Delete)


def _puts_in_place(step: Step) -> TypeGuard[Create | Update]:
    return isinstance(step, Create) or (isinstance(step, Update) and not step.only_replaces)


def _name_and_protocol(port: ServicePort | EndpointPort) -> tuple[str, str]:
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
