"""What the contract says about an object, in words of its own: not those of the product, which are what is tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from tests.worlds.cluster import Name, Objects
from tests.worlds.fields import Object
from tests.worlds.options import Options

MARKER, SOURCE, UID = "tfw.io/barrelman", "tfw.io/barrelman-source", "tfw.io/barrelman-source-uid"
ORPHANED, REPLACES = "tfw.io/barrelman-orphaned-since", "tfw.io/barrelman-replaces"
ENDPOINTS_MANAGER = "endpoints.kubernetes.io/managed-by"
SLICE_MANAGER = "endpointslice.kubernetes.io/managed-by"
US = "barrelman-sync"
DEFAULT_DELETES, DEFAULT_PERCENT = 10, 30
GRACES = {None: 0, "10m": 600, "1h": 3600}
SKEW = 60
"""Seconds in the future that a mark may be."""
Key = tuple[str, str]
Port = tuple[str, str, int]


def labels(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def notes(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def key(obj: Object) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def is_mirror(service: Object) -> bool:
    return labels(service).get(MARKER) == "managed-resource"


def is_manual(service: Object) -> bool:
    return labels(service).get(MARKER) == "true"


def is_plain(service: Object) -> bool:
    """Return whether it is no real Service of somebody."""
    spec = service["spec"]
    return not spec.get("selector") and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName"


def is_managed(found: Object) -> bool:
    """Return whether endpoints say that we manage them."""
    return labels(found).get(SLICE_MANAGER if found["kind"] == "EndpointSlice" else ENDPOINTS_MANAGER) == US


def service_of(found: Object) -> Key:
    """Return the Service of endpoints: that of a slice of ours by the slice's name, which nobody can change."""
    namespace, name = key(found)
    if found["kind"] == "Endpoints":
        return namespace, name
    by_name, form, _ = name.partition("-barrelman-")
    return namespace, by_name if form and is_managed(found) else labels(found).get("kubernetes.io/service-name", "")


def addresses(found: Object) -> set[str]:
    if found["kind"] == "Endpoints":
        return {entry["ip"] for subset in found.get("subsets") or () for entry in subset.get("addresses") or ()}
    return {address for entry in found.get("endpoints") or () for address in entry["addresses"]}


def zones(found: Object) -> Mapping[str, str]:
    """Return the zones of the endpoints of a slice, by address; of those without zone, and without hint, "".

    A zone whose hints say something else has a question mark.
    """
    named: dict[str, str] = {}
    for entry in found.get("endpoints") or ():
        zone, hints = entry.get("zone") or "", entry.get("hints") or {}
        asked = [{"name": zone}] if zone else []
        said = zone if hints.get("forZones", []) == asked else f"{zone}?"
        named |= dict.fromkeys(entry["addresses"], said)
    return named


def endpoint_ports(found: Object) -> set[Port]:
    """Return name, protocol and number of each port of endpoints."""
    if found["kind"] == "Endpoints":
        ports = [port for subset in found.get("subsets") or () for port in subset.get("ports") or ()]
    else:
        ports = found.get("ports") or []
    return {(port.get("name", ""), port.get("protocol", "TCP"), port["port"]) for port in ports}


