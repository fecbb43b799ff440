"""What `kubectl apply -k .` applies, after the edits that kustomization.yaml asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import yaml

from lab.controlplane import Object
from tests.scenarios.command import ROOT

KUSTOMIZATION = ROOT / "kustomization.yaml"
BEGIN, END = "# ----- Edit from here", "# ----- to here"
REMOTE = "BARRELMAN_SYNC_REMOTE_"
GKE = tuple(f"{REMOTE}{part}" for part in ("PROJECT", "LOCATION", "CLUSTER_NAME"))


class Variant(StrEnum):
    """How the remote is reached."""

    WORKLOAD_IDENTITY = "workload identity"
    KEY_FILE = "key file"
    KUBECONFIG = "kubeconfig"


ADDED = {
    Variant.WORKLOAD_IDENTITY: (),
    Variant.KEY_FILE: ("GOOGLE_APPLICATION_CREDENTIALS",),
    Variant.KUBECONFIG: (f"{REMOTE}KUBECONFIG", f"{REMOTE}NAME"),
}


def edited(variant: Variant) -> str:
    """Return kustomization.yaml as a user leaves it who wants this variant: lines commented, or no longer."""
    lines = KUSTOMIZATION.read_text().splitlines()
    return "\n".join(_edited(line, variant) for line in lines) + "\n"


def _edited(line: str, variant: Variant) -> str:
    literal = re.fullmatch(r" +(# )?- (\w+)=.*", line)
    if literal and literal[1] and literal[2] in ADDED[variant]:
        return line.replace("# - ", "- ", 1)
    if literal and literal[2] in GKE and variant == Variant.KUBECONFIG:
        return line.replace("- ", "# - ", 1)
    return line


def render(variant: Variant) -> list[Object]:
    """Return the objects, as kustomize makes them of what we use of it; kubectl's own are compared with these."""
    kustomization = yaml.safe_load(edited(variant))
    objects = [obj for file in kustomization["resources"] for obj in load(file)]
    objects += [_config_map(entry) for entry in kustomization["configMapGenerator"]]
    for patch in kustomization["patches"]:
        _patch(objects, patch["target"], yaml.safe_load(patch["patch"]))
    for image in kustomization["images"]:
        for container in _containers(objects):
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"
    return objects


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


def _config_map(entry: Mapping[str, Any]) -> Object:
    metadata = {"name": entry["name"], "namespace": entry["namespace"]}
    data = dict(literal.split("=", 1) for literal in entry["literals"])
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _patch(objects: Sequence[Object], target: Mapping[str, str], operations: Sequence[Mapping[str, Any]]) -> None:
    for operation in operations:
        assert (operation["op"], operation["path"]) == ("add", "/metadata/annotations"), "teach this function more"
        only(objects, target["kind"], target["name"])["metadata"]["annotations"] = operation["value"]


def _containers(objects: Sequence[Object]) -> Iterator[Object]:
    for obj in objects:
        if obj["kind"] == "CronJob":
            yield from obj["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
