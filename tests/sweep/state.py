"""What a cluster holds, in a form in which two runs of one world can be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab.controlplane import ControlPlane, Object
from tests.endpoints.views import CONTROLLER, MANAGED_BY, MIRRORING, SERVICE_NAME

KINDS = ("Namespace", "Service", "Endpoints", "EndpointSlice")
BY_CONTROLLERS = (CONTROLLER, MIRRORING)
VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "generation")
ORPHANED_SINCE, REPLACES = "tfw.io/barrelman-orphaned-since", "tfw.io/barrelman-replaces"
UID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
UNSTEADY = (".", f"f:{TRIGGER_TIME}", f"f:{REPLACES}")  # the controllers write a trigger time only if they know it
ALLOCATED = ("clusterIP", "clusterIPs", "healthCheckNodePort")

Name = tuple[str, str, str]
"""Kind, namespace and name."""
Objects = Mapping[Name, Object]
State = Mapping[Name, Any]


def objects(plane: ControlPlane, namespaces: Iterable[str]) -> Objects:
    """Return what is in these namespaces, and the namespaces."""
    wanted = set(namespaces)
    found = ((kind, obj["metadata"], obj) for kind in KINDS for obj in plane.api.list(kind))
    return {
        (kind, metadata.get("namespace", ""), metadata["name"]): obj
        for kind, metadata, obj in found
        if metadata.get("namespace", metadata["name"]) in wanted
    }


def state(found: Objects, before: Objects) -> State:
    """Return the objects without what is different each time; `before` tells which of them are still the same ones.

    Of the slices that controllers write, only the endpoints and ports count: their names are random.
    """
    return dict(_entry(name, obj, found, before) for name, obj in sorted(found.items()))


def untouched(before: Objects, after: Objects) -> set[Name]:
    """Return the objects that are the same, byte for byte; slices of controllers do not count."""
    return {name for name, obj in before.items() if after.get(name) == obj and not is_of_controllers(obj)}


def differences(wanted: State, found: State) -> list[str]:
    """Say where two states differ."""
    return [
        f"{'/'.join(name)}{path}: wanted {one}, found {other}"
        for name in sorted(wanted.keys() | found.keys())
        for path, one, other in _differences(wanted.get(name), found.get(name))
    ]


def is_of_controllers(obj: Object) -> bool:
    """Say whether Kubernetes' own controllers write the slice."""
    return obj["kind"] == "EndpointSlice" and obj["metadata"].get("labels", {}).get(MANAGED_BY) in BY_CONTROLLERS


def _entry(name: Name, obj: Object, found: Objects, before: Objects) -> tuple[Name, Any]:
    if not is_of_controllers(obj):
        return name, _normal(name, obj, found, before)
    labels = obj["metadata"]["labels"]
    endpoints = sorted(address for endpoint in obj["endpoints"] or () for address in endpoint["addresses"])
    ports = sorted((port.get("name", ""), port["protocol"], port["port"]) for port in obj["ports"] or ())
    kind, namespace, _ = name
    title = f"{labels[SERVICE_NAME]} of {labels[MANAGED_BY]}, ports {ports}"
    return (kind, namespace, title), endpoints


def _normal(name: Name, obj: Object, found: Objects, before: Objects) -> Object:
    metadata = obj["metadata"]
    same = before.get(name, {}).get("metadata", {}).get("uid") == metadata["uid"]
    normal = {key: value for key, value in metadata.items() if key not in VOLATILE}
    normal["managedFields"] = sorted(_manager(entry) for entry in metadata.get("managedFields", ()))
    normal["ownerReferences"] = [_owner(own, name[1], found) for own in metadata.get("ownerReferences", ())]
    normal["annotations"] = dict(_annotations(metadata.get("annotations", {})))
    spec = {key: "allocated" if key in ALLOCATED else value for key, value in obj.get("spec", {}).items()}
    subsets = json.loads(UID.sub("UID", json.dumps(obj.get("subsets"))))  # which pod is it: one of the same name
    return {**obj, "metadata": normal, "spec": spec, "subsets": subsets, "is the same object as before": same}


def _annotations(found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return what is the same each time.

    A run that goes on where another one ended says which endpoints it replaces; a run that writes new ones need not.
    """
    for key, value in found.items():
        if key == ORPHANED_SINCE and TIME.fullmatch(value):
            yield key, "a time"
        elif key not in (TRIGGER_TIME, REPLACES):
            yield key, value


def _manager(entry: Object) -> str:
    fields = entry.get("fieldsV1", {})
    metadata = fields.get("f:metadata", {})
    annotations = [key for key in sorted(metadata.get("f:annotations", {})) if key not in UNSTEADY]
    normal = {**fields, "f:metadata": {**metadata, "f:annotations": annotations}}
    return UID.sub("UID", json.dumps({**entry, "fieldsV1": normal, "time": ""}, sort_keys=True))


def _owner(owner: Object, namespace: str, found: Objects) -> Object:
    live = found.get((owner["kind"], namespace, owner["name"]), {}).get("metadata", {}).get("uid")
    return {**owner, "uid": "of the live one" if owner["uid"] == live else "of another"}


def _differences(wanted: Any, found: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Return the path and both values of each field that differs."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(wanted.keys() | found.keys()):
            yield from _differences(wanted.get(key), found.get(key), f"{path}.{key}")
    elif wanted != found:
        yield path, wanted, found
