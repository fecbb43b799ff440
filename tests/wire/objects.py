"""Small Kubernetes objects, as plain dicts."""

from __future__ import annotations

from barrelman_sync.model.local import LocalEndpoints, LocalService
from barrelman_sync.model.names import Key, Kind, Origin, Revision
from tests.wire.store import Object

REMOTE = Origin("remote", "uid-of-remote")
UID = {"tfw.io/barrelman-source-uid": "uid-of-remote"}
OURS = {"app.kubernetes.io/managed-by": "barrelman-sync", "tfw.io/barrelman-source": "remote"}
MIRROR = {**OURS, "tfw.io/barrelman": "managed-resource"}
SERVED = {**OURS, "tfw.io/barrelman": "true", "endpoints.kubernetes.io/managed-by": "barrelman-sync"}


def namespace(name: str, uid: str = "") -> Object:
    metadata = {"name": name, **({"uid": uid} if uid else {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": {"phase": "Active"}}


def node(name: str, ip: str) -> Object:
    status = {
        "addresses": [{"type": "InternalIP", "address": ip}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {}, "status": status}


def node_port(name: str, number: int = 80, node_port: int = 30080) -> Object:
    """A Service of the remote cluster, in namespace shop."""
    ports = [{"port": number, "protocol": "TCP", "targetPort": number, "nodePort": node_port}]
    spec = {"type": "NodePort", "selector": {"app": name}, "ports": ports, "sessionAffinity": "None"}
    return _in_shop("Service", name, {}, spec=spec)


def mirror(name: str, number: int = 80, node_port: int = 30080) -> Object:
    """What a run makes of it."""
    ports = [{"port": number, "protocol": "TCP", "targetPort": node_port}]
    spec = {"type": "ClusterIP", "clusterIP": "10.0.0.7", "ipFamilies": ["IPv4"], "sessionAffinity": "None"}
    return _in_shop("Service", name, MIRROR, spec={**spec, "ports": ports})


def endpoints(name: str, *ips: str, node_port: int = 30080) -> Object:
    subset = {"addresses": [{"ip": ip} for ip in ips], "ports": [{"port": node_port, "protocol": "TCP"}]}
    return _in_shop("Endpoints", name, SERVED, subsets=[subset])


def seen(revision: Revision, kind: Kind = Kind.SERVICE) -> LocalService | LocalEndpoints:
    """The mirror shop/cart or its Endpoints, as a plan saw them."""
    key = Key("shop", "cart")
    if kind is Kind.SERVICE:
        return LocalService(key, revision, labels=MIRROR, annotations=UID)
    return LocalEndpoints(key, revision, labels=SERVED, annotations=UID)


def _in_shop(kind: str, name: str, labels: dict[str, str], **content: object) -> Object:
    metadata = {"namespace": "shop", "name": name, **({"labels": labels, "annotations": UID} if labels else {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}
