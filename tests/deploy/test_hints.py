"""The hints of the marked place do in a cluster what docs/install.md says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from lab.controlplane import ControlPlane, Object, wait_until
from tests.deploy.manifests import DEPLOY, Hint, Variant, edited
from tests.deploy.page import PRIORITY_CLASS
from tests.migration.shell import Shell
from tests.scenarios.command import NAMESPACE

# A quota counts once a controller has looked at it.
QUOTA = f"""
kubectl -n {NAMESPACE} create quota cpu --hard=limits.cpu=1
kubectl -n {NAMESPACE} wait --timeout=120s --for=jsonpath='{{.status.hard}}' quota/cpu
"""


class Cluster:
    """A cluster whose administrator installs barrelman-sync, with or without hints."""

    def __init__(self, shell: Shell, local: ControlPlane) -> None:
        self.shell, self._local = shell, local
        shutil.copytree(DEPLOY, shell.folder / "deploy")

    def install(self, *hints: Hint) -> None:
        """Apply the overlay; a field that the server does not know is an error."""
        self.shell.write("deploy/kubeconfig/kustomization.yaml", edited(Variant.KUBECONFIG, *hints))
        self.shell("kubectl apply --validate=strict -k deploy/kubeconfig")

    def start(self, name: str) -> None:
        self.shell(f"kubectl -n {NAMESPACE} create job {name} --from=cronjob/barrelman-sync")

    def pod_of(self, name: str) -> Object:
        """Return the pod that the Job gets."""
        label = f"job-name={name}"
        wait_until(lambda: self._local.api.list("Pod", NAMESPACE, labelSelector=label), f"the pod of {name}")
        return self._local.api.list("Pod", NAMESPACE, labelSelector=label)[0]

    def refused(self, name: str, complaint: str) -> bool:
        events = self._local.api.list("Event", NAMESPACE, fieldSelector=f"involvedObject.name={name}")
        return any(complaint in event["message"] for event in events)


@pytest.fixture
def cluster(shell: Shell, local: ControlPlane) -> Iterator[Cluster]:
    yield Cluster(shell, local)
    shell("kubectl delete --ignore-not-found priorityclass/my-priority")
    shell(f"kubectl -n {NAMESPACE} delete --all networkpolicies,resourcequotas")


def test_a_quota_that_asks_for_a_limit(cluster: Cluster, local: ControlPlane) -> None:
    cluster.install()
    local.start_controllers("job-controller", "resourcequota-controller")
    cluster.shell(QUOTA)
    cluster.start("without")
    wait_until(lambda: cluster.refused("without", "must specify limits.cpu"), "the refusal of a pod without limit")
    cluster.install(Hint.CPU_LIMIT)
    cluster.start("with")
    limits = cluster.pod_of("with")["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": "500m", "memory": "256Mi"}


def test_a_priority_class_and_a_network_policy(cluster: Cluster, local: ControlPlane) -> None:
    cluster.shell(PRIORITY_CLASS)
    cluster.install(Hint.PRIORITY, Hint.NETWORK_POLICY)
    local.start_controllers("job-controller")
    cluster.start("run")
    pod = cluster.pod_of("run")
    assert (pod["spec"]["priorityClassName"], pod["spec"]["priority"]) == ("my-priority", 1_000_000)
    for_it = ",".join(f"{name}={value}" for name, value in policy(cluster)["podSelector"]["matchLabels"].items())
    assert [found["metadata"]["name"] for found in local.api.list("Pod", NAMESPACE, labelSelector=for_it)] == [
        pod["metadata"]["name"]
    ]


def policy(cluster: Cluster) -> Object:
    text = cluster.shell(f"kubectl -n {NAMESPACE} get networkpolicy barrelman-sync -o json")
    spec: Object = json.loads(text)["spec"]
    return spec
