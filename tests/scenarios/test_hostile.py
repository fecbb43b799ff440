"""A hostile remote before a real local API server: what it asks for is refused, and all else is done."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import endpoints, node
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Answer, Proxy
from tests.scenarios.views import ips, node_port

SERVICES = "/api/v1/services"


def test_names_of_the_remote_lead_to_no_other_object(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str], remote_proxy: Proxy
) -> None:
    """The API server would clean the path of a request, so that it is about another namespace."""
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "evil", 30081))

    def rename(answer: Answer) -> None:
        answer.body = answer.body.replace(b'"name":"evil"', b'"name":"../../kube-system/services/evil"')

    remote_proxy.spoil(SERVICES, rename)
    run = sync(*remote_proxy.options)
    assert (run.exit_code, ips(local, "foo", "bar")) == (0, nodes)
    assert "name that Kubernetes does not allow: 1" in run.stdout
    assert local.api.find("Service", "evil", "kube-system") is None


@pytest.fixture
def api_server(local: ControlPlane) -> Iterator[str]:
    """Return the address that the local API server has by its Endpoints, which the lab's server does not write."""
    local.add(endpoints("default", "kubernetes", "10.9.9.9"))
    yield "10.9.9.9"
    local.api.delete("Endpoints", "kubernetes", "default")


def test_the_local_api_server_is_no_node(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str], api_server: str
) -> None:
    remote.add(node_port("foo", "bar", 30080), node("own", api_server), node("its-neighbor", "10.9.9.10"))
    run = sync.converges("-o", "json")
    excluded = {entry["node"]: entry["reason"] for entry in json.loads(run.stdout)["nodes"]["excluded"]}
    assert excluded == {"own": "local_api_server"}
    assert ips(local, "foo", "bar") == [*nodes, "10.9.9.10"]
