"""What `kubectl apply -k` applies: the overlays after the edits that their marked places ask for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path

import yaml

from lab.clients import client
from lab.controlplane import NoControlPlane, Object
from tests.needed import lacking
from tests.scenarios.command import ROOT

DEPLOY = ROOT / "deploy"
BASE_FILES = (ROOT / "kustomization.yaml", *sorted((DEPLOY / "base").glob("*.yaml")))
BEGIN, END = "# ----- Edit from here", "# ----- to here"
REMOTE = "BARRELMAN_SYNC_REMOTE_"
HOME = "https://github.com/barrelman-sync/barrelman-sync"


class Variant(StrEnum):
    """How the remote is reached, and whether it is the first."""

    WORKLOAD_IDENTITY = "workload identity"
    KEY_FILE = "key file"
    KUBECONFIG = "kubeconfig"
    ANOTHER = "another remote"
    ANOTHER_GKE = "another remote, GKE"


class Hint(StrEnum):
    """A part of a marked place that is a comment until a user wants it, by the first words of its explanation."""

    DRY_RUN = "# For a first look"
    KEY_FILE = "# A key file"
    GKE = "# A GKE cluster, instead"
    GKE_ACCOUNT = "# The Google service account"
    CPU_LIMIT = "# A limit of CPU"
    PRIORITY = "# A PriorityClass"
    NETWORK_POLICY = "# A NetworkPolicy"


FOLDERS = {
    Variant.WORKLOAD_IDENTITY: "gke",
    Variant.KEY_FILE: "gke",
    Variant.KUBECONFIG: "kubeconfig",
    Variant.ANOTHER: "another-remote",
    Variant.ANOTHER_GKE: "another-remote",
}
HINTS = {Variant.KEY_FILE: (Hint.KEY_FILE,), Variant.ANOTHER_GKE: (Hint.GKE, Hint.GKE_ACCOUNT)}
EVERYWHERE = (Hint.DRY_RUN, Hint.CPU_LIMIT, Hint.PRIORITY, Hint.NETWORK_POLICY)


def overlay(variant: Variant) -> Path:
    """Return the file that has the variant's marked place."""
    return DEPLOY / FOLDERS[variant] / "kustomization.yaml"


def edited(variant: Variant, *hints: Hint) -> str:
    """Return the overlay as a user leaves it who wants this variant, and these hints in addition."""
    text = overlay(variant).read_text()
    for hint in (*HINTS.get(variant, ()), *hints):
        text = uncommented(text, hint)
    if variant == Variant.ANOTHER_GKE:
        text = re.sub(rf"^ +- {REMOTE}KUBECONFIG=.*\n", "", text, flags=re.MULTILINE)
    return text


def uncommented(text: str, hint: str) -> str:
    """Uncomment the YAML below this explanation, up to the next empty line, except a line with our URL."""
    before, found, rest = text.partition(hint)
    assert found, f"no {hint} in:\n{text}"
    block, end, after = rest.partition("\n\n")
    prose, *lines = re.split(r"\n(?=(?: *# (?:- |components:)))", block, maxsplit=1)
    yaml_lines = [re.sub("# ", "", line, count=1) for line in "\n".join(lines).split("\n") if HOME not in line]
    return before + found + "\n".join([prose, *yaml_lines]) + end + after


def render(variant: Variant, *hints: Hint) -> list[Object]:
    """Return the objects that kubectl makes of the edited overlay, in its place in the repository."""
    return [*yaml.safe_load_all(_rendered(variant, hints))]


@cache
def _rendered(variant: Variant, hints: tuple[Hint, ...]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "deploy")
        shutil.copytree(DEPLOY, copy)
        return build(copy / FOLDERS[variant], edited(variant, *hints))


def build(folder: Path, kustomization: str, **environment: str) -> str:
    """Write the kustomization into the folder, and return what kubectl makes of it without a warning."""
    folder.mkdir(exist_ok=True)
    (folder / "kustomization.yaml").write_text(kustomization)
    return kustomized(folder, **environment)


def kustomized(folder: Path, **environment: str) -> str:
    """Return what `kubectl kustomize` prints. Skip the test if there is no kubectl."""
    try:
        kubectl = client("kubectl")
    except NoControlPlane as error:
        lacking(f"no kubectl: {error}")
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), **environment}
    done = subprocess.run([kubectl, "kustomize", folder], env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def load(file: str) -> list[Object]:
    """Return the objects of a file in the repository."""
    return [*yaml.safe_load_all((ROOT / file).read_text())]


def only(objects: Sequence[Object], kind: str, name: str = "barrelman-sync") -> Object:
    """Return the one object of this kind and name."""
    (found,) = (obj for obj in objects if (obj["kind"], obj["metadata"]["name"]) == (kind, name))
    return found


def pod_template(objects: Sequence[Object]) -> Object:
    """Return what the CronJob makes pods of."""
    template: Object = only(objects, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]
    return template


def container(objects: Sequence[Object]) -> Object:
    """Return the one container of the CronJob's pods."""
    (found,) = pod_template(objects)["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def environment(objects: Sequence[Object]) -> dict[str, str]:
    """Return what the kubelet gives the container, but for the variables of Services."""
    found: dict[str, str] = {}
    for source in container(objects).get("envFrom", ()):
        found |= only(objects, "ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {entry["name"]: entry["value"] for entry in container(objects).get("env", ())}


def permissions(role: Object) -> set[tuple[str, str, str, str]]:
    """Return (group, resource, name, verb) of all that a role grants."""
    return {
        (group, resource, name, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }
