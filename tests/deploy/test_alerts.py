"""The alerts are objects that a cluster takes, and what they tell a reader to type works."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from lab.controlplane import ControlPlane
from tests.docs.typed import typed
from tests.migration.shell import Shell
from tests.scenarios.command import NAMESPACE

# What the operator of each kind brings, with any content.
CRD = """
kubectl apply -f - <<END
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.{group}}}
spec:
  group: {group}
  scope: {scope}
  names: {{plural: {plural}, kind: {kind}}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
END
kubectl wait --for=condition=Established crd/{plural}.{group}
"""
FORMS = {
    typed("kubectl -n barrelman-sync apply -f deploy/alerts-prometheus-operator.yaml"): {
        "plural": "prometheusrules", "group": "monitoring.coreos.com", "scope": "Namespaced", "kind": "PrometheusRule",
    },
    typed("kubectl apply -f deploy/alerts-gmp.yaml"): {
        "plural": "clusterrules", "group": "monitoring.googleapis.com", "scope": "Cluster", "kind": "ClusterRules",
    },
}  # fmt: skip


@pytest.fixture
def kinds(checkout: Shell) -> Iterator[None]:
    checkout("".join(CRD.format(**form) for form in FORMS.values()))
    yield
    checkout("".join("kubectl delete --wait=false crd/{plural}.{group}\n".format(**form) for form in FORMS.values()))


@pytest.mark.usefixtures("kinds")
def test_each_form_is_applied(checkout: Shell) -> None:
    checkout("kubectl apply -f rbac.yaml")
    for command, form in FORMS.items():
        assert "created" in checkout.without_warning(command)
        (item,) = json.loads(checkout("kubectl get {plural} -A -o json".format(**form)))["items"]
        assert item["metadata"].get("namespace", NAMESPACE) == NAMESPACE


def test_what_to_do(checkout: Shell, local: ControlPlane) -> None:
    def said(command: str) -> str:  # namespace, CronJob and Deployment have one name
        return checkout(re.sub(r"{{ \$labels\.\w+ }}", NAMESPACE, command))

    assert checkout(typed("kubectl get nodes")) == ""
    checkout("kubectl apply -k deploy/kubeconfig")
    checkout(f"kubectl -n {NAMESPACE} create job by-hand --from=cronjob/{NAMESPACE}")
    checkout(f"kubectl -n {NAMESPACE} create deployment {NAMESPACE} --image=any")
    cron_job = local.api.get("CronJob", NAMESPACE, NAMESPACE)
    local.api.patch(cron_job, {"spec": {"suspend": True}})
    assert "by-hand" in said(typed("kubectl -n {{ $labels.namespace }} get jobs"))
    assert "by-hand" in said(typed("kubectl -n {{ $labels.namespace }} get jobs,pods"))
    describe = typed("kubectl -n {{ $labels.namespace }} describe cronjob {{ $labels.cronjob }}")
    assert "Suspend:                       True" in said(describe)
    patch = typed(
        'kubectl -n {{ $labels.namespace }} patch cronjob {{ $labels.cronjob }} -p \'{"spec":{"suspend":false}}\''
    )
    said(patch)
    assert local.api.get("CronJob", NAMESPACE, NAMESPACE)["spec"]["suspend"] is False
    describe = typed("kubectl -n {{ $labels.namespace }} describe deployment {{ $labels.deployment }}")
    assert NAMESPACE in said(describe)