@dataclass(frozen=True)
class Contract:
    """Both clusters before a run, what the user asked for, and the moment of the run."""

    home: Objects
    away: Objects
    options: Options
    source: str
    uid: str
    now: int

    # --- the remote

    @cached_property
    def wanted(self) -> Mapping[Key, Object]:
        """The remote Services that are to be mirrored."""
        services = (obj for name, obj in self.away.items() if name.kind == "Service")
        return {key(obj): obj for obj in services if self._is_wanted(obj)}

    def _is_wanted(self, service: Object) -> bool:
        types = {"NodePort", *(["LoadBalancer"] if self.options.has("--include-loadbalancers") else [])}
        namespace, _ = key(service)
        asks_for_endpoints = is_manual(service) and not service["spec"].get("selector")
        return (
            service["spec"]["type"] in types
            and self.covers(namespace)
            and not self.ignores(namespace)
            and self._is_selected(service)
            and notes(service).get(MARKER) != "ignore"
            and not is_mirror(service)
            and not asks_for_endpoints
            and any(port.get("nodePort") for port in service["spec"]["ports"])
        )

    def _is_selected(self, service: Object) -> bool:
        match self.options.value("--service-selector"):
            case None:
                return True
            case "team=shop":
                return labels(service).get("team") == "shop"
            case _:
                return labels(service).get("team") != "shop"

    def nodes_of(self, service: Object) -> set[str]:
        """Return the addresses of the nodes that answer for a remote Service: with policy Local, those with a pod."""
        if service["spec"].get("externalTrafficPolicy") != "Local":
            return self.nodes
        slices = [
            obj
            for obj in self.away.values()
            if obj["kind"] == "EndpointSlice" and labels(obj).get("kubernetes.io/service-name") == key(service)[1]
        ]
        inside = (entry for obj in slices if key(obj)[0] == key(service)[0] for entry in obj.get("endpoints") or ())
        names = {entry.get("nodeName") for entry in inside}
        return self.nodes & {address for node in self.listed_nodes if key(node)[1] in names for address in _ips(node)}

    @cached_property
    def nodes(self) -> set[str]:
        """The addresses of the nodes that are used."""
        fit = [node for node in self.listed_nodes if self._is_fit(node)]
        ready = {address for node in fit if _ready(node) == "True" for address in _ips(node)}
        lost = 2 * len([node for node in fit if _ready(node) == "True"]) < len(fit)
        return ready | {address for node in fit if lost and _ready(node) == "Unknown" for address in _ips(node)}

    @cached_property
    def listed_nodes(self) -> list[Object]:
        return [obj for name, obj in self.away.items() if name.kind == "Node"]

    @cached_property
    def zones(self) -> Mapping[str, str]:
        """The zones that endpoints are to have, by address; those of nodes without zone, or if nobody asked, are ""."""
        asked = self.options.has("--prefer-same-zone")
        label = "topology.kubernetes.io/zone"
        return {ip: labels(node).get(label, "") if asked else "" for node in self.listed_nodes for ip in _ips(node)}

    def _is_fit(self, node: Object) -> bool:
        excluded = labels(node).get("node.kubernetes.io/exclude-from-external-load-balancers", "false") != "false"
        taints = {taint["key"] for taint in node["spec"].get("taints") or ()}
        return (
            bool(_ips(node))
            and "ToBeDeletedByClusterAutoscaler" not in taints
            and labels(node).get("operation.gke.io/type") != "drain"
            and labels(node).get("type") != "virtual-kubelet"
            and (not excluded or self.options.has("--use-excluded-nodes"))
        )

    def covers(self, namespace: str) -> bool:
        names = self.options.values("--namespace")
        return not names or namespace in names

    def ignores(self, namespace: str) -> bool:
        names = self.options.values("--ignore-namespace")
        return namespace in names or (namespace == "kube-system" and "-kube-system" not in names)

    # --- whose is it?

    def is_ours(self, obj: Object) -> bool:
        name, uid = labels(obj).get(SOURCE), notes(obj).get(UID)
        if name is not None and name == self.options.value("--adopt-source"):
            return True
        return name in {None, self.source} and uid in {None, self.uid}

    def is_off_limits(self, service: Object) -> bool:
        namespace, _ = key(service)
        return not self.covers(namespace) or self.is_terminating(namespace)

    def is_terminating(self, namespace: str) -> bool:
        found = self.home.get(Name("Namespace", "", namespace), {})
        return bool(found.get("status", {}).get("phase") == "Terminating")

    def is_ignored(self, service: Object) -> bool:
        return notes(service).get(MARKER) == "ignore" or self.ignores(key(service)[0])

    def service(self, place: Key) -> Object | None:
        return self.home.get(Name("Service", *place))

    def endpoints_at(self, place: Key, objects: Objects | None = None) -> Iterator[Object]:
        """Yield the Endpoints and the slices of a Service."""
        for obj in (self.home if objects is None else objects).values():
            if obj["kind"] in {"Endpoints", "EndpointSlice"} and service_of(obj) == place:
                yield obj

    # --- what may a run do?

    def may_change(self, obj: Object) -> bool:
        """Return whether a run may write or delete this object of the local cluster."""
        if obj["kind"] == "Service":
            return is_mirror(obj) and self.is_ours(obj) and not self.is_off_limits(obj) and not self.is_ignored(obj)
        if obj["kind"] == "EndpointSlice":
            known = labels(obj).get(SLICE_MANAGER) in {US, "endpointslice-controller.k8s.io"}
            return known and self._may_serve_at(obj)
        return obj["kind"] == "Endpoints" and self._may_serve_at(obj)

    def _may_serve_at(self, found: Object) -> bool:
        service = self.service(service_of(found))
        if service is None:
            return service_of(found) in self.wanted
        if is_mirror(service):
            return self.may_serve(service)
        if self.is_off_limits(service):
            return False
        if is_manual(service):
            return self.is_ours(self._holder(service))
        return is_managed(found) and self.is_ours(found) and not self.is_ignored(service)

    def may_serve(self, mirror: Object) -> bool:
        """Return whether a run may write the endpoints of a mirror, also of one that it may not write."""
        return self.is_ours(mirror) and not self.is_off_limits(mirror)

    def _holder(self, service: Object) -> Object:
        """Return the object that says who serves a manual service: endpoints of the source that it names, or itself."""
        found = [each for each in self.endpoints_at(key(service)) if is_managed(each) and SOURCE in labels(each)]
        asked = labels(service).get(SOURCE)
        return next((each for each in found if asked in {None, labels(each)[SOURCE]}), service)

    # --- grace

    def waits(self, mirror: Object) -> bool:
        """Return whether a mirror that is not wanted has to be there after the run, because of the grace."""
        grace = GRACES[self.options.value("--delete-grace")]
        if not grace or self._port_is_needed(mirror):
            return False
        since = _moment(notes(mirror).get(ORPHANED, ""))
        return since is None or since > self.now + SKEW or since + grace > self.now

    def _port_is_needed(self, mirror: Object) -> bool:
        """Return whether another mirror, one that the run may write, is to have a node port of this one."""
        if not self.options.has("--nodeportsvc"):
            return False
        held = {port.get("nodePort") for port in mirror["spec"]["ports"]} - {None}
        takers = (place for place, remote in self.wanted.items() if held & _node_ports(remote))
        found = [self.service(place) for place in takers]
        return any(taker is None or (is_mirror(taker) and self.is_ours(taker)) for taker in found)

    # --- guards

    def owned(self) -> set[Key]:
        """Return the Services that depend on this source."""
        services = [obj for name, obj in self.home.items() if name.kind == "Service" and self.covers(name.namespace)]
        return {key(service) for service in services if self._is_owned(service)}

    def _is_owned(self, service: Object) -> bool:
        if is_mirror(service):
            return self.is_ours(service)
        return any(is_managed(found) and self.is_ours(found) for found in self.endpoints_at(key(service)))

    def most_deletes(self) -> int:
        owned = len(self.owned())
        if self.options.has("--allow-mass-delete"):
            return owned
        if not self.listed_nodes:
            return 0
        limit = self.options.value("--max-deletes")
        if limit is None:
            return max(DEFAULT_DELETES, owned * DEFAULT_PERCENT // 100)
        return owned * int(limit[:-1]) // 100 if limit.endswith("%") else int(limit)


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _node_ports(service: Object) -> set[int]:
    return {port["nodePort"] for port in service["spec"]["ports"] if port.get("nodePort")}


def _ready(node: Object) -> str:
    conditions = {found["type"]: found["status"] for found in node["status"].get("conditions") or ()}
    return str(conditions.get("Ready", ""))


def _ips(node: Object) -> list[str]:
    found = [entry["address"] for entry in node["status"].get("addresses") or () if entry["type"] == "InternalIP"]
    return found[:1]
