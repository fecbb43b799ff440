"""What has to hold for a run, whatever the world was: each law is a function that raises AssertionError."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.worlds.cluster import Name, Objects
from tests.worlds.contract import (
    MARKER,
    ORPHANED,
    REPLACES,
    SLICE_MANAGER,
    SOURCE,
    UID,
    US,
    Contract,
    Key,
    addresses,
    endpoint_ports,
    is_managed,
    is_manual,
    is_mirror,
    is_plain,
    key,
    labels,
    notes,
    service_of,
    zones,
)
from tests.worlds.fields import Object

PortName = tuple[str, str]
"""The name and protocol of a port, by which kube-proxy joins a Service with its endpoints."""
MIRRORING = "endpointslicemirroring-controller.k8s.io"
SERVING = {"Endpoints", "EndpointSlice"}
OUR_LABELS = (MARKER, SOURCE, "app.kubernetes.io/managed-by")
OUR_FIELDS = {"type", "ports", "sessionAffinity", "sessionAffinityConfig"} | {
    "externalTrafficPolicy",  # these three come and go with the type
    "allocateLoadBalancerNodePorts",
    "healthCheckNodePort",
}


def foreign_objects_stay(
    contract: Contract, after: Objects, *, but: Callable[[Object], bool] = lambda _: False
) -> None:
    """What is not ours is the same, byte for byte; and of what is ours, the labels and annotations of others.

    `but`: objects that others change while the run goes on.
    """
    for name, obj in contract.home.items():
        if but(obj):
            continue
        if not contract.may_change(obj):
            assert after.get(name) == obj, f"{name} is not ours, and was changed"
        elif name.kind == "Service" and (now := after.get(name)):
            assert _foreign(now) == _foreign(obj), f"labels, annotations or fields of others at {name} were changed"
    for name in after.keys() - contract.home.keys():
        new = name.kind == "Namespace" or but(after[name]) or _is_new(contract, after, name)
        assert new, f"{name} was not to be created"


def _foreign(service: Object) -> object:
    kept = {name: value for name, value in labels(service).items() if name not in OUR_LABELS}
    said = {name: value for name, value in notes(service).items() if not name.startswith("tfw.io/")}
    return kept, said, {name: value for name, value in service["spec"].items() if name not in OUR_FIELDS}


def _is_new(contract: Contract, after: Objects, name: Name) -> bool:
    obj = after[name]
    if name.kind == "Service":
        return key(obj) in contract.wanted and contract.source == labels(obj).get(SOURCE)
    service = after.get(Name("Service", *service_of(obj)))
    return service is not None and MARKER in labels(service) and is_managed(obj)


def guards_hold(contract: Contract, after: Objects) -> None:
    """No more Services are taken from callers than the user allows, and none if the remote lists no node."""
    lost = [place for place in contract.owned() if _is_lost(contract, after, place)]
    assert len(lost) <= contract.most_deletes(), f"{lost} were deleted, {contract.most_deletes()} are allowed"


def _is_lost(contract: Contract, after: Objects, place: Key) -> bool:
    before, now = contract.service(place), after.get(Name("Service", *place))
    assert before is not None
    if now is None:
        return True
    return not is_mirror(before) and not any(is_managed(found) for found in contract.endpoints_at(place, after))


def converged(contract: Contract, after: Objects) -> None:
    """Every remote Service that can have a mirror has the mirror that it asks for, and no other mirror is left."""
    for place, remote in contract.wanted.items():
        if _is_blocked(contract, place):
            continue
        live = after.get(Name("Service", *place))
        assert live is not None, f"{place} has no mirror"
        nodes = contract.nodes_of(remote)
        if not nodes and any(addresses(found) for found in contract.endpoints_at(place)):
            continue  # endpoints that are kept have the old names of ports, and so has the mirror
        assert _as_mirror(live) == _wanted(contract, remote), f"the mirror {place} is not as wanted"
        if nodes:
            _is_served(contract, after, live, nodes)
    for name, before in contract.home.items():
        if name.kind == "Service" and is_mirror(before):
            _is_dealt_with(contract, before, after)


def _is_dealt_with(contract: Contract, before: Object, after: Objects) -> None:
    """Check that a mirror that is not wanted is gone, or waits; and that a user's Service has nothing of ours."""
    now, name = after.get(Name("Service", *key(before))), key(before)
    if contract.may_change(before) and not is_plain(before):
        assert now is not None, f"the Service {name} was released, and is gone"
        assert not is_mirror(now), f"the Service {name} is not released"
        assert not {UID, ORPHANED, REPLACES} & notes(now).keys(), f"the Service {name} has annotations of ours"
    elif contract.may_change(before) and name not in contract.wanted and not contract.waits(before):
        assert now is None, f"the mirror {name} is still there"
    elif now and is_plain(now) and contract.may_serve(before) and name not in contract.wanted:
        _follows(contract, after, now)


