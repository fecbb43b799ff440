"""From the original to barrelman-sync and back, as docs/migration.md says, while the service is called."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane, Object, wait_until
from lab.controlplane.objects import port
from tests.endpoints.views import MIRRORING, OURS, addresses, slices
from tests.migration import cronjob
from tests.migration.original import DEPLOYMENT, MANAGER, create_mirror, write_endpoints
from tests.migration.page import DELETE_SLICES, START_THE_ORIGINAL, STOP_THE_ORIGINAL
from tests.migration.shell import Shell
from tests.migration.views import bar
from tests.scenarios.origins import Mode
from tests.scenarios.views import ports
from tests.traffic.lab import BAR, HTTP, Lab, serve

STALE = port(81, "old", targetPort=30999)  # a node port that the remote Service has no longer


@pytest.fixture(autouse=True)
def both(local: ControlPlane) -> None:
    """Install the original and our CronJob."""
    local.add(DEPLOYMENT)
    cronjob.install(local)


def test_adopting_its_objects_loses_no_call(lab: Lab, local: ControlPlane, shell: Shell, mode: Mode) -> None:
    serve(lab.remote, HTTP, namespace="foo", name="bar")
    create_mirror(local, port(80, "http", targetPort=node_port(lab)), STALE)
    write_endpoints(local, remote_ips(lab))
    lab.settle()
    before = bar(local)
    assert (MANAGER, "Update") in managers(before)
    with lab.load(BAR) as load:
        load.go_on()
        shell(STOP_THE_ORIGINAL)
        for _ in range(2):
            lab.mirror(*mode)
            load.go_on()
    lab.tell("adopted", load.tally)
    assert load.tally.failed == 0
    after = bar(local)
    assert after["spec"]["clusterIP"] == before["spec"]["clusterIP"]
    assert ports(after) == [("http", "TCP", 80, node_port(lab))]
    assert ("barrelman-sync", "Apply") in managers(after)


def test_going_back_to_it_loses_no_call(lab: Lab, local: ControlPlane, shell: Shell, mode: Mode) -> None:
    shell(STOP_THE_ORIGINAL)
    serve(lab.remote, HTTP, namespace="foo", name="bar")
    lab.mirror(*mode)
    before = bar(local)
    with lab.load(BAR) as load:
        load.go_on()
        lab.mirror(*mode, "--allow-mass-delete")
        shell(START_THE_ORIGINAL)
        write_endpoints(local, remote_ips(lab))
        wait_until(lambda: copied(local) == remote_ips(lab), "the copy")
        load.go_on()
        shell(DELETE_SLICES)
        lab.settle()
        load.go_on()
    lab.tell("back to the original", load.tally)
    assert load.tally.failed == 0
    assert bar(local)["spec"] == before["spec"]
    assert slices(local, "foo", "bar", OURS) == []


def node_port(lab: Lab) -> int:
    (entry,) = lab.remote.api.get("Service", "bar", "foo")["spec"]["ports"]
    number: int = entry["nodePort"]
    return number


def remote_ips(lab: Lab) -> list[str]:
    return [node.host.ipv4 for node in lab.remote.nodes.values()]


def copied(local: ControlPlane) -> list[str]:
    """The addresses in Kubernetes' copies, which have no order of their own."""
    return sorted(addresses(slices(local, "foo", "bar", MIRRORING)))


def managers(obj: Object) -> set[tuple[str, str]]:
    return {(entry["manager"], entry["operation"]) for entry in obj["metadata"]["managedFields"]}
