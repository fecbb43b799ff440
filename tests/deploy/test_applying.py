"""Each overlay with kubectl: it is applied, nothing differs then, and it is removed without a trace."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import port, service
from tests.deploy.controllers import without_namespaces
from tests.deploy.manifests import EVERYWHERE, FOLDERS, Variant, edited
from tests.docs.typed import typed
from tests.migration.shell import Shell
from tests.operations.page import LOOP_OVERLAY
from tests.scenarios.views import MIRROR

KINDS = (
    "namespaces,serviceaccounts,configmaps,secrets,services,endpoints,endpointslices,pods,"
    "cronjobs,jobs,deployments,networkpolicies,roles,rolebindings,clusterroles,clusterrolebindings"
)
EVERYTHING = (
    f"kubectl get {KINDS} --all-namespaces --output jsonpath='"
    '{range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name}@{.metadata.resourceVersion}{"\\n"}{end}\''
)


@dataclass(frozen=True)
class Installation:
    """The words with which a user applies an overlay, the variant that the user edits, and the namespace."""

    apply: str
    variant: Variant
    namespace: str = "barrelman-sync"

    def with_(self, verb: str) -> str:
        """Return the words with another verb of kubectl."""
        return self.apply.replace("apply", verb)


ANOTHER = "barrelman-sync-my-other"
INSTALLATIONS = {
    "base": Installation("kubectl apply -k .", Variant.KUBECONFIG),
    "gke": Installation(typed("kubectl apply -k deploy/gke"), Variant.WORKLOAD_IDENTITY),
    "kubeconfig": Installation(typed("kubectl apply -k deploy/kubeconfig"), Variant.KUBECONFIG),
    "another": Installation(typed("kubectl apply -k deploy/another-remote"), Variant.ANOTHER, ANOTHER),
    "loop": Installation("kubectl apply -k deploy/mine-loop", Variant.KUBECONFIG),
}
LOOP = LOOP_OVERLAY.replace("../mine", "../kubeconfig").replace("../barrelman-sync/deploy/loop", "../loop")


@pytest.fixture(params=INSTALLATIONS.values(), ids=[*INSTALLATIONS])
def installation(request: pytest.FixtureRequest, checkout: Shell) -> Installation:
    """Return an overlay in which the user took every hint."""
    found: Installation = request.param
    checkout.write(f"deploy/{FOLDERS[found.variant]}/kustomization.yaml", edited(found.variant, *EVERYWHERE))
    (checkout.folder / "deploy" / "mine-loop").mkdir()
    checkout.write("deploy/mine-loop/kustomization.yaml", LOOP)
    return found


def test_it_is_applied_and_removed_without_a_trace(
    installation: Installation, checkout: Shell, local: ControlPlane
) -> None:
    local.add(service("foo", "bar", port(80), labels=MIRROR, selector=None, type="ClusterIP"))
    local.settle()
    before = checkout(EVERYTHING)
    created = checkout.without_warning(installation.apply).splitlines()
    assert created == [line for line in created if line.endswith(" created")] != []
    assert checkout.without_warning(installation.with_("diff")) == ""
    again = checkout.without_warning(installation.apply).splitlines()
    assert again == [line for line in again if line.endswith(" unchanged")]
    checkout(f"kubectl -n {installation.namespace} create secret generic barrelman-sync --from-literal=kubeconfig=any")
    gone = without_namespaces(checkout, installation.with_("delete"), local).splitlines()
    assert len(gone) == len(created)
    assert checkout(EVERYTHING) == before


def test_a_difference_is_shown(checkout: Shell) -> None:
    checkout("cp -r deploy/kubeconfig deploy/remote-berlin && kubectl apply -k deploy/remote-berlin")
    checkout("kubectl -n barrelman-sync set image cronjob/barrelman-sync barrelman-sync=mine")
    diff = typed("kubectl diff -k deploy/remote-NAME").replace("NAME", "berlin")
    shown = checkout(f"{diff} || [ $? = 1 ]")
    assert re.findall(r"^-.* image: (.*)", shown, re.MULTILINE) == ["mine"]
