"""The bodies of requests, built from scratch and never from a live object. Pure.

Every entry of a list has all its defaults: to server-side apply, a port without `protocol` is another port, and a
missing default would be a difference in every run. Empty maps and lists are omitted.
"""

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any, assert_never

from barrelman_sync.cluster.managed_fields import claimed, without_us
from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import ORPHANED_SINCE, SOURCE, Affinity, EndpointPort, Revision, ServicePort
from barrelman_sync.model.wanted import AddressSet, Mirror, Wanted, WantedEndpoints, WantedNamespace, WantedSlice
from barrelman_sync.planning.changes import mark_annotations, wanted_annotations, wanted_labels
from barrelman_sync.planning.steps import Mark, Release

Body = dict[str, Any]
JsonPatch = list[Body]
Ports = tuple[EndpointPort, ...]


def manifest(wanted: Wanted, revision: Revision, live_labels: Mapping[str, str] | None = None) -> Body:
    """The body of a server-side apply, which the server refuses unless the object has this revision.

    For a create, the revision has a resourceVersion that the object cannot have: then the server creates the object if
    it is missing, and answers 409 if it exists. This is measured, see docs/adr/001-create-by-apply.md. An empty
    revision is for bodies that are only shown.
    """
    api_version = "discovery.k8s.io/v1" if isinstance(wanted, WantedSlice) else "v1"
    metadata = _metadata(wanted, revision, live_labels)
    body: Body = {"apiVersion": api_version, "kind": str(wanted.ref.kind), "metadata": metadata}
    match wanted:
        case WantedNamespace():
            return body
        case Mirror():
            return {**body, "spec": _service_spec(wanted)}
        case WantedEndpoints():
            return {**body, "subsets": [_subset(wanted.content, ports) for ports in _in_subsets(wanted.content.ports)]}
        case WantedSlice():
            return {**body, **_slice(wanted.content, wanted.zones)}
        case _:
            assert_never(wanted)


def _metadata(wanted: Wanted, revision: Revision, live_labels: Mapping[str, str] | None) -> Body:
    owners = [_owner(wanted.content)] if isinstance(wanted, WantedEndpoints | WantedSlice) else []
    optional = {
        "namespace": wanted.ref.key.namespace,
        "annotations": wanted_annotations(wanted),
        "resourceVersion": revision.resource_version,
        "uid": revision.uid,
        "ownerReferences": owners,
    }
    present = {name: value for name, value in optional.items() if value}
    return {"name": wanted.ref.key.name, "labels": wanted_labels(wanted, live_labels), **present}


def claim_patch(live: LocalService, revision: Revision) -> JsonPatch:
    """The patch that claims the fields of a mirror, if the object still has this revision.

    The operation is `add`, which also replaces a value: a `replace` fails if somebody has cleared managedFields.
    """
    return [*_only_at(revision), {"op": "add", "path": "/metadata/managedFields", "value": claimed(live)}]


def reveal_patch(labels: Iterable[str], revision: Revision) -> JsonPatch:
    """The patch that takes labels off, if the object still has this revision.

    An apply takes off only labels that we hold, and these are held by somebody else or by nobody.
    """
    return [*_only_at(revision), *_without("labels", labels)]


def mark_patch(step: Mark) -> Body:
    """The merge patch that marks a mirror, if the object still has its revision.

    A JSON patch has to know whether the object has annotations at all, or it would replace those of others.
    """
    labels, annotations = {SOURCE: step.origin.name}, mark_annotations(step.origin, step.since)
    wanted = {"labels": _missing(labels, step.live.labels), "annotations": _missing(annotations, step.live.annotations)}
    changed = {name: values for name, values in wanted.items() if values}
    return {"metadata": {"resourceVersion": step.live.revision.resource_version, **changed}}


def _missing(wanted: Mapping[str, Any], live: Mapping[str, str]) -> Body:
    return {name: value for name, value in wanted.items() if live.get(name) != value}


def unmark_patch(revision: Revision, claim: JsonPatch) -> JsonPatch:
    """The patch that removes the mark, if the object still has this revision; `claim` is what to do before.

    An apply does not remove the mark, because our apply does not hold it.
    """
    path = f"/metadata/annotations/{_escaped(ORPHANED_SINCE)}"
    return [*(claim or _only_at(revision)), {"op": "remove", "path": path}]


