"""In place of `cluster.client.ClusterClient`: a client whose API server is a simulated cluster.

So reading, parsing, planning, manifests, the writer with its second looks, and the order of writes are the product's.
HTTP, retries and deadlines are not in it: the tests of the wire have them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from lightkube.core.resource import Resource

from barrelman_sync.cluster.client import Listed
from barrelman_sync.cluster.faults import ClusterError, NotTriedError
from barrelman_sync.model.names import Key
from lab.controlplane.api import ApiError
from tests.worlds.cluster import Cluster, Name, Objects
from tests.worlds.fields import Object

R = TypeVar("R", bound=Resource)
T = TypeVar("T")
MANAGER = "barrelman-sync"


class Client:
    """Reads and writes a simulated cluster, and may be cut off, or lose its first answers to writes."""

    is_over = False
    server = "https://simulated"

    def __init__(self, cluster: Cluster, title: str, *, writes: int | None = None, twice: bool = False) -> None:
        """`writes`: after so many, nothing is sent any more. `twice`: each write is sent again, as if unanswered."""
        self.moments: list[Objects] = []
        """The objects of the cluster after each write."""
        self._cluster = cluster
        self._left = writes
        self._twice = twice
        self.title = f"{title} cluster"
        self.name = cluster.name

    def with_share(self, _part: float) -> Client:
        return self

    def list_all(self, resource: type[R], parse: Callable[[R], T | None], *, labels: str | None = None) -> Listed[T]:
        found = self._cluster.list(_kind(resource), labelSelector=labels or "")
        parsed = (parse(_decoded(resource, obj)) for obj in found)
        return Listed(tuple(item for item in parsed if item is not None), self._cluster.version)

    def for_seconds(self, _seconds: float) -> Client:
        return self

    def first_of(self, resource: type[R], labels: str, *, namespace: str = "", limit: int = 500) -> list[R]:
        found = self._cluster.list(_kind(resource), namespace, labelSelector=labels)
        return [_decoded(resource, obj) for obj in found[:limit]]

    def get(self, resource: type[R], key: Key) -> R | None:
        found = self._cluster.find(_kind(resource), key.name, key.namespace)
        return None if found is None else _decoded(resource, found)

    def apply(self, resource: type[R], key: Key, body: Mapping[str, Any]) -> R:
        return self._write(resource, key, lambda: self._cluster.apply(dict(body), manager=MANAGER))

    def patch(self, resource: type[R], key: Key, operations: list[dict[str, Any]]) -> R:
        name = Name(_kind(resource), *key)
        return self._write(resource, key, lambda: self._cluster.json_patch(name, operations, manager=MANAGER))

    def merge(self, resource: type[R], key: Key, body: Mapping[str, Any]) -> R:
        name = Name(_kind(resource), *key)
        return self._write(resource, key, lambda: self._cluster.merge_patch(name, dict(body), manager=MANAGER))

    def pause(self, _seconds: float) -> None:
        """Return at once: nobody else writes while a run waits."""

    def delete(self, resource: type[Resource], key: Key, options: Mapping[str, Any]) -> None:
        def delete() -> None:
            self._cluster.delete(_kind(resource), key.name, key.namespace, options["preconditions"])

        self._sent(resource, key, delete)

    def _write(self, resource: type[R], key: Key, write: Callable[[], Object]) -> R:
        return _decoded(resource, self._sent(resource, key, write))

    def _sent(self, resource: type[Resource], key: Key, write: Callable[[], T]) -> T:
        doing = f"writing {_kind(resource)} {key}"
        if self._left is not None:
            if not self._left:
                raise NotTriedError(doing, self.title, "cut off")
            self._left -= 1
        try:
            if self._twice:
                write()
            answer = write()
        except ApiError as error:
            raise ClusterError(doing, self.title, error.body, status=error.status) from error
        self.moments.append(dict(self._cluster.objects))
        return answer


def _kind(resource: type[Resource]) -> str:
    kind: str = resource._api_info.resource.kind
    return kind


def _decoded(resource: type[R], obj: Object) -> R:
    return msgspec.json.decode(msgspec.json.encode(obj), type=resource)
