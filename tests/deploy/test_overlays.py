"""The overlays: one place to edit each, hints in it, and objects that tell what they belong to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from barrelman_sync import __version__
from lab.controlplane import Object
from tests.deploy.manifests import (
    BASE_FILES,
    BEGIN,
    DEPLOY,
    END,
    EVERYWHERE,
    FOLDERS,
    Hint,
    Variant,
    container,
    environment,
    load,
    only,
    pod_template,
    render,
)
from tests.deploy.page import PAGE
from tests.scenarios.command import ROOT

REMOTE_FILES = ("rbac-remote.yaml", "deploy/rbac-remote-gke.yaml", "deploy/remote-token.yaml")
RECOMMENDED = "app.kubernetes.io/"
PLACEHOLDER = r"my-\w+|example\.com|<--"
variants = pytest.mark.parametrize("variant", Variant)


@pytest.mark.parametrize("folder", sorted({*FOLDERS.values()}))
def test_one_place_to_edit(folder: str) -> None:
    """Nothing outside of it has a name that differs from user to user."""
    text = (DEPLOY / folder / "kustomization.yaml").read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert not re.findall(PLACEHOLDER, text[: text.index(BEGIN)] + text[text.index(END) :])


@pytest.mark.parametrize("file", BASE_FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_base_needs_no_edit(file: Path) -> None:
    assert not re.findall(PLACEHOLDER, file.read_text())


@pytest.mark.parametrize("file", ["rbac.yaml", "cronjob.yaml"])
def test_the_root_has_the_plain_files(file: str) -> None:
    """For readers, and for `kubectl apply -f`."""
    assert (ROOT / file).samefile(ROOT / "deploy" / "base" / file)


def test_there_is_one_version() -> None:
    files = [*ROOT.glob("deploy/*/kustomization.yaml"), ROOT / "kustomization.yaml", ROOT / "docs/install.md"]
    told = {found for file in files for found in re.findall(r"(?:ref=v|newTag: |TAG=)(\d[^`\s\]]*)", file.read_text())}
    assert told == {__version__}


@variants
def test_a_hint_is_what_a_user_uncomments(variant: Variant) -> None:
    """Each changes what its explanation says, all can be taken together, and none is there by default."""
    plain, all_of_them = render(variant), render(variant, *EVERYWHERE)
    assert "cpu" not in container(plain)["resources"]["limits"]
    assert container(all_of_them)["resources"]["limits"]["cpu"] == "500m"
    assert "priorityClassName" not in pod_template(plain)["spec"]
    assert pod_template(all_of_them)["spec"]["priorityClassName"] == "my-priority"
    assert environment(all_of_them) == {**environment(plain), "BARRELMAN_SYNC_DRY_RUN": "true"}
    assert kinds(all_of_them) == kinds(plain) | {"NetworkPolicy"}


def kinds(objects: list[Object]) -> set[str]:
    return {obj["kind"] for obj in objects}


@variants
def test_a_network_policy_is_for_the_pods(variant: Variant) -> None:
    objects = render(variant, Hint.NETWORK_POLICY)
    policy = only(objects, "NetworkPolicy")
    assert policy["metadata"]["namespace"] == only(objects, "CronJob")["metadata"]["namespace"]
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod_template(objects)["metadata"]["labels"].items()


@pytest.mark.parametrize(("all_rules", "extra"), [(False, set()), (True, {9091, 30000})], ids=["default", "all"])
def test_the_network_policy_allows_what_the_page_lists(all_rules: bool, extra: set[int]) -> None:  # noqa: FBT001
    """By default those ports that every installation needs; the others once their rules are uncommented."""
    text = (DEPLOY / "network-policy" / "network-policy.yaml").read_text()
    if all_rules:
        text = re.sub(r"(?m)^    # ( *(?:- |ports:))", r"    \1", text)
    allowed = {port["port"] for rule in yaml.safe_load(text)["spec"]["egress"] for port in rule["ports"]}
    assert allowed == {53, 443, 6443, 80, 988} | extra
    told = PAGE.partition("| to | port | when |\n")[2].partition("\n\n")[0]
    assert all(re.search(rf"\b{port}\b", told) for port in allowed)


@variants
def test_everything_has_the_recommended_labels(variant: Variant) -> None:
    """But never our value of managed-by, which says that an object is a mirror's."""
    objects = render(variant)
    expected = {
        "name": "barrelman-sync",
        "instance": only(objects, "CronJob")["metadata"]["namespace"],
        "component": "mirroring",
        "part-of": "barrelman-sync",
        "version": __version__,
    }
    template = only(objects, "CronJob")["spec"]["jobTemplate"]
    labeled = [obj["metadata"]["labels"] for obj in [*objects, template, template["spec"]["template"]]]
    assert [recommended(labels) for labels in labeled] == [expected] * len(labeled)
    policy = only(render(variant, Hint.NETWORK_POLICY), "NetworkPolicy")
    del expected["version"]
    assert recommended(policy["metadata"]["labels"]) == expected


@pytest.mark.parametrize("file", REMOTE_FILES)
def test_the_remote_s_objects_have_labels_too(file: str) -> None:
    for obj in load(file):
        labels = {"name": "barrelman-sync", "component": "remote-access", "part-of": "barrelman-sync"}
        assert recommended(obj["metadata"]["labels"]) == labels


def recommended(labels: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix(RECOMMENDED): value for name, value in labels.items() if RECOMMENDED in name}


def test_two_installations_have_nothing_in_common() -> None:
    first, second = (
        {(obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]) for obj in render(variant)}
        for variant in (Variant.KUBECONFIG, Variant.ANOTHER)
    )
    assert (first & second, len(first)) == (set(), len(second))
    (binding,) = (obj for obj in render(Variant.ANOTHER) if obj["kind"] == "ClusterRoleBinding")
    assert ("ClusterRole", "", binding["roleRef"]["name"]) in second
    (subject,) = binding["subjects"]
    assert ("ServiceAccount", subject["namespace"], subject["name"]) in second
