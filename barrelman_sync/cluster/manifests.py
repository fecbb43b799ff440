"""The bodies that are sent, built from scratch and never from a live object. Pure.

Every list entry carries all its defaults (a port without `protocol` is another key to server-side apply, and an omitted
default is a difference for ever), empty maps and lists are left out.
"""

from collections.abc import Mapping
from typing import Any, assert_never

from barrelman_sync.cluster.managed_fields import claimed, without_us
from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Affinity, EndpointPort, Revision, ServicePort
from barrelman_sync.model.wanted import AddressSet, Mirror, Wanted, WantedEndpoints, WantedNamespace, WantedSlice
from barrelman_sync.planning.changes import wanted_labels
from barrelman_sync.planning.steps import Release

Body = dict[str, Any]
JsonPatch = list[Body]


def manifest(wanted: Wanted, guard: Revision, live_labels: Mapping[str, str] | None = None) -> Body:
    """The body of an apply. The guard is the object's revision, or for a create a version that it cannot have.

    With the latter the server creates a missing object and answers 409 if one has appeared: measured, see
    docs/adr/001-create-by-apply.md.
    """
    kind, key, _ = wanted.ref
    metadata: Body = {"name": key.name, "labels": wanted_labels(wanted, live_labels)}
    if key.namespace:
        metadata["namespace"] = key.namespace
    if guard.resource_version:
        metadata["resourceVersion"] = guard.resource_version
    if guard.uid:
        metadata["uid"] = guard.uid
    api_version = "discovery.k8s.io/v1" if isinstance(wanted, WantedSlice) else "v1"
    body: Body = {"apiVersion": api_version, "kind": str(kind), "metadata": metadata}
    match wanted:
        case WantedNamespace():
            return body
        case Mirror():
            return {**body, "spec": _service_spec(wanted)}
        case WantedEndpoints():
            metadata["ownerReferences"] = [_owner(wanted.content)]
            return {**body, "subsets": [_subset(wanted.content)]}
        case WantedSlice():
            metadata["ownerReferences"] = [_owner(wanted.content)]
            return {**body, **_slice(wanted.content)}
        case _:
            assert_never(wanted)


def claim_patch(live: LocalService, revision: Revision) -> JsonPatch:
    """Makes us the only holder of the fields that a mirror consists of, if the object is still at that revision.

    An `add`, which replaces what is there: somebody may have cleared the fields.
    """
    return [*_guard(revision), {"op": "add", "path": "/metadata/managedFields", "value": claimed(live)}]


def release_patch(step: Release) -> JsonPatch:
    """Takes our labels off, and our name off the fields, so that nobody's apply runs into a conflict with us."""
    remove = [{"op": "remove", "path": f"/metadata/labels/{_escaped(label)}"} for label in step.labels]
    others = without_us(step.live.managed_fields)
    fields = [{"op": "replace", "path": "/metadata/managedFields", "value": others}] if others else []
    return [*_guard(step.live.revision), *remove, *fields]


def delete_options(live: Revision) -> Body:
    """The body of a delete, which the server refuses with 409 for any other object or state than this."""
    preconditions = {"uid": live.uid, "resourceVersion": live.resource_version}
    return {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}


def _guard(live: Revision) -> JsonPatch:
    """A replace, not a test: it makes the server answer 409 rather than 422 (client-go util/csaupgrade does the same).

    No two objects ever have the same resourceVersion, so this covers the uid.
    """
    return [{"op": "replace", "path": "/metadata/resourceVersion", "value": live.resource_version}]


def _escaped(label: str) -> str:
    return label.replace("~", "~0").replace("/", "~1")


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
    """A config without affinity is refused (pkg/apis/core/validation/validation.go validateService)."""
    if affinity.timeout is None:
        return {"sessionAffinity": affinity.mode}
    config = {"clientIP": {"timeoutSeconds": affinity.timeout}}
    return {"sessionAffinity": affinity.mode, "sessionAffinityConfig": config}


def _owner(wanted: AddressSet) -> Body:
    """Lets Kubernetes collect the endpoints with their Service. No blockOwnerDeletion: that can need more rights."""
    return {"apiVersion": "v1", "kind": "Service", "name": wanted.service.name, "uid": wanted.owner_uid}


def _subset(wanted: AddressSet) -> Body:
    subset: Body = {"addresses": [{"ip": address} for address in wanted.addresses]}
    ports = [_endpoint_port(port) for port in wanted.ports]
    return subset | ({"ports": ports} if ports else {})


def _slice(wanted: AddressSet) -> Body:
    """Ready said aloud, and no nodeName: it would name a node of this cluster (see pkg/proxy, isLocal)."""
    return {
        "addressType": wanted.family,
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in wanted.addresses],
        "ports": [{"name": port.name, **_endpoint_port(port)} for port in wanted.ports],
    }


def _endpoint_port(port: EndpointPort) -> Body:
    body: Body = {"port": port.port, "protocol": port.protocol}
    optional = {"name": port.name, "appProtocol": port.app_protocol}
    return body | {field: value for field, value in optional.items() if value}
