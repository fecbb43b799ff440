"""From the original to barrelman-sync and back, as docs/migration.md says."""

from __future__ import annotations

import re

import pytest

from barrelman_sync.command.options import OPTIONS
from lab.controlplane import ControlPlane, wait_until
from lab.controlplane.objects import port, service
from tests.endpoints.views import MIRRORING, OURS, SLICES, addresses, slices
from tests.endpoints.watching import watched
from tests.migration import cronjob
from tests.migration.original import DEPLOYMENT, create_mirror, write_endpoints
from tests.migration.page import DELETE_SLICES, PAGE, START_THE_ORIGINAL, STOP_THE_ORIGINAL
from tests.migration.shell import Shell
from tests.migration.views import REMOTE, bar
from tests.scenarios.command import Sync
from tests.scenarios.conftest import NODES
from tests.scenarios.views import endpoint_ports, ips, is_there, mirror_of, node_port, ports

Mode = tuple[str, ...]

IPS = list(NODES.values())
LAST = ("--allow-mass-delete",)


@pytest.fixture(autouse=True)
def deployment(local: ControlPlane) -> None:
    """Install the original and our CronJob."""
    local.add(DEPLOYMENT)


@pytest.mark.usefixtures("nodes")
def test_the_first_run_adopts_and_nobody_notices(
    sync: Sync, remote: ControlPlane, local: ControlPlane, shell: Shell, mode: Mode
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    create_mirror(local, port(80, "http", targetPort=30080))
    write_endpoints(local, IPS)
    wait_until(lambda: copied(local) == IPS, "the copy")
    address = bar(local)["spec"]["clusterIP"]
    with watched(local, "foo", "bar") as seen:
        shell(STOP_THE_ORIGINAL)
        sync.converges(*mode)
        local.settle()
    assert seen.always == REMOTE
    assert mirror_of(local, "foo", "bar")["spec"]["clusterIP"] == address
    assert ports(bar(local)) == [("http", "TCP", 80, 30080)]


def copied(local: ControlPlane) -> list[str]:
    """The addresses in Kubernetes' copies, which have no order of their own."""
    return sorted(addresses(slices(local, "foo", "bar", MIRRORING)))


def scale(local: ControlPlane) -> int:
    replicas: int = local.api.get("Deployment", "barrelman", "kube-system")["spec"]["replicas"]
    return replicas


def suspended(local: ControlPlane) -> bool:
    found: bool = cronjob.spec(local)["suspend"]
    return found


def test_back_to_the_original(
    sync: Sync, remote: ControlPlane, local: ControlPlane, shell: Shell, mirror: Mode
) -> None:
    remote.add(*(node_port("foo", f"gone-{number}", 30100 + number) for number in range(12)))
    remote.add(service("foo", "balanced", port(80, "http", nodePort=30099), type="LoadBalancer"))
    cronjob.install(local)
    shell(STOP_THE_ORIGINAL)
    sync.converges(*mirror, "--include-loadbalancers")
    for number in range(12):
        remote.api.delete("Service", f"gone-{number}", "foo")
    with watched(local, "foo", "bar") as seen:
        run = sync(*mirror, *LAST)
        assert run.exit_code == 0
        shell(START_THE_ORIGINAL)
        assert (scale(local), suspended(local)) == (1, True)
        write_endpoints(local, IPS)
        wait_until(lambda: copied(local) == IPS, "the copy")
        shell(DELETE_SLICES)
        local.settle()
    assert seen.always == REMOTE
    labeled = [obj["metadata"]["name"] for obj in local.api.list("Service", labelSelector="tfw.io/barrelman")]
    assert labeled == ["bar"]
    assert slices(local, "foo", "bar", OURS) == []
    write_endpoints(local, IPS[:1])
    local.settle()
    assert copied(local) == IPS[:1]


def test_slices_go_in_two_runs_without_the_option(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(SLICES)
    with watched(local, "foo", "bar") as seen:
        sync(*LAST)
        wait_until(lambda: copied(local) == nodes, "the copy")
        sync(*LAST)
        assert slices(local, "foo", "bar", OURS) == []
    assert seen.always == REMOTE


def test_under_the_original_udp_is_tcp_again(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(service("foo", "dns", port(53, "dns", protocol="UDP", nodePort=30053)))
    sync.converges()
    assert endpoint_ports(local, "foo", "dns") == [("dns", "UDP", 30053)]
    write_endpoints(local, nodes)
    assert endpoint_ports(local, "foo", "dns") == [("dns", "TCP", 30053)]
    assert (ips(local, "foo", "dns"), is_there(local, "foo", "dns")) == (nodes, (True, True))


def test_the_page_names_options_that_there_are() -> None:
    ours = {name for option in OPTIONS for name in option.opts}
    table = PAGE.partition("### Options\n")[2].partition("### Metrics\n")[0]
    right = "\n".join(line.split(" | ")[1] for line in table.splitlines() if line.startswith("| `"))
    named = set(re.findall(r"--[a-z-]+", right))
    assert len(named) > 10
    assert named - ours == set()