def _follows(contract: Contract, after: Objects, mirror: Object) -> None:
    """Check that the endpoints of a mirror that stays as it is are those of the nodes."""
    remote = contract.away.get(Name("Service", *key(mirror)))
    nodes = contract.nodes_of(remote) if remote else contract.nodes
    if nodes and all(isinstance(port["targetPort"], int) for port in mirror["spec"]["ports"]):
        _is_served(contract, after, mirror, nodes)


def grace_holds(contract: Contract, after: Objects) -> None:
    """A mirror that waits for its delete is there, marked, as it was. A mirror that is wanted again is the same one."""
    for name, before in contract.home.items():
        if name.kind != "Service" or not contract.may_change(before) or not is_plain(before):
            continue
        now = after.get(name)
        if key(before) in contract.wanted:
            assert now is not None, f"{name} is wanted, and was deleted"
            assert _address(now) == _address(before), f"{name} has another address"
        elif contract.waits(before):
            assert now is not None, f"{name} was deleted before its grace was over"
            assert _address(now) == _address(before), f"{name} has another address"
            assert now["spec"] == before["spec"], f"{name} waits for its delete, and was changed"


def _address(service: Object) -> object:
    return service["metadata"]["uid"], service["spec"]["clusterIP"]


def _is_blocked(contract: Contract, place: Key) -> bool:
    live = contract.service(place)
    if live is not None:
        return not contract.may_change(live) or not is_plain(live)
    namespace = contract.home.get(Name("Namespace", "", place[0]))
    if namespace is None:
        return contract.options.has("--no-create-namespaces")
    return contract.is_terminating(place[0])


def _as_mirror(live: Object) -> object:
    spec = live["spec"]
    ports = sorted(
        (port.get("name", ""), port["protocol"], port["port"], port["targetPort"], port.get("nodePort", 0))
        for port in spec["ports"]
    )
    affinity = (spec["sessionAffinity"], spec.get("sessionAffinityConfig"))
    marks = labels(live).get(MARKER), labels(live).get(SOURCE), notes(live).get(UID), ORPHANED in notes(live)
    return spec["type"], ports, affinity, marks


def _wanted(contract: Contract, remote: Object) -> object:
    node_ports = contract.options.has("--nodeportsvc")
    spec = remote["spec"]
    ports = sorted(
        (port.get("name", ""), port["protocol"], port["port"], number, number if node_ports else 0)
        for port in spec["ports"]
        if (number := port.get("nodePort"))
    )
    affinity = (spec["sessionAffinity"], spec.get("sessionAffinityConfig"))
    kind = "NodePort" if node_ports else "ClusterIP"
    return kind, ports, affinity, ("managed-resource", contract.source, contract.uid, False)


def _is_served(contract: Contract, after: Objects, live: Object, nodes: set[str]) -> None:
    """Check that a mirror has its nodes, or as many as the user allows, on the node ports."""
    slices = contract.options.has("--endpoint-slices")
    kind = "EndpointSlice" if slices else "Endpoints"
    managed = [each for each in contract.endpoints_at(key(live), after) if is_managed(each)]
    found = [each for each in managed if each["kind"] == kind]
    serving = {address for each in found for address in addresses(each)}
    limit = int(contract.options.value("--max-endpoints") or 250) or len(nodes)
    assert all(addresses(each) <= nodes for each in managed), f"{key(live)} has nodes that are not used"
    assert len(serving) == min(limit, len(nodes)), f"{key(live)} has {serving} of {nodes}"
    others = [each for each in contract.endpoints_at(key(live), after) if each["kind"] == "Endpoints"]
    assert not (slices and others), f"{key(live)} has slices, and Endpoints too"
    for each in managed:
        assert all(contract.zones[ip] == zone for ip, zone in zones(each).items()), f"{key(each)} has other zones"
    ports = {(port.get("name", ""), port["protocol"], port["targetPort"]) for port in live["spec"]["ports"]}
    for each in found:
        assert ports <= endpoint_ports(each), f"{each['kind']} {key(each)} has not all ports of its Service"


def callers_stay_connected(contract: Contract, after: Objects) -> None:
    """What was answered is answered, at each moment of a run and after it: each port of a Service that is still ours.

    A port of a Service is the same to callers if it has the number and protocol that it had, and to kube-proxy if it
    has the name and protocol. There are three exceptions: a Service in which a name stays but gets another protocol,
    because a slice cannot have a name twice; a new name of a port to which somebody gave a target by name, because that
    is no number for endpoints; and a new name of a port while no node answers, see `test_known_limits`.
    """
    for name, before in contract.home.items():
        now = after.get(name)
        if name.kind != "Service" or now is None or not (is_mirror(now) or is_manual(now)) or not is_plain(now):
            continue
        if is_plain(before) and not _exchanges_protocols(before, now):
            known = _known(before, now, _seen(contract, contract.home, before))
            if _targets_a_name(before):
                known &= _names(before)
            lost = known - _answered(contract, after, before, now)
            assert not lost, f"{name} lost its endpoints for {lost}"


