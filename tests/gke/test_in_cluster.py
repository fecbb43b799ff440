"""The command as it is in a pod: the local cluster by the service account's folder, no option for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node
from tests.gke.clusters import public
from tests.gke.command import REMOTE, environment_of
from tests.gke.google import METADATA_ACCOUNT, Google
from tests.scenarios.command import INSTALLED, NAMESPACE, SECONDS, Sync
from tests.scenarios.views import ips, node_port

FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"

# In user and mount namespaces of its own, so that it needs no root and leaves nothing behind.
POD = f"""
set -eu
mount -t tmpfs tmpfs "$(readlink -f /var/run)"
mkdir -p {FOLDER}
cp "$1"/* {FOLDER}
shift
exec "$@"
"""
UNSHARE = ("unshare", "--map-root-user", "--mount")


@pytest.fixture(scope="module", autouse=True)
def namespaces() -> None:
    """What a kernel or container may not allow."""
    tried = subprocess.run(
        [*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True, check=False
    )
    if tried.returncode == 0:
        return
    reason = f"no user and mount namespaces here: {tried.stderr.strip()}"
    if os.environ.get("CI") == "true" and os.geteuid() == 0:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class Pod:
    """A pod of the local cluster that runs the command."""

    def __init__(self, sync: Sync, folder: Path) -> None:
        self.sync = sync
        self.folder = folder
        folder.mkdir()
        self.write(token=sync.local_token, namespace=NAMESPACE, **{"ca.crt": sync.local.ca_pem})
        address = urlsplit(sync.local.url)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "KUBERNETES_SERVICE_HOST": str(address.hostname),
            "KUBERNETES_SERVICE_PORT": str(address.port),
        }

    def write(self, **files: str) -> None:
        for name, content in files.items():
            (self.folder / name).write_text(content)

    def run(self, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*UNSHARE, "sh", "-c", POD, "sh", self.folder, INSTALLED, *options],
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )


@pytest.fixture
def pod(remote: ControlPlane, local: ControlPlane, tmp_path: Path) -> Pod:
    remote.add(node("n1", "10.0.0.1"), node_port("foo", "bar", 30080))
    return Pod(Sync(remote, local, tmp_path / "sync"), tmp_path / "serviceaccount")


def test_a_remote_by_kubeconfig(pod: Pod, local: ControlPlane) -> None:
    done = pod.run("--remote-kubeconfig", str(pod.sync.remote_kubeconfig))
    assert (done.returncode, done.stderr, ips(local, "foo", "bar")) == (0, "", ["10.0.0.1"])


def test_a_gke_remote_by_workload_identity(pod: Pod, google: Google, remote: ControlPlane, local: ControlPlane) -> None:
    """All as it is where it is meant to run; what HTTPS_PROXY says is not for the neighbors."""
    google.cluster, google.tokens = public(remote), [pod.sync.remote_token]
    environment = {
        **environment_of(google, Path("/nonexistent")),
        "NO_GCE_CHECK": "",
        "GCE_METADATA_HOST": google.address,
        "GCE_METADATA_IP": google.address,
    }
    done = pod.run(*REMOTE, **environment)
    assert (done.returncode, done.stderr, ips(local, "foo", "bar")) == (0, "", ["10.0.0.1"])
    assert google.requests_for(f"{METADATA_ACCOUNT}/token")


def test_the_local_cluster_is_a_neighbor(pod: Pod, local: ControlPlane, closed_port: str) -> None:
    """No proxy for it; the remote is reached by way of one, here without success."""
    proxy = {"HTTPS_PROXY": f"http://{closed_port}"}
    done = pod.run("--remote-kubeconfig", str(pod.sync.remote_kubeconfig), "--timeout", "6s", **proxy)
    assert done.returncode == 1
    assert "in the remote cluster failed" in done.stderr


def test_a_token_that_is_refused(pod: Pod) -> None:
    pod.write(token="refused")
    done = pod.run("--remote-kubeconfig", str(pod.sync.remote_kubeconfig))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done
    assert "in the local cluster failed: the server answered 401" in done.stderr


@pytest.mark.parametrize("name", ["token", "ca.crt"])
def test_a_folder_that_lacks_something(pod: Pod, name: str) -> None:
    """automountServiceAccountToken: false, for one."""
    (pod.folder / name).unlink()
    done = pod.run("--remote-kubeconfig", str(pod.sync.remote_kubeconfig))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done


def test_outside_of_a_pod(pod: Pod) -> None:
    pod.environment.pop("KUBERNETES_SERVICE_HOST")
    done = pod.run("--remote-kubeconfig", str(pod.sync.remote_kubeconfig))
    assert (done.returncode, "outside a pod, give '--local-kubeconfig'" in done.stderr) == (2, True)
