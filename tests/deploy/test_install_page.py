"""The block of docs/install.md, pasted: from two clusters and an image to the first mirror, and back."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from lab.controlplane import ControlPlane, Object, wait_until
from lab.controlplane.objects import node
from tests.deploy.controllers import with_token
from tests.deploy.manifests import container
from tests.deploy.page import INSTALL, REMOVE
from tests.deploy.pods import run_pod
from tests.docs.typed import typed
from tests.migration.shell import Shell
from tests.scenarios.command import NAMESPACE, may
from tests.scenarios.views import is_there, node_port

VALUES = """\
LOCAL=near REMOTE=far NAME=berlin
IMAGE=registry.test:5000/tools/sync TAG=1
"""


def pasted(checkout: Shell, remote: ControlPlane) -> str:
    """Paste the block and return what it prints, while the remote's token controller does its part."""
    lines = INSTALL.splitlines(keepends=True)
    return with_token(checkout, VALUES + "".join(lines[2:]), remote)


class Installed:
    """What the block left: the overlay, and in the local cluster what a pod gets."""

    def __init__(self, checkout: Shell, local: ControlPlane, folder: Path) -> None:
        self.overlay = checkout.folder / "deploy" / "remote-berlin" / "kustomization.yaml"
        self._checkout, self._local, self._folder = checkout, local, folder

    @property
    def objects(self) -> list[Object]:
        return [self._local.api.get(kind, NAMESPACE, NAMESPACE) | {"kind": kind} for kind in ("CronJob", "ConfigMap")]

    def run(self, *arguments: str) -> str:
        """Do what a pod does, with the Secret and the account of the cluster; it has to succeed."""
        secret = self._local.api.get("Secret", NAMESPACE, NAMESPACE)
        self._folder.mkdir(exist_ok=True)
        for name, content in secret["data"].items():
            (self._folder / name).write_bytes(base64.b64decode(content))
        kubeconfig = self._local.kubeconfig(self._local.service_account_token(NAMESPACE, NAMESPACE), "pod")
        done = run_pod(self.objects, self._folder, kubeconfig, *arguments)
        assert done.returncode == 0, done
        return done.stdout

    def apply(self, change: Callable[[str], str]) -> None:
        self.overlay.write_text(change(self.overlay.read_text()))
        self._checkout(typed("kubectl apply -k deploy/remote-NAME").replace("NAME", "berlin"))


def test_pasted_twice_it_is_a_dry_run_that_becomes_an_installation(
    checkout: Shell, remote: ControlPlane, local: ControlPlane, tmp_path: Path
) -> None:
    remote.add(node("n1", "10.0.0.1"))
    pasted(checkout, remote)
    again = pasted(checkout, remote)
    assert "created" not in again, again
    installed = Installed(checkout, local, tmp_path / "secret")
    assert container(installed.objects)["image"] == "registry.test:5000/tools/sync:1"
    account = f"system:serviceaccount:{NAMESPACE}:{NAMESPACE}"
    wait_until(lambda: may(local, account, "list", "endpoints"), "the account's permissions")
    assert "berlin" in installed.run("--preflight")
    remote.add(node_port("foo", "bar", 30080))
    assert "dry run: 3 to create" in installed.run()
    installed.apply(lambda text: text.replace("- BARRELMAN_SYNC_DRY_RUN", "# - BARRELMAN_SYNC_DRY_RUN"))
    assert "done: 3 created" in installed.run()
    assert is_there(local, "foo", "bar") == (True, True)
    checkout(REMOVE.replace("my-cluster", "berlin").replace("delete -k", "delete --wait=false -k"))
    assert is_there(local, "foo", "bar") == (False, False)
    assert local.api.find("CronJob", NAMESPACE, NAMESPACE) is None
