"""Steps for the endpoints of mirrors and manual services. Pure.

Section 4 of the design: one Endpoints object of the Service's name. It belongs to the Service, whoever made it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from barrelman_sync.changes import endpoints_changes
from barrelman_sync.desired import endpoint_ports
from barrelman_sync.model import Family, Key, Kind, LocalEndpoints, LocalService, ServicePort, WantedEndpoints
from barrelman_sync.situation import Situation
from barrelman_sync.steps import Create, Delete, Leave, Step, Unchanged, Update


class Served(NamedTuple):
    """A Service that gets endpoints from us; `uid` is None as long as it has yet to be created."""

    key: Key
    ports: tuple[ServicePort, ...]
    uid: str | None
    family: Family


def serve(situation: Situation, service: Served) -> Iterator[Step]:
    """Endpoints with the addresses of the nodes. They are never emptied: without a node they stay as they are."""
    live = situation.local.endpoints.get(service.key)
    addresses = situation.nodes.sorted_addresses(service.family)
    if not addresses:
        nodes = "no node takes part" if situation.nodes.is_empty else f"no node has an {service.family} address"
        yield Leave(Kind.ENDPOINTS, service.key, f"stay as they are: {nodes}", fails=True)
        return
    source = situation.scope.source
    wanted = WantedEndpoints(service.key, source, addresses, endpoint_ports(service.ports), service.uid)
    if live is None:
        yield Create(wanted)
    elif changes := endpoints_changes(live, wanted):
        yield Update(wanted, live.revision, changes, live.labels)
    else:
        yield Unchanged(Kind.ENDPOINTS, service.key)


def manual_steps(situation: Situation, live: LocalService) -> Iterator[Step]:
    """What a manual service gets: endpoints and nothing else."""
    endpoints = situation.local.endpoints.get(live.key)
    if reason := _not_to_serve(situation, live, endpoints):
        yield Leave(Kind.SERVICE, live.key, reason)
    elif reason := _cannot_have_endpoints(live):
        yield Leave(Kind.SERVICE, live.key, reason)
        yield from remove(situation, live.key, reason)
    elif named := [str(port.target_port) for port in live.ports if isinstance(port.target_port, str)]:
        reason = f"targetPort {', '.join(named)} is a name: endpoints of another cluster's nodes need a number"
        yield Leave(Kind.SERVICE, live.key, reason)
    else:
        family = live.families[0] if live.families else situation.default_family
        yield from serve(situation, Served(live.key, live.ports, live.revision.uid, family))


def lost_label_steps(situation: Situation, live: LocalService) -> Iterator[Step]:
    """What becomes of our endpoints at a Service that does not ask for any (more)."""
    endpoints = situation.local.endpoints.get(live.key)
    if endpoints is None or not _is_ours(situation, endpoints):
        return
    if reason := situation.hands_off(live):
        yield Leave(Kind.ENDPOINTS, live.key, reason)
    else:
        yield from remove(situation, live.key, "the Service no longer asks for endpoints")


def remove(situation: Situation, key: Key, reason: str, *, guarded: bool = True) -> Iterator[Step]:
    """Delete the Endpoints if they still say that they are ours: others, Kubernetes' controllers too, keep theirs."""
    endpoints = situation.local.endpoints.get(key)
    if endpoints and _is_ours(situation, endpoints):
        yield Delete(Kind.ENDPOINTS, key, endpoints.revision, reason, guarded=guarded)


def holds_our_endpoints(situation: Situation, live: LocalService) -> bool:
    """Whether a Service that is no mirror has endpoints from this run's source."""
    endpoints = situation.local.endpoints.get(live.key)
    return endpoints is not None and _is_ours(situation, endpoints)


def _is_ours(situation: Situation, endpoints: LocalEndpoints) -> bool:
    return endpoints.is_ours and situation.scope.is_ours(endpoints.source)


def _not_to_serve(situation: Situation, live: LocalService, endpoints: LocalEndpoints | None) -> str | None:
    if reason := situation.hands_off(live):
        return reason
    holder = live.source or (endpoints.source if endpoints else None)
    return None if situation.scope.is_ours(holder) else f"served from {holder}"


def _cannot_have_endpoints(live: LocalService) -> str | None:
    if live.has_selector:
        return "a manual service must not have a selector: its endpoints are left to Kubernetes"
    if live.type == "ExternalName":
        return "type ExternalName has no endpoints"
    return None
