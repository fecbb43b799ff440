"""What the original does to a cluster, by its description: the requests, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence

from lab.controlplane import ControlPlane, Object
from lab.controlplane.objects import endpoints
from lab.controlplane.objects import service as service_object
from tests.scenarios.views import MANUAL, MARKER, MIRROR

MANAGER = "barrelman"
DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "barrelman", "namespace": "kube-system"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "barrelman"}},
        "template": {
            "metadata": {"labels": {"app": "barrelman"}},
            "spec": {"containers": [{"name": "barrelman", "image": "barrelman"}]},
        },
    },
}


def create_mirror(cluster: ControlPlane, *ports: Object) -> None:
    """Create its mirror foo/bar with these ports."""
    made = service_object("foo", "bar", *ports, labels=MIRROR, type="ClusterIP", selector=None)
    cluster.ensure_namespace("foo")
    cluster.api.create(made, manager=MANAGER)


def write_endpoints(cluster: ControlPlane, ips: Sequence[str]) -> None:
    """Write the endpoints of all Services with its label, all ports without a protocol."""
    for service in cluster.api.list("Service", labelSelector=f"{MARKER} in (true,managed-resource)"):
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        ports = [
            {"port": entry["targetPort"], **({"name": entry["name"]} if "name" in entry else {})}
            for entry in service["spec"]["ports"]
        ]
        wanted = endpoints(namespace, name, *ips, ports=ports)
        wanted["metadata"]["labels"] = dict(MANUAL)
        if found := cluster.api.find("Endpoints", name, namespace):
            cluster.api.replace({**found, "subsets": wanted["subsets"]}, manager=MANAGER)
        else:
            cluster.api.create(wanted, manager=MANAGER)
