"""deploy/loop: the Deployment that an overlay with this component makes, and what its container does."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from lab.controlplane import ControlPlane, Object, wait_until
from tests.docs.readme import ROOT
from tests.docs.typed import typed
from tests.migration.shell import Shell
from tests.operations.page import APPLY_LOOP, LOOP_OVERLAY, STOP_THE_CRON_JOB
from tests.scenarios.command import INSTALLED, SECONDS, Sync
from tests.scenarios.proxy import Proxy
from tests.scenarios.views import ips, is_there, node_port

pytestmark = pytest.mark.usefixtures("nodes")
MINE = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../barrelman-sync]\n"
NEVER, AT_ONCE = "600", "0"


@pytest.fixture
def objects(shell: Shell) -> list[Object]:
    """Return what the overlay of docs/operations.md makes."""
    for folder, text in (("mine", MINE), ("mine-loop", LOOP_OVERLAY)):
        (shell.folder / folder).mkdir()
        shell.write(f"{folder}/kustomization.yaml", text)
    (shell.folder / "barrelman-sync").symlink_to(ROOT)
    return [*yaml.safe_load_all(shell("kubectl kustomize mine-loop"))]


@pytest.fixture
def deployment(objects: list[Object]) -> Object:
    (found,) = (obj for obj in objects if obj["kind"] == "Deployment")
    return found


class Loop:
    """The container of the Deployment, as a process of this machine."""

    def __init__(self, deployment: Object, sync: Sync, folder: Path, pause: str) -> None:
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        self.succeeded, self._log = folder / "succeeded", folder / "log"
        given = {
            "PAUSE": pause,
            "STATE": str(folder),
            "PATH": f"{INSTALLED.parent}{os.pathsep}{os.environ['PATH']}",
            "BARRELMAN_SYNC_LOCAL_KUBECONFIG": str(sync.local_kubeconfig),
            "BARRELMAN_SYNC_REMOTE_KUBECONFIG": str(sync.remote_kubeconfig),
        }
        assert {entry["name"] for entry in container["env"]} < given.keys()
        self.command, self.environment = [*container["command"], *container.get("args", ())], given
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self, **environment: str) -> Iterator[None]:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self.command, env={**self.environment, **environment}, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                yield
            finally:
                self._process.kill()
                self._process.wait()

    def terminate(self) -> None:
        """Do what the kubelet does first to end a container: send SIGTERM to its first process alone."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)

    def exit_code(self) -> int:
        """Wait for the end."""
        assert self._process
        return self._process.wait(SECONDS)

    @property
    def log(self) -> str:
        return self._log.read_text()


@pytest.fixture
def loop(deployment: Object, sync: Sync, tmp_path: Path) -> Loop:
    (folder := tmp_path / "loop").mkdir()
    return Loop(deployment, sync, folder, AT_ONCE)


