"""Our CronJob, as a reader of docs/migration.md has it."""

from __future__ import annotations

import yaml

from lab.controlplane import ControlPlane, Object
from tests.docs.readme import ROOT

NAME = NAMESPACE = "barrelman-sync"


def install(cluster: ControlPlane) -> None:
    """Create the CronJob of cronjob.yaml."""
    for obj in yaml.safe_load_all((ROOT / "cronjob.yaml").read_text()):
        if obj["kind"] == "CronJob":
            cluster.api.apply({**obj, "metadata": {**obj["metadata"], "namespace": NAMESPACE}})


def spec(cluster: ControlPlane) -> Object:
    """Return what the CronJob says now."""
    found: Object = cluster.api.get("CronJob", NAME, NAMESPACE)["spec"]
    return found


def variables(cluster: ControlPlane) -> dict[str, str]:
    """Return the environment variables of its runs."""
    (container,) = spec(cluster)["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry["value"] for entry in container.get("env", ())}
