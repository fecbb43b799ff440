"""What an API server makes of a Service before it stores it: defaults, cluster IPs, node ports; or why it refuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.worlds.fields import Object

NODE_PORT_TYPES = ("NodePort", "LoadBalancer")


class InvalidError(Exception):
    """A Service that the server answers with 422."""


def completed(new: Object, live: Object | None, taken: Mapping[int, str]) -> Object:
    """Return the Service as the server stores it. `taken` are the node ports of other Services."""
    spec = dict(new["spec"])
    spec.setdefault("type", "ClusterIP")
    _complete_affinity(spec)
    _complete_address(spec)
    before = {_place(port): port.get("nodePort") for port in (live or {"spec": {}})["spec"].get("ports") or ()}
    if spec["type"] in NODE_PORT_TYPES:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    else:
        spec.pop("externalTrafficPolicy", None)
    spec["ports"] = [_port(port, spec["type"], before) for port in spec.get("ports") or ()]
    _allocate(spec, taken)
    _check(spec, taken)
    return {**new, "spec": {name: value for name, value in spec.items() if value not in (None, [])}}


def _complete_affinity(spec: Object) -> None:
    mode = spec.setdefault("sessionAffinity", "None")
    if mode == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 10800}})
    elif spec.get("sessionAffinityConfig"):
        raise InvalidError("spec.sessionAffinityConfig: Forbidden: must not be set when session affinity is None")


def _complete_address(spec: Object) -> None:
    if spec["type"] == "ExternalName":
        for name in ("clusterIP", "ipFamilies"):
            spec.pop(name, None)
    else:
        spec.setdefault("clusterIP", "10.96.0.1")
        spec.setdefault("ipFamilies", ["IPv4"])
    if spec.get("clusterIP") == "None" and spec["type"] != "ClusterIP":
        raise InvalidError("spec.clusterIPs[0]: Invalid value: may not be set to 'None'")


def _place(port: Object) -> tuple[int, str]:
    return port["port"], port.get("protocol", "TCP")


def _port(port: Object, kind: str, before: Mapping[tuple[int, str], Any]) -> Object:
    """Return the port with its defaults, and without a node port that it had and that its new type has not."""
    full = {"protocol": "TCP", "targetPort": port["port"], **port}
    if kind not in NODE_PORT_TYPES and full.get("nodePort") in {before.get(_place(full)), 0}:
        full.pop("nodePort", None)
    return full


def _allocate(spec: Object, taken: Iterable[int]) -> None:
    if spec["type"] not in NODE_PORT_TYPES:
        return
    used = {*taken, *(port["nodePort"] for port in spec["ports"] if port.get("nodePort"))}
    for port in spec["ports"]:
        if not port.get("nodePort"):
            port["nodePort"] = next(number for number in range(32000, 32768) if number not in used)
            used.add(port["nodePort"])


def _check(spec: Object, taken: Mapping[int, str]) -> None:
    ports = spec["ports"]
    names = [port.get("name", "") for port in ports]
    if len(ports) > 1 and (not all(names) or len(set(names)) < len(names)):
        raise InvalidError("spec.ports[1].name: Duplicate value or Required value")
    if not ports and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        raise InvalidError("spec.ports: Required value")
    if len({_place(port) for port in ports}) < len(ports):
        raise InvalidError("spec.ports[1]: Duplicate value")
    numbers = [(port["nodePort"], port["protocol"]) for port in ports if port.get("nodePort")]
    if len(set(numbers)) < len(numbers):
        raise InvalidError("spec.ports[1].nodePort: Duplicate value")
    if numbers and spec["type"] not in NODE_PORT_TYPES:
        raise InvalidError("spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'")
    for number, _ in numbers:
        if number in taken:
            raise InvalidError(f"spec.ports[0].nodePort: Invalid value: {number}: provided port is already allocated")
