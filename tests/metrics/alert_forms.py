"""deploy/alerts.yaml in the forms of the two operators. `python -m tests.metrics.alert_forms` writes them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.docs.readme import ROOT

DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "alerts.yaml"
GENERATED = "# Made of deploy/alerts.yaml by `python -m tests.metrics.alert_forms`: edit that file, not this one."


@dataclass(frozen=True)
class Form:
    """One resource that holds the groups of deploy/alerts.yaml."""

    file: str
    comment: str
    api_version: str
    kind: str
    metadata: str
    interval: str = ""
    """The interval of each group, where the resource has no default for it."""

    @property
    def path(self) -> Path:
        return DEPLOY / self.file

    def text(self) -> str:
        head = f"{GENERATED}\n{self.comment}\napiVersion: {self.api_version}\nkind: {self.kind}\n{self.metadata}spec:\n"
        return head + textwrap.indent(self._groups(), "  ")

    def _groups(self) -> str:
        """Return the groups with their comments, as they stand."""
        groups = "groups:\n" + ALERTS.read_text().partition("\ngroups:\n")[2]
        return (
            groups.replace("    rules:\n", f"    interval: {self.interval}\n    rules:\n") if self.interval else groups
        )


PROMETHEUS_OPERATOR = Form(
    file="alerts-prometheus-operator.yaml",
    comment="# For the Prometheus operator: kubectl -n barrelman-sync apply -f FILE. docs/metrics.md says more.",
    api_version="monitoring.coreos.com/v1",
    kind="PrometheusRule",
    metadata="metadata:\n  name: barrelman-sync\n  labels:\n    app.kubernetes.io/name: barrelman-sync\n",
)
GMP = Form(
    file="alerts-gmp.yaml",
    comment="# For Google Cloud Managed Service for Prometheus: kubectl apply -f FILE. docs/metrics.md says more.",
    api_version="monitoring.googleapis.com/v1",
    kind="ClusterRules",
    metadata="metadata:\n  name: barrelman-sync\n  labels:\n    app.kubernetes.io/name: barrelman-sync\n",
    interval="1m",
)
FORMS = (PROMETHEUS_OPERATOR, GMP)

if __name__ == "__main__":
    for form in FORMS:
        form.path.write_text(form.text())
