"""A service moves into the local cluster and back, with Helm, as docs/migration.md says."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lab.clients import client
from lab.controlplane import ControlPlane
from tests.docs.typed import typed
from tests.endpoints.views import SLICES
from tests.endpoints.watching import watched
from tests.migration.page import BACK, FORGET_RELEASE, HELM, HELM_3, START_THE_CHARTS_PODS, WAIT_FOR_THE_CHARTS_PODS
from tests.migration.shell import Shell
from tests.migration.views import PODS, REMOTE, at_last, bar, held_by_us, never_empty, others, wait_for_pods
from tests.needed import needed
from tests.scenarios.command import Sync
from tests.scenarios.views import MANAGED_BY, is_there, labels, mirror_of, unchanged

Mode = tuple[str, ...]

DUPLICATE = 'spec.ports[1].name: Duplicate value: "http"'
UNINSTALL = "helm uninstall bar --namespace foo"


@dataclass(frozen=True)
class Way:
    """A version of Helm, and what its users type."""

    client: str
    take: str
    roll_back: str

    def renumbered(self) -> str:
        return f"{self.take} --set service.port=8000"


HELM, HELM_3 = HELM.strip(), HELM_3.strip()
WAYS = {
    "Helm 4": Way("helm", HELM, "--rollback-on-failure"),
    "Helm 4, client side": Way(
        "helm", HELM.replace("--force-conflicts", "--server-side=false"), "--rollback-on-failure"
    ),
    "Helm 3": Way("helm3", HELM_3, "--atomic"),
}
ENDPOINTS: Mode = ()


def ways(*cases: tuple[str, Mode]) -> pytest.MarkDecorator:
    """Play a test with these versions of Helm, each in an endpoint mode."""
    ids = [f"{way}, {'slices' if mode else 'Endpoints'}" for way, mode in cases]
    return pytest.mark.parametrize(("way", "mode"), cases, indirect=True, ids=ids)


IN_BOTH_MODES = ("Helm 4", ENDPOINTS), ("Helm 4", (SLICES,))
server_side = ways(*IN_BOTH_MODES)
both_versions = ways(*IN_BOTH_MODES, ("Helm 3", (SLICES,)))
all_ways = ways(*IN_BOTH_MODES, ("Helm 4, client side", (SLICES,)), ("Helm 3", ENDPOINTS))


@pytest.fixture
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


@pytest.fixture
def shell(shell: Shell, way: Way, request: pytest.FixtureRequest) -> Shell:
    """Return a shell with the version of Helm."""
    with needed("no Helm", request.config):
        return Shell(shell.folder, shell.kubeconfig, [client("kubectl"), client(way.client)])


@pytest.fixture(autouse=True)
def chart(shell: Shell) -> None:
    shell(typed("helm create bar"))


@all_ways
def test_a_chart_takes_the_mirror_over(sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, way: Way) -> None:
    shell(START_THE_CHARTS_PODS)
    shell(WAIT_FOR_THE_CHARTS_PODS)
    started = local.api.get("Deployment", "bar", "foo")["spec"]
    with watched(local, "foo", "bar") as seen:
        shell(way.take)
        wait_for_pods(local)
    assert local.api.get("Deployment", "bar", "foo")["spec"] == started, "its pods would be restarted"
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
    shell(way.take)
    sync.writes_nothing(*mirror)
    assert bar(local)["spec"] == after["spec"]


@all_ways
def test_the_number_may_change_after_the_release(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, way: Way
) -> None:
    before = bar(local)
    assert DUPLICATE in shell.refused(way.renumbered())
    sync.writes_nothing(*mirror)
    assert unchanged(before, bar(local))
    shell(way.take)
    sync.converges(*mirror)
    shell(way.renumbered())
    sync.writes_nothing(*mirror)
    assert [(entry["port"], entry["targetPort"]) for entry in bar(local)["spec"]["ports"]] == [(8000, "http")]


@server_side
def test_without_force_or_ownership_nothing_is_taken(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode
) -> None:
    before = bar(local)
    assert "invalid ownership metadata" in shell.refused(HELM.replace("--take-ownership", ""))
    assert 'conflicts with "barrelman-sync"' in shell.refused(HELM.replace("--force-conflicts", ""))
    assert unchanged(before, bar(local))
    sync.writes_nothing(*mirror)


@both_versions
def test_undoing_what_failed_deletes_the_mirror_with_helm_3(
    sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, way: Way
) -> None:
    """The release lists the Service, which does not carry the release's name. Helm 4.3 looks at that first."""
    for undo in ("uninstall", "roll back"):
        before = bar(local)
        if undo == "uninstall":
            shell.refused(way.renumbered())
            shell(UNINSTALL)
        else:
            shell.refused(f"{way.renumbered()} {way.roll_back} --timeout 5s")
        if way.client == "helm":
            assert unchanged(before, bar(local))
            sync.writes_nothing(*mirror)
        else:
            assert not is_there(local, "foo", "bar")[0]
            local.settle()
            assert "ClusterIP" in sync.converges(*mirror).line("+ Service", "foo/bar")


@pytest.fixture
def back(sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode, way: Way) -> Mode:
    """Hand foo/bar to the chart and make it a mirror again."""
    shell(way.take)
    wait_for_pods(local)
    sync.converges(*mirror)
    with watched(local, "foo", "bar") as seen:
        shell(BACK)
        sync.converges(*mirror)
        local.settle()
    assert never_empty(seen)
    assert at_last(seen) == REMOTE
    return mirror


@both_versions
def test_back_and_the_release_is_forgotten(sync: Sync, local: ControlPlane, shell: Shell, back: Mode) -> None:
    before = mirror_of(local, "foo", "bar")
    shell(FORGET_RELEASE)
    assert "bar" not in shell("helm list --namespace foo --short")
    assert unchanged(before, bar(local))
    sync.writes_nothing(*back)


@both_versions
def test_back_and_uninstalled_deletes_the_mirror(sync: Sync, local: ControlPlane, shell: Shell, back: Mode) -> None:
    uid = bar(local)["metadata"]["uid"]
    shell(UNINSTALL)
    assert not is_there(local, "foo", "bar")[0]
    local.settle()
    sync.converges(*back)
    assert mirror_of(local, "foo", "bar")["metadata"]["uid"] != uid


@both_versions
def test_back_and_upgraded_is_a_real_service_again(
    sync: Sync, local: ControlPlane, shell: Shell, back: Mode, way: Way
) -> None:
    upgrade = "helm upgrade bar ./bar --namespace foo --set fullnameOverride=bar"
    if way.client == "helm":
        before = bar(local)
        assert 'conflict with "barrelman-sync"' in shell.refused(upgrade)
        assert unchanged(before, bar(local))
        upgrade += " --force-conflicts"
    shell(upgrade)
    assert "released" in sync.converges(*back).line("~ Service", "foo/bar")
