"""The command and environment of the CronJob's container do the work. In the image itself: tests/image."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lab.controlplane import ControlPlane, Object
from tests.deploy.manifests import container, environment
from tests.deploy.pods import run_pod
from tests.scenarios.command import Sync
from tests.scenarios.views import SOURCE, ips, labels, mirror_of, node_port


@pytest.fixture
def secret(sync: Sync, tmp_path: Path) -> Path:
    """What the Secret's volume holds."""
    folder = tmp_path / "secret"
    folder.mkdir()
    shutil.copy(sync.remote_kubeconfig, folder / "kubeconfig")
    return folder


def run(objects: list[Object], secret: Path, sync: Sync) -> subprocess.CompletedProcess[str]:
    return run_pod(objects, secret, sync.local_kubeconfig)


def test_it_mirrors(sync: Sync, installed: list[Object], secret: Path, local: ControlPlane) -> None:
    sync.remote.add(node_port("foo", "bar", 30080))
    done = run(installed, secret, sync)
    assert done.returncode == 0, done
    assert ips(local, "foo", "bar") == ["10.0.0.1"]
    assert labels(mirror_of(local, "foo", "bar"))[SOURCE] == environment(installed)["BARRELMAN_SYNC_REMOTE_NAME"]
    mark = local.mark()
    assert run(installed, secret, sync).returncode == 0
    assert {request.verb for request in local.requests("barrelman-sync", since=mark)} == {"list"}


def test_without_the_secret_it_says_what_is_missing(sync: Sync, installed: list[Object], secret: Path) -> None:
    (secret / "kubeconfig").unlink()
    done = run(installed, secret, sync)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
    assert f"{secret}/kubeconfig" in done.stderr


def test_what_went_wrong_is_the_end_of_the_log(sync: Sync, installed: list[Object], secret: Path) -> None:
    """FallbackToLogsOnError makes it the pod's termination message."""
    kubeconfig = secret / "kubeconfig"
    kubeconfig.write_text(kubeconfig.read_text().replace(sync.remote_token, "refused"))
    done = run(installed, secret, sync)
    assert done.returncode == 1
    assert "in the remote cluster failed: the server answered 401" in done.stderr[-2048:]
    assert container(installed)["terminationMessagePolicy"] == "FallbackToLogsOnError"
