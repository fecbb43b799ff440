"""A service moves into the local cluster and back, with Helm, as docs/migration.md says."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane
from tests.endpoints.views import SLICES
from tests.endpoints.watching import watched
from tests.migration.page import BACK, FORGET_RELEASE, HELM
from tests.migration.shell import Shell
from tests.migration.views import PODS, REMOTE, at_last, bar, held_by_us, never_empty, others, wait_for_pods
from tests.scenarios.command import Sync
from tests.scenarios.views import MANAGED_BY, is_there, labels, mirror_of, unchanged

Mode = tuple[str, ...]

DUPLICATE = 'spec.ports[1].name: Duplicate value: "http"'
HELM = HELM.strip()
RENUMBERED = f"{HELM} --set service.port=8000"
UNINSTALL = "helm uninstall bar --namespace foo"
methods = pytest.mark.parametrize("method", ["", " --server-side=false"], ids=["server side", "client side"])


def by(method: str, command: str = HELM) -> str:
    """The command with a method of applying; only server-side apply knows conflicts."""
    return command.replace(" --force-conflicts", method) if method else command


@pytest.fixture(autouse=True)
def chart(shell: Shell) -> None:
    shell("helm create bar")


@methods
def test_a_chart_takes_the_mirror_over(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, method: str
) -> None:
    with watched(local, "foo", "bar") as seen:
        shell(by(method))
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
    assert labels(after)[MANAGED_BY] == "Helm"
    assert not held_by_us(after)
    sync.writes_nothing(*mirror)
    shell(by(method))
    sync.writes_nothing(*mirror)
    assert bar(local)["spec"] == after["spec"]


@methods
def test_the_number_may_change_after_the_release(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, method: str
) -> None:
    before = bar(local)
    assert DUPLICATE in shell.refused(by(method, RENUMBERED))
    sync.writes_nothing(*mirror)
    assert unchanged(before, bar(local))
    shell(by(method))
    sync.converges(*mirror)
    shell(by(method, RENUMBERED))
    sync.writes_nothing(*mirror)
    assert [(entry["port"], entry["targetPort"]) for entry in bar(local)["spec"]["ports"]] == [(8000, "http")]


def test_without_force_or_ownership_nothing_is_taken(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode
) -> None:
    before = bar(local)
    assert "invalid ownership metadata" in shell.refused(HELM.replace("--take-ownership", ""))
    assert 'conflicts with "barrelman-sync"' in shell.refused(HELM.replace("--force-conflicts", ""))
    assert unchanged(before, bar(local))
    sync.writes_nothing(*mirror)


def test_uninstalling_what_failed_deletes_the_mirror(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode
) -> None:
    shell.refused(RENUMBERED)
    shell(UNINSTALL)
    assert not is_there(local, "foo", "bar")[0]
    local.settle()
    assert "ClusterIP" in sync.converges(*mirror).line("+ Service", "foo/bar")


def test_rolling_back_what_failed_deletes_the_mirror(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode
) -> None:
    shell.refused(f"{RENUMBERED} --rollback-on-failure --timeout 5s")
    assert not is_there(local, "foo", "bar")[0]
    local.settle()
    assert "ClusterIP" in sync.converges(*mirror).line("+ Service", "foo/bar")


@pytest.fixture
def back(sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode) -> Mode:
    """Hand foo/bar to the chart and make it a mirror again."""
    shell(HELM)
    wait_for_pods(local)
    sync.converges(*mirror)
    with watched(local, "foo", "bar") as seen:
        shell(BACK)
        sync.converges(*mirror)
        local.settle()
    assert never_empty(seen)
    assert at_last(seen) == REMOTE
    return mirror


def test_back_and_the_release_is_forgotten(sync: Sync, local: ControlPlane, shell: Shell, back: Mode) -> None:
    before = mirror_of(local, "foo", "bar")
    shell(FORGET_RELEASE)
    assert "bar" not in shell("helm list --namespace foo --short")
    assert unchanged(before, bar(local))
    sync.writes_nothing(*back)


def test_back_and_uninstalled_deletes_the_mirror(sync: Sync, local: ControlPlane, shell: Shell, back: Mode) -> None:
    uid = bar(local)["metadata"]["uid"]
    shell(UNINSTALL)
    assert not is_there(local, "foo", "bar")[0]
    local.settle()
    sync.converges(*back)
    assert mirror_of(local, "foo", "bar")["metadata"]["uid"] != uid


def test_back_and_upgraded_is_a_real_service_again(sync: Sync, local: ControlPlane, shell: Shell, back: Mode) -> None:
    before = bar(local)
    upgrade = "helm upgrade bar ./bar --namespace foo --set fullnameOverride=bar"
    assert 'conflict with "barrelman-sync"' in shell.refused(upgrade)
    assert unchanged(before, bar(local))
    shell(f"{upgrade} --force-conflicts")
    assert "released" in sync.converges(*back).line("~ Service", "foo/bar")
