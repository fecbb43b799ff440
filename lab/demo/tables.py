"""The objects of a cluster as rows, for tables and for checks."""

from __future__ import annotations

from collections.abc import Iterable

from lab.controlplane import Api, Object

Row = tuple[str, ...]
SYSTEM = {"default/kubernetes", "kube-system/kube-dns"}
MARKER = "tfw.io/barrelman"
KINDS = {"managed-resource": "mirror", "true": "manual service"}
NODE_TITLES = ("NODE", "ADDRESS", "READY")
REMOTE_TITLES = ("SERVICE", "TYPE", "PORTS", "ANNOTATION")
LOCAL_TITLES = ("NAMESPACE", "SERVICE", "PORTS", "ENDPOINTS", "WHAT IT IS")


def nodes(api: Api) -> list[Row]:
    """Return the nodes, with their addresses and readiness."""
    return [(obj["metadata"]["name"], *_status(obj["status"])) for obj in api.list("Node")]


def remote_services(api: Api) -> list[Row]:
    """Return the services with their node ports."""
    return [
        (_key(obj), obj["spec"]["type"], _ports(obj, "nodePort"), _annotation(obj["metadata"]))
        for obj in _services(api)
    ]


def local_services(api: Api) -> list[Row]:
    """Return the services, with their endpoints and whether they are mirrors."""
    endpoints = {_key(obj): obj for obj in api.list("Endpoints")}
    return [
        (
            obj["metadata"]["namespace"],
            obj["metadata"]["name"],
            _ports(obj, "targetPort"),
            _addresses(endpoints.get(_key(obj), {})),
            KINDS.get(obj["metadata"].get("labels", {}).get(MARKER, ""), "your own service"),
        )
        for obj in _services(api)
    ]


def _services(api: Api) -> list[Object]:
    return [obj for obj in api.list("Service") if _key(obj) not in SYSTEM]


def _key(obj: Object) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def _status(status: Object) -> Iterable[str]:
    yield status["addresses"][0]["address"]
    yield next(condition["status"] for condition in status["conditions"] if condition["type"] == "Ready")


def _ports(obj: Object, target: str) -> str:
    return ", ".join(_port(port, target) for port in obj["spec"]["ports"])


def _port(port: Object, target: str) -> str:
    number = f"{port['port']}/{port['protocol']}"
    return f"{number} -> {port[target]}" if target in port else number


def _annotation(metadata: Object) -> str:
    return ", ".join(f"{key}: {value}" for key, value in metadata.get("annotations", {}).items())


def _addresses(endpoints: Object) -> str:
    found = [address["ip"] for subset in endpoints.get("subsets", ()) for address in subset["addresses"]]
    return " ".join(found) or "none"
