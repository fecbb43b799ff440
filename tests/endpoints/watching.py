"""What kube-proxy would send traffic to, watched without a gap while things change."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lab.controlplane import ControlPlane, Object
from lab.controlplane.api import path_of
from tests.endpoints.views import SERVICE_NAME, slice_object

END = "the-end"

Target = tuple[str, str, int]
"""Address, port name, port."""


@dataclass
class Seen:
    """All states that the slices of a Service went through, as a kube-proxy that watches them sees them."""

    service: str
    states: list[frozenset[Target]] = field(default_factory=list)
    error: Exception | None = None
    _slices: dict[str, frozenset[Target]] = field(default_factory=dict)

    def note(self, kind: str, slice_: Object) -> None:
        """Take one event in. kube-proxy unions all slices of the Service, whoever manages them."""
        if slice_["metadata"]["labels"].get(SERVICE_NAME) != self.service:
            return
        name = slice_["metadata"]["name"]
        self._slices[name] = frozenset() if kind == "DELETED" else frozenset(_targets(slice_))
        self.states.append(frozenset().union(*self._slices.values()))

    @property
    def always(self) -> set[Target]:
        """The targets that were there all the time."""
        return set(frozenset.intersection(*self.states))


def _targets(slice_: Object) -> Iterator[Target]:
    for endpoint in slice_["endpoints"] or ():
        if endpoint.get("conditions", {}).get("ready") is not False:
            for port in slice_["ports"] or ():
                yield endpoint["addresses"][0], port["name"], port["port"]


@contextmanager
def watched(plane: ControlPlane, namespace: str, service: str) -> Iterator[Seen]:
    """Watch the slices of a Service. What was seen is complete once the block has ended."""
    path = path_of("EndpointSlice", namespace)
    start = plane.api.request("GET", path)
    seen = Seen(service)
    for slice_ in start["items"]:
        seen.note("ADDED", slice_)
    assert seen.states, "there is nothing to watch"
    version = start["metadata"]["resourceVersion"]
    thread = threading.Thread(target=_watch, args=(plane, path, version, seen), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        plane.api.create(slice_object(namespace, END, END, "192.0.2.1", manager="tests"))
        thread.join(60)
        plane.api.delete("EndpointSlice", END, namespace)
    assert not thread.is_alive(), "the end was never seen"
    if seen.error:
        raise seen.error


def _watch(plane: ControlPlane, path: str, version: str, seen: Seen) -> None:
    try:
        with plane.api._http.stream("GET", path, params={"watch": "1", "resourceVersion": version}) as answer:
            for line in answer.iter_lines():
                event = json.loads(line)
                if event["object"]["metadata"]["name"] == END:
                    return
                seen.note(event["type"], event["object"])
    except Exception as error:  # noqa: BLE001 - it is raised where the test is
        seen.error = error
