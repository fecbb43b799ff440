"""What the fake API server holds, with as much of Kubernetes' rules as a run of ours meets.

No validation, no admission, no field ownership: an apply replaces lists and merges maps. What real servers make of our
requests is tested against real ones, in lab/controlplane.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

Object = dict[str, Any]

PLURALS = {
    "Namespace": "namespaces",
    "Node": "nodes",
    "Service": "services",
    "Endpoints": "endpoints",
    "EndpointSlice": "endpointslices",
}


class RefusedError(Exception):
    """What the server answers instead of an object."""

    def __init__(self, status: HTTPStatus, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


def path_of(obj: Object) -> str:
    metadata = obj["metadata"]
    namespace = f"namespaces/{metadata['namespace']}/" if metadata.get("namespace") else ""
    api = "api" if obj["apiVersion"] == "v1" else "apis"
    return f"/{api}/{obj['apiVersion']}/{namespace}{PLURALS[obj['kind']]}/{metadata['name']}"


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Of a label selector what we use: `key=value` and `key in (one,two)`."""
    requirements = re.findall(r"([^,=\s]+)(?:=([^,]*)| in \(([^)]*)\))", selector)
    return all(labels.get(key) in (some.split(",") if some else [one]) for key, one, some in requirements)


class Store:
    """Objects by path. Every write gets the next number as its resourceVersion."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._objects: dict[str, Object] = {}
        self._version = 1000
        self.page: int | None = None
        """Objects a page, if less than what is asked for."""

    def add(self, *objects: Object) -> None:
        """Objects as somebody else makes them, or replaces them; the uid stays or is given."""
        with self._lock:
            for obj in objects:
                live = self._objects.get(path_of(obj), {"metadata": {}})
                uid = obj["metadata"].get("uid") or live["metadata"].get("uid")
                self._put(
                    path_of(obj), {**obj, "metadata": {**obj["metadata"], "uid": uid} if uid else obj["metadata"]}
                )

    def find(self, path: str) -> Object | None:
        with self._lock:
            return self._objects.get(path)

    def get(self, path: str) -> Object:
        if found := self.find(path):
            return found
        raise RefusedError(HTTPStatus.NOT_FOUND, "NotFound", f"{path} not found")

    def list(self, plural: str, query: Mapping[str, str]) -> Object:
        with self._lock:
            kinds = {value: key for key, value in PLURALS.items()}
            found = [obj for _, obj in sorted(self._objects.items()) if obj["kind"] == kinds[plural]]
            selector = query.get("labelSelector", "")
            found = [obj for obj in found if selects(selector, obj["metadata"].get("labels", {}))]
            version, _, start = query.get("continue", f"{self._version}-0").partition("-")
        size = min(int(query.get("limit", len(found))), self.page or len(found))
        end = int(start) + size
        more = {"continue": f"{version}-{end}"} if end < len(found) else {}
        items = [{key: value for key, value in obj.items() if key not in {"apiVersion", "kind"}} for obj in found]
        metadata = {"resourceVersion": version, **more}
        return {
            "kind": f"{kinds[plural]}List",
            "apiVersion": "v1",
            "metadata": metadata,
            "items": items[int(start) : end],
        }

    def apply(self, path: str, body: Object) -> Object:
        with self._lock:
            live = self._objects.get(path)
            metadata = dict(body["metadata"])
            version = metadata.pop("resourceVersion", None)
            if live is None and "uid" in metadata:
                raise RefusedError(HTTPStatus.CONFLICT, "Conflict", "uid mismatch: no existing object was found")
            if live is None:
                self._need_namespace(metadata)
                live = {"metadata": {}}
            elif version not in {None, live["metadata"]["resourceVersion"]} or _other_uid(metadata, live):
                raise _conflict(path)
            labels = {**live["metadata"].get("labels", {}), **metadata.get("labels", {})}
            merged = {**live, **body, "metadata": {**live["metadata"], **metadata, "labels": labels}}
            if "spec" in body:
                merged["spec"] = {"clusterIP": "10.0.0.7", **live.get("spec", {}), **body["spec"]}
            return live if merged == live else self._put(path, merged)

    def patch(self, path: str, operations: Iterable[Object]) -> Object:
        """A JSON patch; only `replace` and `remove` of map entries. The resourceVersion is compared afterwards."""
        with self._lock:
            live = self.get(path)
            patched = _copied(live)
            for operation in operations:
                *parents, last = [
                    part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]
                ]
                place = patched
                for parent in parents:
                    place = place[parent]
                if operation["op"] != "remove":
                    place[last] = operation["value"]
                elif place.pop(last, None) is None:
                    message = f'Unable to remove nonexistent key: "{last}": missing value'
                    raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message)
            if patched["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
                raise _conflict(path)
            return self._put(path, patched)

    def merge(self, path: str, body: Object) -> Object:
        """A merge patch. The resourceVersion is compared with the live one, as after any patch."""
        with self._lock:
            live = self.get(path)
            merged = _merged(live, body)
            if merged["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
                raise _conflict(path)
            return self._put(path, merged)

    def delete(self, path: str, options: Object) -> Object:
        with self._lock:
            live = self.get(path)
            for name, value in options.get("preconditions", {}).items():
                if live["metadata"][name] != value:
                    raise _conflict(path)
            del self._objects[path]
            return {"kind": "Status", "apiVersion": "v1", "status": "Success"}

    def _put(self, path: str, obj: Object) -> Object:
        self._version += 1
        uid = obj["metadata"].get("uid") or f"uid-{self._version}"
        metadata = {**obj["metadata"], "uid": uid, "resourceVersion": str(self._version)}
        self._objects[path] = {**obj, "metadata": metadata}
        return self._objects[path]

    def _need_namespace(self, metadata: Object) -> None:
        namespace = metadata.get("namespace")
        if namespace and f"/api/v1/namespaces/{namespace}" not in self._objects:
            raise RefusedError(HTTPStatus.NOT_FOUND, "NotFound", f'namespaces "{namespace}" not found')


def _other_uid(metadata: Object, live: Object) -> bool:
    return metadata.get("uid") not in {None, live["metadata"]["uid"]}


def _conflict(path: str) -> RefusedError:
    message = f"Operation cannot be fulfilled on {path}: the object has been modified"
    return RefusedError(HTTPStatus.CONFLICT, "Conflict", message)


def _merged(live: Object, body: Object) -> Object:
    changed = {
        key: _merged(live.get(key, {}), value) if isinstance(value, dict) else value for key, value in body.items()
    }
    return {key: value for key, value in {**live, **changed}.items() if value is not None}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(entry) for key, entry in value.items()}
    return [_copied(entry) for entry in value] if isinstance(value, list) else value
