"""Steps for the endpoints of mirrors and manual services. Pure.

One Endpoints object of the Service's name, which belongs to the Service, whoever made it; or EndpointSlices. Between
the two there is no moment without endpoints, see docs/adr/004-two-kinds-of-endpoints.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import Key, Kind
from barrelman_sync.model.wanted import WantedEndpoints
from barrelman_sync.planning.changes import endpoints_changes
from barrelman_sync.planning.desired import endpoint_ports
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.slices import SliceSet, slice_steps
from barrelman_sync.planning.steps import Cause, Create, Delete, Leave, Step, Unchanged, Update
from barrelman_sync.planning.targets import Keep, Served, Targets, targets


def serve(situation: Situation, service: Served) -> Iterator[Step]:
    """Endpoints with the addresses of the nodes, in the mode that the user chose."""
    match targets(situation, service):
        case Keep(reason, fails):
            kept = f"stay as they are: {reason}"
            yield Leave(Kind.ENDPOINTS, service.key, Cause.ENDPOINTS_KEPT, kept, fails=fails)
            if situation.ours(service.key):
                yield from _left_behind(situation, service.key)
        case Targets() as found:
            if found.unserved:
                missing = " and ".join(found.unserved)
                yield Leave(Kind.ENDPOINTS, service.key, Cause.FAMILY, f"no node has an {missing} address")
            yield from _in_chosen_mode(situation, service, found)
            yield from _left_behind(situation, service.key)


def follow_nodes(situation: Situation, live: LocalService) -> tuple[Create | Update, ...]:
    """Endpoints of a Service as it is now, not as the remote wants it: without the nodes that are gone.

    It gets others only if none is left: nobody knows any more whether they would answer for it (traffic policy Local).
    """
    service = Served(live.key, live.ports, situation.families(live), live.revision.uid)
    found = targets(situation, service)
    if isinstance(found, Keep) or any(isinstance(port.target_port, str) for port in live.ports):
        return ()
    present = situation.present_addresses(live.key)
    kept = {family: situation.nodes.pools[family].among(present) for family in found.addresses}
    addresses = {family: kept[family] or chosen for family, chosen in found.addresses.items()}
    steps = _in_chosen_mode(situation, service, Targets(addresses))
    return tuple(step for step in steps if isinstance(step, Create | Update))


def manual_steps(situation: Situation, live: LocalService) -> Iterator[Step]:
    """What a manual service gets: endpoints and nothing else."""
    if reason := situation.hands_off(live):
        yield Leave(Kind.SERVICE, live.key, Cause.HANDS_OFF, reason)
    elif not situation.scope.covers(holder := situation.serving_remote(live)):
        yield Leave(Kind.SERVICE, live.key, Cause.OTHER_SOURCE, f"served from {holder}")
    elif reason := _cannot_have_endpoints(live):
        yield Leave(Kind.SERVICE, live.key, Cause.CANNOT_SERVE, reason)
        yield from remove(situation.managed(live.key), reason, guarded=True)
    elif named := [str(port.target_port) for port in live.ports if isinstance(port.target_port, str)]:
        reason = f"targetPort {', '.join(named)} is a name: endpoints of another cluster's nodes need a number"
        yield Leave(Kind.SERVICE, live.key, Cause.CANNOT_SERVE, reason)
        if situation.ours(live.key):
            yield from _left_behind(situation, live.key)
    else:
        yield from serve(situation, Served(live.key, live.ports, situation.families(live), live.revision.uid))


def lost_label_steps(situation: Situation, live: LocalService) -> Iterator[Step]:
    """What becomes of our endpoints at a Service that does not ask for any (more)."""
    if not situation.ours(live.key):
        return
    if reason := situation.hands_off(live):
        yield Leave(Kind.ENDPOINTS, live.key, Cause.HANDS_OFF, reason)
    else:
        first, *others = remove(situation.ours(live.key), "the Service no longer asks for endpoints", guarded=True)
        yield replace(first, meanwhile=follow_nodes(situation, live))
        yield from others


def remove(endpoints: Iterable[LocalEndpoints | LocalSlice], reason: str, *, guarded: bool) -> Iterator[Delete]:
    """Deletes endpoints of one Service."""
    for each in endpoints:
        yield Delete(each, reason, guarded=guarded)


def _in_chosen_mode(situation: Situation, service: Served, found: Targets) -> Iterator[Step]:
    if situation.rules.slices:
        yield from _by_slices(situation, service, found)
    else:
        yield from _by_endpoints(situation, service, found)


def _by_slices(situation: Situation, service: Served, found: Targets) -> Iterator[Step]:
    """The slices, then the Endpoints go; what a family has that no node serves now stays."""
    yield from _slice_steps(situation, service, found)
    for slice_ in situation.slices(service.key):
        if slice_.managed_by_us and slice_.family not in service.families:
            yield Delete(slice_, f"the Service has no {slice_.family} address any more", guarded=False)
    endpoints = situation.local.endpoints.get(service.key)
    if endpoints and service.families[0] not in found.unserved:
        yield Delete(endpoints, "its EndpointSlices take over", guarded=False)


def _by_endpoints(situation: Situation, service: Served, found: Targets) -> Iterator[Step]:
    """The Endpoints; slices of ours stay until Kubernetes' copies of the Endpoints carry their addresses."""
    ((_, addresses),) = found.addresses.items()  # of the primary family, see `targets`
    wanted = WantedEndpoints(service.key, situation.scope.source, addresses, endpoint_ports(service.ports), service.uid)
    yield _endpoints_step(situation, wanted)
    ours = [slice_ for slice_ in situation.slices(service.key) if slice_.managed_by_us]
    if not ours:
        return
    if _is_mirrored(situation, wanted):
        for slice_ in ours:
            yield Delete(slice_, "the mirrored slices of its Endpoints take over", guarded=False)
    else:
        yield from _keep_slices(situation, service, found)


