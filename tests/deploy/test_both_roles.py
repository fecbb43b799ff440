"""A cluster that mirrors another one and is mirrored itself: what the two need shares a namespace."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane
from tests.deploy.page import REMOVE_ACCOUNT, REMOVE_INSTALLATION
from tests.migration.shell import Shell
from tests.scenarios.command import NAMESPACE

INSTALL = f"""
kubectl apply -k deploy/kubeconfig
kubectl -n {NAMESPACE} create secret generic {NAMESPACE} --from-literal=kubeconfig=any
"""
GIVE_ACCESS = "kubectl apply -f rbac-remote.yaml -f deploy/remote-token.yaml\n"
LOOK = f"""
kubectl -n {NAMESPACE} get cronjob,configmap,secret,serviceaccount -o name
kubectl get clusterrole,clusterrolebinding -o name
"""
OF_THE_ACCOUNT = f"{NAMESPACE}-remote"
ENFORCE = "pod-security.kubernetes.io/enforce"


def there(checkout: Shell) -> set[str]:
    """Return the objects of both, as kind/name."""
    return {line for line in checkout(LOOK).splitlines() if line.partition("/")[2].startswith(NAMESPACE)}


@pytest.mark.parametrize("order", [(INSTALL, GIVE_ACCESS), (GIVE_ACCESS, INSTALL)], ids=["runs first", "account first"])
def test_the_second_leaves_the_rules_for_pods(order: tuple[str, str], checkout: Shell, local: ControlPlane) -> None:
    checkout("".join(order))
    assert local.api.get("Namespace", NAMESPACE)["metadata"]["labels"].get(ENFORCE) == "restricted"


def test_each_is_removed_without_the_other(checkout: Shell) -> None:
    checkout(INSTALL + GIVE_ACCESS)
    both = there(checkout)
    account = {name for name in both if name.endswith(f"/{OF_THE_ACCOUNT}")}
    assert (len(account), len(both)) == (4, 11)
    checkout(REMOVE_INSTALLATION)
    assert there(checkout) == account
    checkout(INSTALL + REMOVE_ACCOUNT)
    assert there(checkout) == both - account
