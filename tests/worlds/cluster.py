"""A simulated cluster: the objects and rules of an API server, with the methods of the laboratory's `Api`.

Objects are never changed in place, so a copy of the dict is a snapshot.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from lab.controlplane.api import KINDS, ApiError
from tests.wire.store import selects
from tests.worlds.fields import Object
from tests.worlds.ownership import applied, updated
from tests.worlds.services import InvalidError, completed


class Name(NamedTuple):
    """Which object."""

    kind: str
    namespace: str
    name: str


Objects = Mapping[Name, Object]
NAMESPACES = ("kube-system", "shop", "web")


def name_of(obj: Object) -> Name:
    return Name(obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


class Cluster:
    """Every write gets the next number as its resourceVersion, and one like it is part of a new uid."""

    def __init__(self, name: str, objects: Objects | None = None) -> None:
        """Make a cluster that has only namespaces, or one that has these objects of a real cluster."""
        self.name = name
        self.objects: dict[Name, Object] = dict(objects or {})
        self.orphaned: set[Name] = set()
        """Endpoints whose Service was deleted: Kubernetes' controller deletes them when it comes to it."""
        self._version = max([1000, *(int(obj["metadata"]["resourceVersion"]) for obj in self.objects.values())])
        for namespace in NAMESPACES if objects is None else ():
            self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})

    @property
    def uid(self) -> str:
        uid: str = self.get("Namespace", "kube-system")["metadata"]["uid"]
        return uid

    @property
    def version(self) -> str:
        return str(self._version)

    def copy(self) -> Cluster:
        """Return a cluster with the same objects that changes on its own."""
        other = copy.copy(self)
        other.objects, other.orphaned = dict(self.objects), set(self.orphaned)
        return other

    # --- reads

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        return self.objects.get(Name(kind, namespace, name))

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        found = self.find(kind, name, namespace)
        if found is None:
            raise _refused("GET", HTTPStatus.NOT_FOUND, f"{kind} {namespace}/{name} not found")
        return found

    def list(self, kind: str, namespace: str = "", labelSelector: str = "") -> list[Object]:  # noqa: N803
        found = (obj for key, obj in sorted(self.objects.items()) if key.kind == kind)
        inside = (obj for obj in found if namespace in {"", obj["metadata"].get("namespace")})
        return [obj for obj in inside if selects(labelSelector, obj["metadata"].get("labels", {}))]

    # --- writes

    def create(self, obj: Object, *, manager: str = "tests") -> Object:
        if name_of(obj) in self.objects:
            raise _refused("POST", HTTPStatus.CONFLICT, f"{name_of(obj)} already exists")
        return self._create(updated(_nothing(obj), copy.deepcopy(obj), manager))

    def patch(self, obj: Object, change: Object, *, manager: str = "tests") -> Object:
        """Change some fields of an object (JSON merge patch)."""
        live = self.get(*_place(obj))
        return self._replace(live, updated(live, _merge_patched(live, change), manager))

    def apply(self, obj: Object, *, manager: str) -> Object:
        """Apply with force. What the body says of uid and resourceVersion has to hold for an object that is there."""
        live = self.objects.get(name_of(obj))
        metadata = obj["metadata"]
        if live is None and "uid" in metadata:
            raise _refused("PATCH", HTTPStatus.CONFLICT, "uid mismatch: no existing object was found")
        if live is None:
            return self._create(applied(_nothing(obj), obj, manager))
        _compare(live, {name: metadata[name] for name in ("uid", "resourceVersion") if name in metadata})
        return self._replace(live, applied(live, obj, manager))

    def json_patch(self, name: Name, operations: Iterable[Object], *, manager: str) -> Object:
        """Do the operations; the resourceVersion is compared afterwards, as real servers do."""
        live = self.get(name.kind, name.name, name.namespace)
        new = copy.deepcopy(live)
        for operation in operations:
            _do(operation, new)
        _compare(live, {"resourceVersion": new["metadata"]["resourceVersion"]})
        says_who = any(operation["path"] == "/metadata/managedFields" for operation in operations)
        return self._replace(live, new if says_who else updated(live, new, manager))

    def merge_patch(self, name: Name, change: Object, *, manager: str) -> Object:
        """Change some fields, if the object has the resourceVersion that the change says."""
        live = self.get(name.kind, name.name, name.namespace)
        new = _merge_patched(live, change)
        _compare(live, {"resourceVersion": new["metadata"]["resourceVersion"]})
        return self._replace(live, updated(live, new, manager))

    def delete(self, kind: str, name: str, namespace: str = "", preconditions: Object | None = None) -> None:
        live = self.get(kind, name, namespace)
        _compare(live, preconditions or {})
        if kind == "Namespace":
            self._put({**live, "status": {"phase": "Terminating"}})
            return
        del self.objects[Name(kind, namespace, name)]
        if kind == "Service":
            self.orphaned.add(Name("Endpoints", namespace, name))

    def _create(self, obj: Object) -> Object:
        self._need_namespace(obj)
        obj["metadata"].pop("resourceVersion", None)
        self._version += 1
        obj["metadata"]["uid"] = f"{self.name}-{self._version}"
        self.orphaned.discard(name_of(obj))
        return self._put(self._completed(obj, None))

    def _replace(self, live: Object, new: Object) -> Object:
        new = self._completed(new, live)
        return live if new == live else self._put(new)

    def _completed(self, new: Object, live: Object | None) -> Object:
        if new["kind"] != "Service":
            return new
        others = (obj for obj in self.list("Service") if name_of(obj) != name_of(new))
        taken = {
            port["nodePort"]: obj["metadata"]["name"]
            for obj in others
            for port in obj["spec"].get("ports", ())
            if "nodePort" in port
        }
        try:
            return completed(new, live, taken)
        except InvalidError as error:
            raise _refused("PATCH", HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error

    def _put(self, obj: Object) -> Object:
        self._version += 1
        stored = {**obj, "metadata": {**obj["metadata"], "resourceVersion": self.version}}
        self.objects[name_of(obj)] = stored
        return stored

    def _need_namespace(self, obj: Object) -> None:
        if not KINDS[obj["kind"]].namespaced:
            return
        namespace = self.get("Namespace", obj["metadata"]["namespace"])
        if namespace.get("status", {}).get("phase") == "Terminating":
            raise _refused("POST", HTTPStatus.FORBIDDEN, f"{name_of(obj)}: the namespace is being terminated")


def _refused(method: str, status: HTTPStatus, message: str) -> ApiError:
    return ApiError(method, "", status, message)


def _nothing(obj: Object) -> Object:
    metadata = {key: obj["metadata"][key] for key in ("name", "namespace") if key in obj["metadata"]}
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}


def _place(obj: Object) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace", "")


def _compare(live: Object, expected: Object) -> None:
    if any(live["metadata"][name] != value for name, value in expected.items()):
        raise _refused("PATCH", HTTPStatus.CONFLICT, f"{name_of(live)}: the object has been modified")


def _merge_patched(live: Object, change: Object) -> Object:
    patched = dict(live)
    for name, value in change.items():
        if value is None:
            patched.pop(name, None)
        elif isinstance(value, dict):
            patched[name] = _merge_patched(patched.get(name) or {}, value)
        else:
            patched[name] = copy.deepcopy(value)
    return patched


def _do(operation: Object, obj: Object) -> None:
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
    place = obj
    for parent in parents:
        place = place.get(parent, {})
    if operation["op"] in {"add", "replace"}:
        place[last] = json.loads(json.dumps(operation["value"]))
    elif place.pop(last, None) is None:
        raise _refused("PATCH", HTTPStatus.UNPROCESSABLE_ENTITY, f"Unable to remove nonexistent key: {last}")
