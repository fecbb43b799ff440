"""A local cluster that carries out a plan, on values: what the API server would make of the bodies that are sent.

It refuses what the server refuses: another revision than the live one, a node port that is still held, an owner that is
not there, an object in a namespace that is not there. Within a batch nothing may depend on what another unit gives up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from barrelman_sync.cluster.manifests import (
    claim_patch,
    manifest,
    mark_patch,
    release_patch,
    reveal_patch,
    unmark_patch,
)
from barrelman_sync.model.local import Local, LocalEndpoints, LocalNamespace, LocalService, LocalSlice
from barrelman_sync.model.names import Affinity, EndpointPort, Key, Revision, ServicePort
from barrelman_sync.model.wanted import Mirror, WantedEndpoints, WantedNamespace, WantedSlice
from barrelman_sync.planning.order import Unit, units
from barrelman_sync.planning.steps import Create, Delete, Mark, Plan, Release, Update, Write
from tests.values.builders import MARK, held_by

Object = LocalService | LocalEndpoints | LocalSlice
Address = tuple[str, Key]
Body = Mapping[str, Any]


class RefusedError(AssertionError):
    """The API server would have refused the write."""


def after(local: Local, plan: Plan) -> Local:
    """Return the local cluster after the plan, which is the same in any order that the needs of the units allow."""
    found = units(plan)
    result, other = _after(local, found, min), _after(local, found, max)
    _require(result == other, "another order has another result")
    return result


def _after(local: Local, found: tuple[Unit, ...], pick: Callable[[Iterable[int]], int]) -> Local:
    """Return the local cluster after the units; `pick` chooses among those that may start."""
    cluster = _Cluster(local)
    waiting = set(range(len(found)))
    while waiting:
        ready = [place for place in waiting if not found[place].needs & waiting]
        place = pick([place for place in ready if not found[place].last] or ready)
        waiting.remove(place)
        for step in found[place].writes:
            cluster.write(step, cluster.node_ports())
    return cluster.local()


class _Cluster:
    def __init__(self, local: Local) -> None:
        self._before = local
        self._namespaces = dict(local.namespaces)
        slices = [found for group in local.slices.values() for found in group]
        found: list[Object] = [*local.services.values(), *local.endpoints.values(), *slices]
        self._objects: dict[Address, Object] = {_address(item): item for item in found}
        self._written: set[Address] = set()

    def local(self) -> Local:
        found = list(self._objects.values())
        slices: dict[Key, tuple[LocalSlice, ...]] = {}
        for item in sorted((item for item in found if isinstance(item, LocalSlice)), key=lambda item: item.key):
            slices[item.service] = (*slices.get(item.service, ()), item)
        return replace(
            self._before,
            namespaces=self._namespaces,
            services={item.key: item for item in found if isinstance(item, LocalService)},
            endpoints={item.key: item for item in found if isinstance(item, LocalEndpoints)},
            slices=slices,
        )

    def node_ports(self) -> dict[int, Key]:
        """Return who holds which node port."""
        services = (item for item in self._objects.values() if isinstance(item, LocalService))
        return {port.node_port: item.key for item in services for port in item.ports if port.node_port}

    def write(self, step: Write, held: Mapping[int, Key]) -> None:
        match step:
            case Create():
                self._create(step, held)
            case Update():
                self._update(step, held)
            case Delete():
                self._checked(step)
                del self._objects[str(step.ref.kind), step.ref.key]
            case Release():
                self._release(step)
            case Mark():
                self._mark(step)

    def _create(self, step: Create, held: Mapping[int, Key]) -> None:
        if isinstance(step.wanted, WantedNamespace):
            _require(step.wanted.name not in self._namespaces, f"{step.ref.key} is there already")
            body = manifest(step.wanted, Revision("", "7"))
            self._namespaces[body["metadata"]["name"]] = LocalNamespace(step.wanted.name, f"new uid of {step.ref.key}")
            return
        namespace = self._namespaces.get(step.ref.key.namespace)
        _require(namespace is not None and not namespace.terminating, f"no namespace for {step.ref.key}")
        address = str(step.ref.kind), step.ref.key
        # The second of two writes in a run is an update: the writer knows the revision from its own first write.
        _require(address not in self._objects or address in self._written, f"{address} is there already")
        self._apply(step, self._objects.get(address), held)

    def _update(self, step: Update, held: Mapping[int, Key]) -> None:
        live = self._checked(step)
        if step.claims:
            assert isinstance(live, LocalService)
            assert isinstance(step.live, LocalService)
            guard, move = claim_patch(step.live, live.revision)
            _require(guard["value"] == live.revision.resource_version, f"{step.ref.key} has changed")
            _require(move["path"] == "/metadata/managedFields", "a claim of something else")
            live = replace(live, managed_fields=json.dumps(move["value"]).encode())
        if isinstance(live, LocalService):
            # The second of two writes in a run sends no patch.
            live = live if _address(live) in self._written else _unmarked(live, step)
        else:
            revealed = _patched("labels", live.labels, reveal_patch(live.hiding_labels, live.revision))
            live = replace(live, labels=revealed)
        self._apply(step, live, held)

    def _apply(self, step: Create | Update, live: Object | None, held: Mapping[int, Key]) -> None:
        labels = step.live.labels if isinstance(step, Update) else {}
        body = manifest(self._owned(step), Revision("", "7"), labels)
        revision = Revision(live.revision.uid if live else f"new uid of {step.ref.kind} {step.ref.key}", "8")
        applied = _applied(body, live, revision)
        if isinstance(applied, LocalService):
            for port in applied.ports:
                _require(held.get(port.node_port, step.ref.key) == step.ref.key, f"node port {port.node_port} is held")
            _require(applied.type == "NodePort" or not any(p.node_port for p in applied.ports), "a stray node port")
        self._objects[_address(applied)] = applied
        self._written.add(_address(applied))

    def _owned(self, step: Create | Update) -> Mirror | WantedNamespace | WantedEndpoints | WantedSlice:
        """Return what is wanted with the uid of its Service, which has to be there."""
        if not isinstance(step.wanted, WantedEndpoints | WantedSlice):
            return step.wanted
        owner = self._objects.get(("Service", step.ref.service))
        _require(owner is not None, f"{step.ref.kind} {step.ref.key} has no owner")
        assert owner is not None
        _require(
            step.wanted.content.owner_uid in {None, owner.revision.uid},
            f"{step.ref.kind} {step.ref.key} has a wrong owner",
        )
        return replace(step.wanted, content=replace(step.wanted.content, owner_uid=owner.revision.uid))

    def _checked(self, step: Update | Delete | Release | Mark) -> Object:
        """Return the live object, if it is still the one that the plan saw."""
        live = self._objects.get((str(step.ref.kind), step.ref.key))
        _require(live is not None, f"{step.ref.kind} {step.ref.key} is not there")
        assert live is not None
        seen = step.live.revision
        if _address(live) in self._written:
            seen = Revision(seen.uid, live.revision.resource_version)  # the writer knows it from its own first write
        _require(live.revision == seen, f"{step.ref.kind} {step.ref.key} has changed")
        return live

    def _release(self, step: Release) -> None:
        live = self._checked(step)
        assert isinstance(live, LocalService)
        patch = release_patch(step)
        self._objects[_address(live)] = replace(
            live,
            labels=_patched("labels", live.labels, patch),
            annotations=_patched("annotations", live.annotations, patch),
            managed_fields=b"null",
            revision=Revision(live.revision.uid, "8"),
        )

    def _mark(self, step: Mark) -> None:
        live = self._checked(step)
        assert isinstance(live, LocalService)
        metadata = mark_patch(step)["metadata"]
        _require(metadata["resourceVersion"] == live.revision.resource_version, f"{step.ref.key} has changed")
        self._objects[_address(live)] = replace(
            live,
            labels={**live.labels, **metadata.get("labels", {})},
            annotations={**live.annotations, **metadata.get("annotations", {})},
            revision=Revision(live.revision.uid, "8"),
        )


def _unmarked(live: LocalService, step: Update) -> LocalService:
    """Return the Service without its mark, if the update takes the mark off."""
    assert isinstance(step.live, LocalService)
    if step.live.mark is None:
        return live
    _, operation = unmark_patch(live.revision, [])
    name = operation["path"].removeprefix("/metadata/annotations/").replace("~1", "/")
    _require((operation["op"], name in live.annotations) == ("remove", True), f"{step.ref.key} has no mark")
    return replace(live, annotations={key: value for key, value in live.annotations.items() if key != name})


def _patched(where: str, values: Mapping[str, str], patch: Iterable[Body]) -> dict[str, str]:
    """Return the labels or annotations without those that the patch removes."""
    kept = dict(values)
    for operation in patch:
        if operation["op"] == "remove" and operation["path"].startswith(f"/metadata/{where}/"):
            name = operation["path"].removeprefix(f"/metadata/{where}/").replace("~1", "/").replace("~0", "~")
            _require(name in kept, f"there is no {name} in the {where}")
            del kept[name]
    return kept


def _require(condition: bool, message: str) -> None:  # noqa: FBT001
    if not condition:
        raise RefusedError(message)


def _address(item: Object) -> Address:
    kinds = {LocalService: "Service", LocalEndpoints: "Endpoints", LocalSlice: "EndpointSlice"}
    return kinds[type(item)], item.key


# --- from a body to the object ----------------------------------------------------------------------------------


def _applied(body: Body, live: Object | None, revision: Revision) -> Object:
    metadata = body["metadata"]
    key = Key(metadata["namespace"], metadata["name"])
    labels = {**(live.labels if live else {}), **metadata["labels"]}
    annotations = metadata.get("annotations", {})  # all that we may write, so an apply removes what it does not name
    match body["kind"]:
        case "Service":
            assert live is None or isinstance(live, LocalService)
            service = live or LocalService(key, revision)
            if service.mark is not None:  # our apply does not hold it, so it does not remove it
                annotations = {**annotations, MARK: service.mark}
            return _service(body["spec"], replace(service, revision=revision, labels=labels, annotations=annotations))
        case "Endpoints":
            assert live is None or isinstance(live, LocalEndpoints)
            subsets = body["subsets"]
            _require(all(len(part["ports"]) == 1 or all(map(_named, part["ports"])) for part in subsets), "no name")
            return replace(
                live or LocalEndpoints(key, revision),
                revision=revision,
                labels=labels,
                annotations=annotations,
                addresses=tuple(sorted({entry["ip"] for part in subsets for entry in part["addresses"]})),
                ports=tuple(sorted(_endpoint_port(port) for part in subsets for port in part["ports"])),
                regular=True,
                owners=_owners(metadata, live.owners if live else frozenset()),
            )
        case _:
            assert live is None or isinstance(live, LocalSlice)
            names = [port["name"] for port in body["ports"]]
            _require(len(names) == len(set(names)), f"a name twice: {names}")
            pairs = sorted((entry["addresses"][0], _zone(entry)) for entry in body["endpoints"])
            zones = tuple(zone for _, zone in pairs)
            return LocalSlice(
                key,
                Key(key.namespace, labels["kubernetes.io/service-name"]),
                revision,
                body["addressType"],
                zones=zones if any(zones) else (),
                addresses=tuple(address for address, _ in pairs),
                ports=tuple(sorted(_endpoint_port(port) for port in body["ports"])),
                labels=labels,
                annotations=annotations,
                owners=_owners(metadata, live.owners if live else frozenset()),
            )


def _zone(endpoint: Body) -> str:
    """Return the zone of an endpoint, which has to be the zone of its only hint."""
    zone: str = endpoint.get("zone", "")
    hints = [hint["name"] for hint in endpoint.get("hints", {}).get("forZones", [])]
    _require(hints == ([zone] if zone else []), f"hints for {hints} in zone {zone}")
    return zone


def _service(spec: Body, live: LocalService) -> LocalService:
    """Return the Service with this spec, and with the ports that an apply does not remove."""
    ports = {_port_key(port): port for port in live.ports if not _is_ours_alone(port, live.managed_fields)}
    ports |= {_port_key(port): port for port in map(_service_port, spec["ports"])}
    timeout = spec.get("sessionAffinityConfig", {}).get("clientIP", {}).get("timeoutSeconds")
    applied = replace(
        live,
        type=spec["type"],
        ports=tuple(sorted(ports.values())),
        affinity=Affinity(spec["sessionAffinity"], timeout),
    )
    return held_by(applied, "barrelman-sync", "Apply")


def _is_ours_alone(port: ServicePort, managed_fields: bytes) -> bool:
    """Return whether our apply removes a port that it does not name: we hold it, and nobody else does."""
    holders = {
        (entry["manager"], entry["operation"])
        for entry in json.loads(managed_fields) or []
        if _port_key(port) in entry["fieldsV1"].get("f:spec", {}).get("f:ports", {})
    }
    return holders == {("barrelman-sync", "Apply")}


def _port_key(port: ServicePort) -> str:
    return f'k:{{"port":{port.port},"protocol":"{port.protocol}"}}'


def _service_port(body: Body) -> ServicePort:
    name, app_protocol = body.get("name", ""), body.get("appProtocol", "")
    return ServicePort(name, body["protocol"], body["port"], body["targetPort"], body.get("nodePort", 0), app_protocol)


def _named(port: Body) -> bool:
    return bool(port.get("name"))


def _endpoint_port(body: Body) -> EndpointPort:
    return EndpointPort(body.get("name", ""), body["protocol"], body["port"], body.get("appProtocol", ""))


def _owners(metadata: Body, before: frozenset[str]) -> frozenset[str]:
    """Return the owners; those that somebody else wrote stay."""
    foreign = {uid for uid in before if "operator" in uid}
    return frozenset({owner["uid"] for owner in metadata["ownerReferences"]} | foreign)
