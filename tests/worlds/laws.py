"""What has to hold for a run, whatever the world was: each law is a function that raises AssertionError."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.worlds.cluster import Name, Objects
from tests.worlds.contract import (
    MARKER,
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
)
from tests.worlds.fields import Object

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
        assert _as_mirror(live) == _wanted(contract, remote), f"the mirror {place} is not as wanted"
        if nodes := contract.nodes_of(remote):
            _is_served(contract, after, live, nodes)
    for name, obj in after.items():
        if name.kind == "Service" and is_mirror(obj) and is_plain(obj) and contract.may_change(obj):
            assert key(obj) in contract.wanted, f"the mirror {name} is still there"


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
    return spec["type"], ports, affinity, labels(live).get(MARKER), labels(live).get(SOURCE), notes(live).get(UID)


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
    return kind, ports, affinity, "managed-resource", contract.source, contract.uid


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
    ports = {(port.get("name", ""), port["protocol"], port["targetPort"]) for port in live["spec"]["ports"]}
    for each in found:
        assert ports <= endpoint_ports(each), f"{each['kind']} {key(each)} has not all ports of its Service"


def callers_stay_connected(contract: Contract, after: Objects) -> None:
    """A Service of which every port was answered before is answered on every port after the run, if it is still ours.

    An exception, until a rename takes two runs as the contract says: a Service whose ports got other names.
    """
    for name, before in contract.home.items():
        now = after.get(name)
        if name.kind != "Service" or now is None or not (is_mirror(now) or is_manual(now)) or not is_plain(now):
            continue
        if _names(now) == _names(before) and is_plain(before) and _is_connected(contract, contract.home, before):
            assert _is_connected(contract, after, now), f"{name} lost its endpoints"


def _names(service: Object) -> set[tuple[str, str]]:
    return {(port.get("name", ""), port["protocol"]) for port in service["spec"]["ports"]}


def _is_connected(contract: Contract, objects: Objects, service: Object) -> bool:
    answered = set()
    for found in contract.endpoints_at(key(service), objects):
        if addresses(found) and _is_seen(found):
            answered |= {(name, protocol) for name, protocol, _ in endpoint_ports(found)}
    return _names(service) <= answered


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


def state(objects: Objects) -> Mapping[Name, object]:
    """Return what two clusters have in common that came to the same by other ways: all but uids, versions, holders.

    Endpoints without Service are left out: if somebody took the owner off them, nobody deletes them, and nobody sees
    them.
    """
    return {
        name: _content(obj) for name, obj in objects.items() if name.kind not in SERVING or _has_service(obj, objects)
    }


def _has_service(found: Object, objects: Objects) -> bool:
    return Name("Service", *service_of(found)) in objects


def _content(obj: Object) -> Object:
    owners = [(owner["kind"], owner["name"]) for owner in obj["metadata"].get("ownerReferences") or ()]
    dropped = {"uid", "resourceVersion", "managedFields", "ownerReferences"}
    kept = {name: value for name, value in obj["metadata"].items() if name not in dropped and value}
    return {**obj, "metadata": {**kept, "owners": owners}}


def looks(objects: Objects) -> Mapping[Name, object]:
    """Return of mirrors and of our endpoints what real and simulated servers have in common."""
    mirrors = {name: obj for name, obj in objects.items() if name.kind == "Service" and is_mirror(obj)}
    served = {name: obj for name, obj in objects.items() if name.kind in SERVING and _is_at(obj, mirrors)}
    return {
        **{name: (_as_mirror(obj), _said(obj), _of_users(obj)) for name, obj in mirrors.items()},
        **{name: (addresses(obj), endpoint_ports(obj), _said(obj)) for name, obj in served.items()},
    }


def _is_at(found: Object, services: Objects) -> bool:
    return is_managed(found) and _has_service(found, services)


def _said(obj: Object) -> object:
    return labels(obj), notes(obj)


def _of_users(service: Object) -> object:
    return [service["spec"].get(field) for field in ("selector", "externalIPs")]
