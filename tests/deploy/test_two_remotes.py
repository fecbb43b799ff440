"""Two installations in one cluster: neither needs the other, whichever goes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.controlplane import ControlPlane, wait_until
from tests.deploy.manifests import DEPLOY, FOLDERS, Variant, pod_template, render
from tests.deploy.pods import run_pod
from tests.migration.shell import Shell
from tests.scenarios.command import Sync, may
from tests.scenarios.views import is_there, node_port

FIRST, SECOND = Variant.KUBECONFIG, Variant.ANOTHER
SERVED = {FIRST: "shop", SECOND: "bank"}  # the namespaces that each installation mirrors


class Installation:
    """One of the two, as kubectl handles it and as its runs see it."""

    def __init__(self, variant: Variant, shell: Shell, local: ControlPlane, secret: Path) -> None:
        self.folder = f"deploy/{FOLDERS[variant]}"
        self.namespace = SERVED[variant]
        self._objects = render(variant)
        self._shell, self._local, self._secret = shell, local, secret

    def apply(self) -> None:
        self._shell(f"kubectl apply -k {self.folder}")
        wait_until(lambda: may(self._local, self.account, "list", "endpoints"), f"permissions of {self.account}")

    def delete(self) -> None:
        """Remove it; the test's cluster has no controller that would empty the namespace."""
        self._shell(f"kubectl delete --wait=false -k {self.folder}")
        wait_until(lambda: not may(self._local, self.account, "list", "endpoints"), f"{self.account} to lose all")

    def state(self) -> str:
        """Return what tells whether anybody wrote one of its objects."""
        return self._shell(f"kubectl get -k {self.folder} -o jsonpath='{{.items[*].metadata.resourceVersion}}'")

    @property
    def account(self) -> str:
        return f"system:serviceaccount:{self._home}:{pod_template(self._objects)['spec']['serviceAccountName']}"

    @property
    def _home(self) -> str:
        (cronjob,) = (obj for obj in self._objects if obj["kind"] == "CronJob")
        return str(cronjob["metadata"]["namespace"])

    def mirrors(self, name: str) -> bool:
        """Run as its service account; say whether it mirrored the Service of this name."""
        token = self._local.service_account_token(self._home, self.account.rpartition(":")[2])
        kubeconfig = self._local.kubeconfig(token, self._home)
        done = run_pod(self._objects, self._secret, kubeconfig, BARRELMAN_SYNC_NAMESPACE=self.namespace)
        assert done.returncode == 0, done
        return is_there(self._local, self.namespace, name) == (True, True)


@pytest.fixture
def installations(
    sync: Sync, remote: ControlPlane, local: ControlPlane, shell: Shell, tmp_path: Path
) -> dict[Variant, Installation]:
    shutil.copytree(DEPLOY, shell.folder / "deploy")
    secret = tmp_path / "secret"
    secret.mkdir()
    shutil.copy(sync.remote_kubeconfig, secret / "kubeconfig")
    remote.add(*(node_port(namespace, "web", 30080 + n) for n, namespace in enumerate(SERVED.values())))
    return {variant: Installation(variant, shell, local, secret) for variant in SERVED}


@pytest.mark.parametrize(("gone", "other"), [(FIRST, SECOND), (SECOND, FIRST)], ids=["first", "second"])
def test_one_goes_and_the_other_works(
    installations: dict[Variant, Installation], remote: ControlPlane, gone: Variant, other: Variant
) -> None:
    first = installations[FIRST]
    first.apply()
    state = first.state()
    installations[SECOND].apply()
    assert first.state() == state
    assert [installation.mirrors("web") for installation in installations.values()] == [True, True]
    state = installations[other].state()
    installations[gone].delete()
    assert installations[other].state() == state
    remote.add(node_port(SERVED[other], "later", 30090))
    assert installations[other].mirrors("later")
