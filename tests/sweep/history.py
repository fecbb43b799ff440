"""What callers could reach at each moment, from the history that the API server keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

from lab.controlplane import ControlPlane, Object
from lab.controlplane.api import path_of
from lab.controlplane.objects import endpoints, service
from tests.endpoints.views import MANAGED_BY, MIRRORING, SERVICE_NAME, slice_object

MARK = "sweep-mark"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
KINDS = ("Service", "Endpoints", "EndpointSlice")

Target = tuple[str, str, int, str, str]
"""Namespace and name of a Service, its port and protocol, and an address that answers there."""
Offer = tuple[str, str, str, str, str]
"""Namespace and name of a Service, name and protocol of a port, and an address that answers there."""
Held = tuple[str, tuple[str, str]]
"""Kind, and namespace and name."""
Event = tuple[int, str, bool, Object]
"""The revision of the store, the kind, whether the object is still there, and the object."""


class History:
    """The Services and endpoints of a cluster from a moment on. Revisions order them: one store has them all."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._start = {kind: plane.api.request("GET", path_of(kind)) for kind in KINDS}

    def moments(self) -> list[frozenset[Target]]:
        """Return what was reachable at the start, and after each change until now."""
        held: dict[Held, Object] = {
            (kind, _key(obj)): obj for kind, found in self._start.items() for obj in found["items"]
        }
        moments = [_reachable(held)]
        events = sorted(self._events(), key=lambda event: event[0])
        for _, at_once in groupby(events, key=lambda event: event[0]):
            for _, kind, exists, obj in at_once:
                if exists:
                    held[kind, _key(obj)] = obj
                else:
                    held.pop((kind, _key(obj)), None)
            moments.append(_reachable(held))
        return moments

    def _events(self) -> Iterator[Event]:
        for kind, started in self._start.items():
            end = _mark(self._plane, kind)
            yield from _watched(self._plane, kind, started["metadata"]["resourceVersion"], end)


def prepare(plane: ControlPlane) -> None:
    """Make the objects whose changes stand for now."""
    own = endpoints("default", MARK, "192.0.2.1")
    plane.add(
        service("default", MARK, type="ClusterIP", clusterIP="None", selector=None),
        {**own, "metadata": {**own["metadata"], "labels": {SKIP_MIRROR: "true"}}},
        slice_object("default", MARK, MARK, "192.0.2.1", manager="tests"),
    )


def _mark(plane: ControlPlane, kind: str) -> int:
    """Change an object of this kind, and return the revision of the change."""
    found = plane.api.get(kind, MARK, "default")
    annotations = {"mark": found["metadata"]["resourceVersion"]}
    marked = plane.api.patch(found, {"metadata": {"annotations": annotations}})
    return int(marked["metadata"]["resourceVersion"])


def _watched(plane: ControlPlane, kind: str, start: str, end: int) -> Iterator[Event]:
    params = {"watch": "1", "resourceVersion": start}
    with plane.api._http.stream("GET", path_of(kind), params=params) as answer:
        for line in answer.iter_lines():
            event = json.loads(line)
            revision = int(event["object"]["metadata"]["resourceVersion"])
            yield revision, kind, event["type"] != "DELETED", event["object"]
            if revision >= end:
                return


def _key(obj: Object) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def _reachable(held: dict[Held, Object]) -> frozenset[Target]:
    """Do as kube-proxy: join the ports of a Service and of all its slices by name and protocol.

    Copies of Endpoints count as being up to date: Kubernetes changes them before kube-proxy looks again.
    """
    open_ports = {
        (*key, port.get("name", ""), port["protocol"]): port["port"]
        for (kind, key), obj in held.items()
        if kind == "Service"
        for port in obj["spec"].get("ports", ())
    }
    slices = [obj for (kind, _), obj in held.items() if kind == "EndpointSlice"]
    copies = [obj for obj in slices if obj["metadata"].get("labels", {}).get(MANAGED_BY) == MIRRORING]
    copied = {owner["uid"] for copy in copies for owner in copy["metadata"].get("ownerReferences", ())}
    originals = [obj for (kind, _), obj in held.items() if kind == "Endpoints" and obj["metadata"]["uid"] in copied]
    return frozenset(
        (namespace, name, open_ports[namespace, name, port_name, protocol], protocol, address)
        for obj in (*originals, *(obj for obj in slices if obj not in copies))
        for namespace, name, port_name, protocol, address in _offered(obj)
        if (namespace, name, port_name, protocol) in open_ports
    )


def _offered(obj: Object) -> Iterator[Offer]:
    """Return what a slice offers, or Endpoints."""
    metadata = obj["metadata"]
    if "endpoints" in obj:
        name = metadata.get("labels", {}).get(SERVICE_NAME, "")
        ready = (found for found in obj["endpoints"] or () if found.get("conditions", {}).get("ready") is not False)
        parts = [([address for found in ready for address in found["addresses"]], obj["ports"])]
    else:
        name = metadata["name"]
        subsets = obj.get("subsets") or ()
        parts = [([found["ip"] for found in part.get("addresses", ())], part["ports"]) for part in subsets]
    for addresses, ports in parts:
        for port in ports or ():
            for address in addresses:
                yield metadata["namespace"], name, port.get("name") or "", port["protocol"], address