def _keep_slices(situation: Situation, service: Served, found: Targets) -> Iterator[Step]:
    """The slices as they would be, in the family too that an Endpoints object does not serve."""
    others = targets(replace(situation, rules=replace(situation.rules, slices=True)), service)
    addresses = {**(others.addresses if isinstance(others, Targets) else {}), **found.addresses}
    yield from _slice_steps(situation, service, Targets(addresses))
    reason = "kept until Kubernetes' endpointslice-mirroring controller has copied the Endpoints"
    yield Leave(Kind.SLICE, service.key, Cause.MIRRORING, reason)


def _endpoints_step(situation: Situation, wanted: WantedEndpoints) -> Step:
    live = situation.local.endpoints.get(wanted.key)
    if live is None:
        return Create(wanted)
    if changes := endpoints_changes(live, wanted):
        return Update(wanted, live, changes)
    return Unchanged(live)


def _slice_steps(situation: Situation, service: Served, found: Targets) -> Iterator[Step]:
    ports = endpoint_ports(service.ports)
    for family, addresses in found.addresses.items():
        wanted = SliceSet(service.key, situation.scope.source, family, addresses, ports, service.uid)
        yield from slice_steps(wanted, situation.slices(service.key))


def _is_mirrored(situation: Situation, wanted: WantedEndpoints) -> bool:
    """Whether there are copies of these very Endpoints: those of former ones are about to be collected."""
    live = situation.local.endpoints.get(wanted.key)
    mirrored = situation.local.mirrored.get(wanted.key, ()) if live and not live.deleting else ()
    copies = [copy for copy in mirrored if live and live.revision.uid in copy.owners and copy.ports == wanted.ports]
    return {address for copy in copies for address in copy.addresses} >= set(wanted.addresses)


def _left_behind(situation: Situation, service: Key) -> Iterator[Step]:
    """Slices of pods from when the Service had a selector: nobody else removes them, and kube-proxy uses them."""
    for slice_ in situation.slices(service):
        if not slice_.managed_by_us:
            reason = "left behind by Kubernetes' controller when the Service lost its selector"
            yield Delete(slice_, reason, guarded=False)


def _cannot_have_endpoints(live: LocalService) -> str | None:
    if live.has_selector:
        return "a manual service must not have a selector: its endpoints are left to Kubernetes"
    if live.type == "ExternalName":
        return "type ExternalName has no endpoints"
    return None
