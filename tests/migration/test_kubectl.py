"""A service moves into the local cluster and back, with kubectl, as docs/migration.md says."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane, wait_until
from tests.docs.typed import typed
from tests.endpoints.views import CONTROLLER, OURS, SLICES, addresses, slices
from tests.endpoints.watching import watched
from tests.migration.conftest import POD_IP
from tests.migration.page import APPLY, APPLY_SERVER_SIDE, BACK, MANIFEST, REPLACE, WAIT_FOR_PODS
from tests.migration.shell import Shell
from tests.migration.views import PODS, REMOTE, at_last, bar, held_by_us, never_empty, others, wait_for_pods
from tests.scenarios.command import Sync
from tests.scenarios.views import edit, ips, labels, mirror_of, ports, unchanged

Mode = tuple[str, ...]

DUPLICATE = 'spec.ports[1].name: Duplicate value: "http"'
applied = pytest.mark.parametrize("apply", [APPLY, APPLY_SERVER_SIDE], ids=["client side", "server side"])


@pytest.fixture(autouse=True)
def manifest(shell: Shell) -> None:
    shell.write("bar.yaml", MANIFEST)


def renumbered(name: str = "http") -> str:
    """The manifest with another port number."""
    return MANIFEST.replace("port: 80,", "port: 8000,").replace("name: http", f"name: {name}")


@applied
def test_a_real_service_takes_the_mirror_over(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, apply: str
) -> None:
    edit(local, "foo", "bar", {"metadata": {"labels": {"team": "web"}, "annotations": {"team": "web"}}})
    edit(local, "foo", "bar", {"spec": {"externalIPs": ["192.0.2.1"]}})
    shell(WAIT_FOR_PODS)
    with watched(local, "foo", "bar") as seen:
        shell(apply)
        wait_for_pods(local)
    assert never_empty(seen) or SLICES not in mirror  # two controllers of Kubernetes race there, see the page
    before = bar(local)
    with watched(local, "foo", "bar") as seen:
        run = sync(*mirror)
        local.settle()
    assert run.exit_code == 0
    assert "released: a selector is set" in run.line("~ Service", "foo/bar")
    assert never_empty(seen)
    assert at_last(seen) == PODS
    after = bar(local)
    assert others(after) == others(before)
    assert labels(after) == {"team": "web"}
    assert not held_by_us(after)
    assert slices(local, "foo", "bar", OURS) == []
    assert "a local Service with this name already exists" in sync.writes_nothing(*mirror).line("foo/bar")
    shell(apply)
    assert bar(local)["spec"] == after["spec"]


@applied
def test_another_port_number_is_refused_and_nothing_changes(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, apply: str
) -> None:
    shell.write("bar.yaml", renumbered())
    before = bar(local)
    for _ in range(2):
        assert DUPLICATE in shell.refused(apply)
        sync.writes_nothing(*mirror)
    assert unchanged(before, bar(local))


@applied
def test_the_number_may_change_after_the_release(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, apply: str
) -> None:
    shell(apply)
    if apply == APPLY_SERVER_SIDE:  # the mirror's port is held by us, too, until the run
        shell.write("bar.yaml", renumbered())
        assert DUPLICATE in shell.refused(apply)
    sync.converges(*mirror)
    shell.write("bar.yaml", renumbered())
    shell(apply)
    sync.writes_nothing(*mirror)
    assert ports(bar(local)) == [("http", "TCP", 8000, 8080)]


def test_replace_takes_another_port_number(sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode) -> None:
    shell.write("bar.yaml", renumbered())
    address = bar(local)["spec"]["clusterIP"]
    shell(REPLACE)
    wait_for_pods(local)
    with watched(local, "foo", "bar") as seen:
        sync.converges(*mirror)
        local.settle()
    assert never_empty(seen)
    assert at_last(seen) == PODS
    assert (bar(local)["spec"]["clusterIP"], ports(bar(local))) == (address, [("http", "TCP", 8000, 8080)])
    assert labels(bar(local)) == {}


@applied
def test_a_port_with_another_name_too_leaves_the_mirrors_port(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, apply: str
) -> None:
    both = [("http", "TCP", 80, 30080), ("web", "TCP", 8000, 8080)]
    shell.write("bar.yaml", renumbered("web"))
    shell(apply)
    assert "targetPort 30080 is still the remote's node port" in sync.converges(*mirror).line("~ Service")
    shell(apply)
    assert ports(bar(local)) == both
    shell(REPLACE)
    sync.writes_nothing(*mirror)
    assert ports(bar(local)) == both[1:]


@applied
def test_what_the_manifest_does_not_say_keeps_the_mirrors_value(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, apply: str
) -> None:
    options = (*mirror, "--nodeportsvc")
    sync.converges(*options)
    shell.write("bar.yaml", MANIFEST.replace("  type: ClusterIP\n", "").replace(", targetPort: 8080", ""))
    shell(apply)
    assert "targetPort 30080 is still the remote's node port" in sync.converges(*options).line("~ Service")
    assert (bar(local)["spec"]["type"], ports(bar(local))) == ("NodePort", [("http", "TCP", 80, 30080)])


@applied
def test_without_a_selector_it_stays_a_mirror(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, apply: str
) -> None:
    shell.write("bar.yaml", MANIFEST.replace("  selector: {app: bar}\n", ""))
    shell(apply)
    sync.converges(*mirror)
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", 80, 30080)]


def test_without_force_a_server_side_apply_conflicts(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode
) -> None:
    before = bar(local)
    said = shell.refused(APPLY_SERVER_SIDE.replace("--force-conflicts", ""))
    assert 'conflict with "barrelman-sync"' in said
    assert unchanged(before, bar(local))
    sync.writes_nothing(*mirror)


@applied
def test_it_becomes_a_mirror_again(sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, apply: str) -> None:
    shell(apply)
    wait_for_pods(local)
    sync.converges(*mirror)
    address = bar(local)["spec"]["clusterIP"]
    with watched(local, "foo", "bar") as seen:
        shell(BACK)
        local.settle()
        assert addresses(slices(local, "foo", "bar", CONTROLLER)) == [POD_IP]  # nobody else removes it
        run = sync.converges(*mirror)
        assert "left over from when there was a selector" in run.line("- EndpointSlice")
        local.api.delete("Pod", "bar-1", "foo", gracePeriodSeconds="0")
        wait_until(lambda: at_last(seen) == REMOTE, "the pod to be called no longer")
    assert never_empty(seen)
    assert (mirror_of(local, "foo", "bar")["spec"]["clusterIP"], slices(local, "foo", "bar", CONTROLLER)) == (
        address,
        [],
    )
    if SLICES in mirror:
        assert ips(local, "foo", "bar") == []
    sync.writes_nothing(*mirror)
    shell(apply)
    assert "released" in sync.converges(*mirror).line("~ Service", "foo/bar")


def test_deleting_by_the_manifest_deletes_the_mirror_too(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode
) -> None:
    shell(APPLY)
    sync.converges(*mirror)
    shell(BACK)
    sync.converges(*mirror)
    shell(typed("kubectl delete -f bar.yaml"))
    local.settle()
    assert "ClusterIP" in sync.converges(*mirror).line("+ Service", "foo/bar")