def _targets_a_name(service: Object) -> bool:
    return any(isinstance(port["targetPort"], str) for port in service["spec"].get("ports", ()))


def _exchanges_protocols(before: Object, now: Object) -> bool:
    protocols = dict(_names(before))
    return any(protocols.get(name, protocol) != protocol for name, protocol in _names(now))


def _names(service: Object) -> set[PortName]:
    return {(port.get("name", ""), port["protocol"]) for port in service["spec"].get("ports", ())}


def _known(before: Object, now: Object, answered: set[PortName]) -> set[PortName]:
    """Return the names that ports have now that were answered before, under these names or others."""
    numbers = {
        (port["port"], port["protocol"])
        for port in before["spec"].get("ports", ())
        if (port.get("name", ""), port["protocol"]) in answered
    }
    renamed = {
        (port.get("name", ""), port["protocol"])
        for port in now["spec"].get("ports", ())
        if (port["port"], port["protocol"]) in numbers
    }
    return (_names(now) & _names(before) & answered) | renamed


def _answered(contract: Contract, after: Objects, before: Object, now: Object) -> set[PortName]:
    """Return the names that are answered. Endpoints with a new name count: Kubernetes copies them soon enough."""
    copied_soon = {
        (name, protocol)
        for found in contract.endpoints_at(key(now), after)
        if found["kind"] == "Endpoints" and addresses(found) and is_managed(found)
        for name, protocol, _ in endpoint_ports(found)
    }
    return _seen(contract, after, now) | (copied_soon - _names(before))


def _seen(contract: Contract, objects: Objects, service: Object) -> set[PortName]:
    """Return the names for which kube-proxy sees endpoints of a Service."""
    return {
        (name, protocol)
        for found in contract.endpoints_at(key(service), objects)
        if addresses(found) and _is_seen(found)
        for name, protocol, _ in endpoint_ports(found)
    }


def _is_seen(found: Object) -> bool:
    """Return whether kube-proxy sees endpoints of ours: our slices, and copies of our Endpoints."""
    return found["kind"] == "EndpointSlice" and labels(found).get(SLICE_MANAGER) in {US, MIRRORING}


def changed(before: Objects, after: Objects) -> Iterator[tuple[Name, str]]:
    """Yield what happened to each object that is not the same."""
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield name, "create"
        elif name not in after:
            yield name, "delete"
        elif before[name] != after[name]:
            yield name, "update"


# --- states -----------------------------------------------------------------------------------------------------


def state(contract: Contract) -> Mapping[Name, object]:
    """Return what two clusters have in common that came to the same by other ways: all but uids, versions, holders.

    Endpoints without Service are left out: if somebody took the owner off them, nobody deletes them, and nobody sees
    them. So are endpoints of other sources: a run that was cut off may leave them at a mirror that said no source and
    that it released, to runs of their source.
    """
    left = (name for name, obj in contract.home.items() if name.kind in SERVING and not _is_to_compare(contract, obj))
    return {name: _content(contract.home[name]) for name in contract.home.keys() - left}


def _is_to_compare(contract: Contract, found: Object) -> bool:
    return _has_service(found, contract.home) and (contract.is_ours(found) or not is_managed(found))


def _has_service(found: Object, objects: Objects) -> bool:
    return Name("Service", *service_of(found)) in objects


def _content(obj: Object) -> Object:
    owners = [(owner["kind"], owner["name"]) for owner in obj["metadata"].get("ownerReferences") or ()]
    dropped = {"uid", "resourceVersion", "managedFields", "ownerReferences"}
    kept = {name: value for name, value in obj["metadata"].items() if name not in dropped and value}
    said = {name: value for name, value in notes(obj).items() if name != REPLACES}
    return {**obj, "metadata": {**kept, "annotations": said, "owners": owners}}


def looks(objects: Objects) -> Mapping[Name, object]:
    """Return of mirrors and of our endpoints what real and simulated servers have in common."""
    mirrors = {name: obj for name, obj in objects.items() if name.kind == "Service" and is_mirror(obj)}
    served = {name: obj for name, obj in objects.items() if name.kind in SERVING and _is_at(obj, mirrors)}
    return {
        **{name: (_as_mirror(obj), _said(obj), _of_users(obj)) for name, obj in mirrors.items()},
        **{name: (addresses(obj), zones(obj), endpoint_ports(obj), _said(obj)) for name, obj in served.items()},
    }


def _is_at(found: Object, services: Objects) -> bool:
    return is_managed(found) and _has_service(found, services)


def _said(obj: Object) -> object:
    """Return the labels and annotations; not what depends on the moment, or on resourceVersions."""
    return labels(obj), {name: value for name, value in notes(obj).items() if name not in {ORPHANED, REPLACES}}


def _of_users(service: Object) -> object:
    return [service["spec"].get(field) for field in ("selector", "externalIPs")]
