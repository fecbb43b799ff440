"""The API server admits the CronJob's pods under Pod Security's level restricted, but not without its settings."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from lab.controlplane import ApiError, ControlPlane, Object, wait_until
from tests.deploy.manifests import only, pod_template

NAMESPACE = "barrelman-sync"
Spec = dict[str, Any]


def pod(objects: list[Object], spec: Spec | None = None) -> Object:
    template = pod_template(objects)
    metadata = {"name": "run", "namespace": NAMESPACE, **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec or template["spec"]}


def job(objects: list[Object], name: str) -> Object:
    """Return what `kubectl create job --from=cronjob/barrelman-sync` makes."""
    metadata = {"name": name, "namespace": NAMESPACE}
    spec = deepcopy(only(objects, "CronJob")["spec"]["jobTemplate"]["spec"])
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def with_token(spec: Spec) -> None:
    """Add the service account's token as the admission plugin does that the test's API server runs without."""
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]
    spec["volumes"].append({"name": "kube-api-access", "projected": {"sources": sources, "defaultMode": 420}})
    mount = {"name": "kube-api-access", "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    spec["containers"][0]["volumeMounts"].append(mount)


def test_a_pod_is_admitted(local: ControlPlane, installed: list[Object]) -> None:
    spec = deepcopy(pod_template(installed)["spec"])
    with_token(spec)
    made = local.api.create(pod(installed, spec))
    assert made["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    labels = local.api.get("Namespace", NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def without(*path: str | int) -> Callable[[Spec], None]:
    def change(spec: Spec) -> None:
        part: Any = spec
        for key in path[:-1]:
            part = part[key]
        del part[path[-1]]

    return change


def as_root(spec: Spec) -> None:
    spec["securityContext"]["runAsUser"] = 0


def with_host_path(spec: Spec) -> None:
    spec["volumes"].append({"name": "host", "hostPath": {"path": "/"}})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (without("securityContext", "runAsNonRoot"), "runAsNonRoot != true"),
        (without("securityContext", "seccompProfile"), "seccompProfile"),
        (without("containers", 0, "securityContext", "allowPrivilegeEscalation"), "allowPrivilegeEscalation != false"),
        (without("containers", 0, "securityContext", "capabilities"), "unrestricted capabilities"),
        (as_root, "runAsUser=0"),
        (with_host_path, "hostPath"),
    ],
)
def test_a_pod_with_less_is_refused(
    local: ControlPlane, installed: list[Object], change: Callable[[Spec], None], complaint: str
) -> None:
    spec = deepcopy(pod_template(installed)["spec"])
    change(spec)
    with pytest.raises(ApiError, match="violates PodSecurity") as refused:
        local.api.create(pod(installed, spec))
    assert (refused.value.status, complaint in refused.value.body) == (403, True)


def test_the_job_controller_gets_its_pod(local: ControlPlane, installed: list[Object]) -> None:
    bad = job(installed, "bad")
    del bad["spec"]["template"]["spec"]["securityContext"]
    local.start_controllers("job-controller")
    local.api.create(job(installed, "good"))
    local.api.create(bad)
    wait_until(lambda: local.api.list("Pod", NAMESPACE), "the pod of the good Job")
    wait_until(lambda: refusals(local, "bad"), "the refusal of the bad Job's pod")
    assert {owner(found) for found in local.api.list("Pod", NAMESPACE)} == {"good"}
    assert not refusals(local, "good")


def refusals(local: ControlPlane, name: str) -> list[Object]:
    events = local.api.list("Event", NAMESPACE, fieldSelector=f"involvedObject.name={name},reason=FailedCreate")
    return [event for event in events if "violates PodSecurity" in event["message"]]


def owner(found: Object) -> str:
    (reference,) = found["metadata"]["ownerReferences"]
    return str(reference["name"])