def release_patch(step: Release) -> JsonPatch:
    """The patch that removes our labels and annotations, and our name from managedFields.

    Without our name there, nobody's apply conflicts with us.
    """
    others = without_us(step.live.managed_fields)
    # Never an empty list, which clears managedFields (apimachinery util/managedfields, isResetManagedFields): then the
    # manager "before-first-apply" would hold all fields, and the user's next apply would conflict with that manager.
    fields = [{"op": "replace", "path": "/metadata/managedFields", "value": others}] if others else []
    ours = [*_without("labels", step.labels), *_without("annotations", step.annotations)]
    return [*_only_at(step.live.revision), *ours, *fields]


def delete_options(live: Revision) -> Body:
    """The body of a delete, which the server refuses with 409 unless the object has this revision."""
    preconditions = {"uid": live.uid, "resourceVersion": live.resource_version}
    return {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}


def _only_at(live: Revision) -> JsonPatch:
    """The part of a patch by which the server answers 409 if the object does not have this revision.

    It is a `replace` and not a `test`, which the server would answer with 422 (client-go util/csaupgrade does the
    same). It need not contain the uid, because no two objects ever have the same resourceVersion.
    """
    return [{"op": "replace", "path": "/metadata/resourceVersion", "value": live.resource_version}]


def _without(where: str, names: Iterable[str]) -> JsonPatch:
    return [{"op": "remove", "path": f"/metadata/{where}/{_escaped(name)}"} for name in names]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _service_spec(mirror: Mirror) -> Body:
    return {
        "type": mirror.type,
        "ports": [_service_port(port) for port in mirror.ports],
        **_affinity(mirror.affinity),
    }


def _service_port(port: ServicePort) -> Body:
    body: Body = {"port": port.port, "protocol": port.protocol, "targetPort": port.target_port}
    optional = {"name": port.name, "nodePort": port.node_port, "appProtocol": port.app_protocol}
    return body | {field: value for field, value in optional.items() if value}


def _affinity(affinity: Affinity) -> Body:
    """The fields of the affinity.

    The server refuses a config without affinity (validateService in pkg/apis/core/validation/validation.go).
    """
    if affinity.timeout is None:
        return {"sessionAffinity": affinity.mode}
    config = {"clientIP": {"timeoutSeconds": affinity.timeout}}
    return {"sessionAffinity": affinity.mode, "sessionAffinityConfig": config}


def _owner(wanted: AddressSet) -> Body:
    """The owner reference, by which Kubernetes deletes the endpoints with their Service.

    There is no blockOwnerDeletion, because that can need more permissions.
    """
    return {"apiVersion": "v1", "kind": "Service", "name": wanted.service.name, "uid": wanted.owner_uid}


def _in_subsets(ports: Ports) -> tuple[Ports, ...]:
    """The ports by subset: all in one, or each in its own if one of several ports has no name.

    The server refuses a port without a name beside others in one subset (validateEndpointPort in
    pkg/apis/core/validation/validation.go).
    """
    return (ports,) if len(ports) == 1 or all(port.name for port in ports) else tuple((port,) for port in ports)


def _subset(wanted: AddressSet, ports: Ports) -> Body:
    subset: Body = {"addresses": [{"ip": address} for address in wanted.addresses]}
    return subset | ({"ports": [_endpoint_port(port) for port in ports]} if ports else {})


def _slice(wanted: AddressSet, zones: tuple[str, ...]) -> Body:
    """The content of a slice. An endpoint has no nodeName, which would be a node of the local cluster.

    See isLocal in pkg/proxy.
    """
    return {
        "addressType": wanted.family,
        "endpoints": [_endpoint(address, zone) for address, zone in zip_longest(wanted.addresses, zones)],
        "ports": [{"name": port.name, **_endpoint_port(port)} for port in wanted.ports],
    }


def _endpoint(address: str, zone: str | None) -> Body:
    """An endpoint of a slice. kube-proxy heeds the hint alone; the zone is for people, and for other proxies."""
    body: Body = {"addresses": [address], "conditions": {"ready": True}}
    return {**body, "zone": zone, "hints": {"forZones": [{"name": zone}]}} if zone else body


def _endpoint_port(port: EndpointPort) -> Body:
    body: Body = {"port": port.port, "protocol": port.protocol}
    optional = {"name": port.name, "appProtocol": port.app_protocol}
    return body | {field: value for field, value in optional.items() if value}
