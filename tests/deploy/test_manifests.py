"""What the files say, without a cluster."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml

from barrelman_sync import __version__
from barrelman_sync.command.cli import main
from barrelman_sync.command.options import ENVIRONMENT_PREFIX
from barrelman_sync.command.settings import settings_of
from barrelman_sync.command.values import parse_duration
from barrelman_sync.command.watchdog import FORCE_SECONDS, GRACE_SECONDS
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.settings import GkeCluster, Kubeconfig
from barrelman_sync.preflight.permissions import REMOTE_NEEDS, Need, local_needs, rbac_rules
from lab.controlplane import Object
from tests.deploy.manifests import (
    REMOTE,
    Variant,
    container,
    environment,
    kustomized,
    load,
    only,
    overlay,
    permissions,
    pod_template,
    render,
)
from tests.scenarios.command import ROOT

RBAC, RBAC_REMOTE, RBAC_GKE = "rbac.yaml", "rbac-remote.yaml", "deploy/rbac-remote-gke.yaml"
RECOMMENDED = "app.kubernetes.io/"
PERIOD = 60
variants = pytest.mark.parametrize("variant", Variant)


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


@pytest.mark.parametrize("variant", [Variant.WORKLOAD_IDENTITY, Variant.ANOTHER_GKE])
def test_google_s_account_is_the_same_everywhere(variant: Variant) -> None:
    annotation = only(render(variant), "ServiceAccount")["metadata"]["annotations"]
    (subject,) = only(load(RBAC_GKE), "ClusterRoleBinding", "barrelman-sync-remote")["subjects"]
    assert annotation == {"iam.gke.io/gcp-service-account": subject["name"]}


@variants
def test_a_run_ends_before_its_pod_and_the_pod_before_the_next_run(variant: Variant) -> None:
    objects = render(variant)
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
    assert {name: value for name, value in metadata["labels"].items() if RECOMMENDED not in name} == {
        "sidecar.istio.io/inject": "false",
        "istio.io/dataplane-mode": "none",
        "kuma.io/sidecar-injection": "disabled",
    }
    assert metadata["annotations"] == {"linkerd.io/inject": "disabled", "consul.hashicorp.com/connect-inject": "false"}


@variants
def test_the_image_is_ours(variant: Variant) -> None:
    objects = render(variant)
    assert re.fullmatch(rf"[^:]+/barrelman-sync:{re.escape(__version__)}", container(objects)["image"])
    assert "command" not in container(objects), "the image's entry point is what runs"


@variants
def test_each_variant_is_a_configuration(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = environment(render(variant))
    known = {f"{ENVIRONMENT_PREFIX}_{str(option.name).upper()}" for option in main.params}
    assert variables.keys() - known <= {"GOOGLE_APPLICATION_CREDENTIALS"}
    set_environment(monkeypatch, variables)
    settings = settings_of(context := click_context(), context.params)
    assert settings.scope.source == variables[f"{REMOTE}NAME"]
    match variant:
        case Variant.KUBECONFIG | Variant.ANOTHER:
            assert settings.remote == Kubeconfig(variables[f"{REMOTE}KUBECONFIG"])
        case _:
            assert settings.remote == GkeCluster("my-project", "europe-west1", "my-cluster")


def test_the_base_alone_is_a_run_that_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = [*yaml.safe_load_all(kustomized(ROOT))]
    assert [obj["kind"] for obj in objects] == [obj["kind"] for obj in render(Variant.KUBECONFIG)]
    set_environment(monkeypatch, environment(objects))
    with pytest.raises(ConfigurationError, match="Missing remote cluster: give"):
        settings_of(context := click_context(), context.params)


def set_environment(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in {**variables, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}.items():
        monkeypatch.setenv(name, value)


def click_context() -> click.Context:
    return main.make_context("barrelman-sync", [])


@pytest.mark.parametrize("variant", [Variant.KEY_FILE, Variant.KUBECONFIG, Variant.ANOTHER])
def test_files_are_where_the_secret_is_mounted(variant: Variant) -> None:
    """And the Secret is named as the comment in the overlay tells to make it."""
    objects = render(variant)
    mounts = {mount["name"]: mount["mountPath"] for mount in container(objects)["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod_template(objects)["spec"]["volumes"]}
    assert volumes.keys() == mounts.keys()
    paths = [value for value in environment(objects).values() if value.startswith("/")]
    assert [str(Path(path).parent) for path in paths] == [mounts["secret"]]
    secret = volumes["secret"]["secret"]["secretName"]
    namespace = only(objects, "CronJob")["metadata"]["namespace"]
    create = f"kubectl -n {namespace} create secret generic {secret} --from-file={Path(paths[0]).name}\n"
    assert create in overlay(variant).read_text()


def test_there_is_nothing_to_write_to() -> None:
    """A run writes no file: not even /tmp is needed."""
    (cronjob,) = load("cronjob.yaml")
    assert container([cronjob])["securityContext"]["readOnlyRootFilesystem"]
    assert all(mount.get("readOnly") for mount in container([cronjob])["volumeMounts"])
