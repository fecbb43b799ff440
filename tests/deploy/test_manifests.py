"""What the files say, without a cluster."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from barrelman_sync import __version__
from barrelman_sync.command.cli import main
from barrelman_sync.command.options import ENVIRONMENT_PREFIX
from barrelman_sync.command.settings import settings_of
from barrelman_sync.command.values import parse_duration
from barrelman_sync.command.watchdog import FORCE_SECONDS, GRACE_SECONDS
from barrelman_sync.model.settings import GkeCluster, Kubeconfig
from barrelman_sync.preflight.permissions import REMOTE_NEEDS, Need, local_needs, rbac_rules
from lab.controlplane import Object
from tests.deploy.manifests import (
    BEGIN,
    END,
    KUSTOMIZATION,
    REMOTE,
    Variant,
    container,
    edited,
    environment,
    load,
    only,
    permissions,
    pod_template,
    render,
)
from tests.scenarios.command import ROOT

RBAC, RBAC_REMOTE, RBAC_GKE = "rbac.yaml", "rbac-remote.yaml", "deploy/rbac-remote-gke.yaml"
PERIOD = 60


def role(file: str, name: str) -> Object:
    return only(load(file), "ClusterRole", name)


def needed_permissions(needs: tuple[Need, ...]) -> set[tuple[str, str, str, str]]:
    return {(need.group, need.resource, need.name, need.verb) for need in needs}


@pytest.mark.parametrize(
    ("file", "name", "needs"),
    [
        (RBAC, "barrelman-sync", local_needs(dry_run=False, create_namespaces=True)),
        (RBAC, "barrelman-sync-viewer", local_needs(dry_run=True, create_namespaces=True)),
        (RBAC_REMOTE, "barrelman-sync-remote", REMOTE_NEEDS),
        (RBAC_GKE, "barrelman-sync-remote", REMOTE_NEEDS),
    ],
)
def test_the_roles_are_what_preflight_asks_for(file: str, name: str, needs: tuple[Need, ...]) -> None:
    assert permissions(role(file, name)) == needed_permissions(needs)
    assert permissions({"rules": yaml.safe_load(rbac_rules(needs))}) == needed_permissions(needs)


def test_without_namespaces_two_permissions_can_go() -> None:
    granted = permissions(role(RBAC, "barrelman-sync"))
    needed = needed_permissions(local_needs(dry_run=False, create_namespaces=False))
    assert granted - needed == {("", "namespaces", "", "create"), ("", "namespaces", "", "patch")}


@pytest.mark.parametrize("file", [RBAC, RBAC_REMOTE, RBAC_GKE])
def test_each_role_is_bound_to_one_account_or_nobody(file: str) -> None:
    objects = load(file)
    bound = {obj["roleRef"]["name"]: obj["subjects"] for obj in objects if obj["kind"] == "ClusterRoleBinding"}
    roles = {obj["metadata"]["name"] for obj in objects if obj["kind"] == "ClusterRole"}
    assert bound.keys() == roles - {"barrelman-sync-viewer"}
    (subjects,) = bound.values()
    assert len(subjects) == 1


def test_google_s_account_is_the_same_everywhere() -> None:
    annotation = only(render(Variant.WORKLOAD_IDENTITY), "ServiceAccount")["metadata"]["annotations"]
    (subject,) = only(load(RBAC_GKE), "ClusterRoleBinding", "barrelman-sync-remote")["subjects"]
    assert annotation == {"iam.gke.io/gcp-service-account": subject["name"]}


def test_a_run_ends_before_its_pod_and_the_pod_before_the_next_run() -> None:
    objects = render(Variant.WORKLOAD_IDENTITY)
    spec = only(objects, "CronJob")["spec"]
    job = spec["jobTemplate"]["spec"]
    timeout = parse_duration(environment(objects)["BARRELMAN_SYNC_TIMEOUT"])
    assert spec["schedule"] == "* * * * *"
    assert timeout + GRACE_SECONDS + FORCE_SECONDS < job["activeDeadlineSeconds"] < PERIOD
    assert spec["startingDeadlineSeconds"] < PERIOD
    assert (job["backoffLimit"], spec["concurrencyPolicy"]) == (0, "Forbid")


def test_no_mesh_injects_a_sidecar() -> None:
    """It would not end with the run, and so keep the Job alive until its deadline, each minute."""
    metadata = pod_template(render(Variant.WORKLOAD_IDENTITY))["metadata"]
    assert {name: value for name, value in metadata["labels"].items() if "app.kubernetes.io" not in name} == {
        "sidecar.istio.io/inject": "false",
        "kuma.io/sidecar-injection": "disabled",
    }
    assert metadata["annotations"] == {"linkerd.io/inject": "disabled", "consul.hashicorp.com/connect-inject": "false"}


def test_readme_s_patch_for_a_quota_sets_a_limit_that_is_not_there() -> None:
    fence = next(text for text in (ROOT / "README.md").read_text().split("```") if "limits/cpu" in text)
    (patch,) = yaml.safe_load(fence.removeprefix("yaml\n"))
    cron_job = only(render(Variant.WORKLOAD_IDENTITY), **patch["target"])
    (operation,) = yaml.safe_load(patch["patch"])
    *way, last = operation["path"].removeprefix("/").split("/")
    place: Any = cron_job
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    assert (operation["op"], last, "cpu" in place) == ("add", "cpu", False)


def test_the_image_is_ours() -> None:
    objects = render(Variant.WORKLOAD_IDENTITY)
    assert re.fullmatch(rf"[^:]+/barrelman-sync:{re.escape(__version__)}", container(objects)["image"])
    assert "command" not in container(objects), "the image's entry point is what runs"


def test_one_place_to_edit() -> None:
    """Nothing outside of it has a name that differs from user to user."""
    text = KUSTOMIZATION.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    outside = text[: text.index(BEGIN)] + text[text.index(END) :]
    others = outside + "".join((ROOT / file).read_text() for file in ("rbac.yaml", "cronjob.yaml"))
    assert not re.findall(r"my-\w+|example\.com|<--", others)


@pytest.mark.parametrize("variant", Variant)
def test_each_variant_is_a_configuration(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = environment(render(variant))
    known = {f"{ENVIRONMENT_PREFIX}_{str(option.name).upper()}" for option in main.params}
    assert variables.keys() - known <= {"GOOGLE_APPLICATION_CREDENTIALS"}
    for name, value in {**variables, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    settings = settings_of(context := click_context(), context.params)
    match variant:
        case Variant.KUBECONFIG:
            assert settings.remote == Kubeconfig(variables[f"{REMOTE}KUBECONFIG"])
        case _:
            assert settings.remote == GkeCluster("my-project", "europe-west1", "my-cluster")


def click_context() -> click.Context:
    return main.make_context("barrelman-sync", [])


@pytest.mark.parametrize("variant", [Variant.KEY_FILE, Variant.KUBECONFIG])
def test_files_are_where_the_secret_is_mounted(variant: Variant) -> None:
    """And the Secret is named as the comment in kustomization.yaml tells to make it."""
    objects = render(variant)
    mounts = {mount["name"]: mount["mountPath"] for mount in container(objects)["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod_template(objects)["spec"]["volumes"]}
    assert volumes.keys() == mounts.keys()
    paths = [value for value in environment(objects).values() if value.startswith("/")]
    assert [str(Path(path).parent) for path in paths] == [mounts["secret"]]
    secret = volumes["secret"]["secret"]["secretName"]
    create = f"create secret generic {secret} --from-file={Path(paths[0]).name}\n"
    assert create in KUSTOMIZATION.read_text()


def test_there_is_nothing_to_write_to() -> None:
    """A run writes no file: not even /tmp is needed."""
    (cronjob,) = load("cronjob.yaml")
    assert container([cronjob])["securityContext"]["readOnlyRootFilesystem"]
    assert all(mount.get("readOnly") for mount in container([cronjob])["volumeMounts"])


@pytest.mark.parametrize("variant", Variant)
def test_kubectl_makes_the_same(variant: Variant, tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("needs kubectl to compare with")
    (tmp_path / "kustomization.yaml").write_text(edited(variant))
    for file in ("rbac.yaml", "cronjob.yaml"):
        shutil.copy(ROOT / file, tmp_path)
    done = subprocess.run([kubectl, "kustomize", tmp_path], capture_output=True, text=True, check=True)
    assert (by_name(yaml.safe_load_all(done.stdout)), done.stderr) == (by_name(render(variant)), "")


def by_name(objects: Any) -> dict[tuple[str, str], Object]:
    return {(obj["kind"], obj["metadata"]["name"]): obj for obj in objects}