def test_the_deployment_has_the_pod_of_the_cron_job(objects: list[Object], deployment: Object, shell: Shell) -> None:
    assert [obj for obj in objects if obj["kind"] == "CronJob"] == []
    (cron_job,) = (obj for obj in yaml.safe_load_all(shell("kubectl kustomize mine")) if obj["kind"] == "CronJob")
    pod, template = deployment["spec"]["template"], cron_job["spec"]["jobTemplate"]["spec"]["template"]
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (1, {"type": "Recreate"})
    assert deployment["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert template["metadata"]["annotations"] == pod["metadata"]["annotations"]
    assert pod["spec"]["restartPolicy"] == "Always"
    assert differing(pod["spec"], template["spec"]) == {"restartPolicy", "containers", "volumes"}
    (ours,), (theirs,) = pod["spec"]["containers"], template["spec"]["containers"]
    assert differing(ours, theirs) == {"command", "env", "readinessProbe", "volumeMounts"}
    for kept, now in ((theirs, ours), (template["spec"], pod["spec"])):
        for field in now.keys() & {"env", "volumeMounts", "volumes"}:
            assert [entry for entry in kept.get(field, ()) if entry not in now[field]] == []


def differing(one: Object, two: Object) -> set[str]:
    return {field for field in one.keys() | two.keys() if one.get(field) != two.get(field)}


def test_it_is_applied_and_the_cron_job_goes(shell: Shell, deployment: Object, local: ControlPlane) -> None:
    name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
    shell(APPLY_LOOP)
    shell(STOP_THE_CRON_JOB)
    made = local.api.get("Deployment", name, namespace)
    assert made["spec"]["replicas"] == 1
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
    local.api.replace_status({**made, "status": {"observedGeneration": made["metadata"]["generation"], **counts}})
    assert "successfully rolled out" in shell(
        typed("kubectl --namespace barrelman-sync rollout status deployment/barrelman-sync")
    )
    shell(typed("kubectl --namespace barrelman-sync rollout restart deployment/barrelman-sync"))
    assert local.api.get("Deployment", name, namespace)["metadata"]["generation"] == made["metadata"]["generation"] + 1
    assert local.api.find("CronJob", name, namespace) is None


def test_it_runs_again_and_again(loop: Loop, remote: ControlPlane, local: ControlPlane) -> None:
    with loop.running():
        for number in range(3):
            remote.add(node_port("foo", f"bar-{number}", 30080 + number))
            wait_until(lambda: ips(local, "foo", f"bar-{number}") != [], "the mirror")  # noqa: B023 - called at once
        assert loop.succeeded.exists()
        loop.terminate()
        assert loop.exit_code() == 0


def test_a_signal_ends_the_pause(loop: Loop) -> None:
    with loop.running(PAUSE=NEVER):
        wait_until(loop.succeeded.exists, "the first run")
        loop.terminate()
        assert loop.exit_code() == 0


def test_a_signal_lets_the_run_finish_what_is_in_flight(
    loop: Loop, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    local_proxy.before("PATCH", "/services/bar", loop.terminate)
    with loop.running(BARRELMAN_SYNC_LOCAL_KUBECONFIG=local_proxy.options[1], PAUSE=NEVER):
        assert loop.exit_code() == 0
    assert "interrupted (SIGTERM)" in loop.log
    assert "failed: 2 created" in loop.log
    assert is_there(local, "foo", "bar") == (True, False)
    assert not loop.succeeded.exists()


def replace(file: Path, text: str) -> None:
    """Give the file this text at once: a run reads the old one or the new one, never a part."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.rename(file)


def test_it_is_not_ready_while_runs_fail_and_the_next_run_is_the_retry(loop: Loop, sync: Sync) -> None:
    good = sync.remote_kubeconfig.read_text()
    with loop.running():
        wait_until(loop.succeeded.exists, "the first run")
        replace(sync.remote_kubeconfig, good.replace(sync.remote_token, "refused"))
        wait_until(lambda: not loop.succeeded.exists(), "a run that fails")
        replace(sync.remote_kubeconfig, good)
        wait_until(loop.succeeded.exists, "a run that succeeds again")
        loop.terminate()
        assert loop.exit_code() == 0


def test_a_wrong_configuration_ends_the_container(loop: Loop) -> None:
    loop.succeeded.touch()  # by the container before
    with loop.running(BARRELMAN_SYNC_TIMEOUT="never"):
        assert loop.exit_code() == 2
    assert "--timeout" in loop.log
    assert not loop.succeeded.exists()


@pytest.mark.parametrize("pause", ["", "ten", "-1"])
def test_a_wrong_pause_ends_the_container(loop: Loop, pause: str) -> None:
    with loop.running(PAUSE=pause):
        assert loop.exit_code() == 2
    assert loop.log.count("done:") == 1


def test_the_probe_looks_for_what_the_loop_writes(deployment: Object) -> None:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (state,) = (entry["value"] for entry in container["env"] if entry["name"] == "STATE")
    assert container["readinessProbe"]["exec"]["command"] == ["test", "-e", f"{state}/succeeded"]
    assert state in {mount["mountPath"] for mount in container["volumeMounts"]}
