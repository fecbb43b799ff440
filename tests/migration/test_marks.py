"""The marks by which Argo CD, Flux and Helm know what they applied: we write none, change none, and copy none."""

from __future__ import annotations

from lab.controlplane import ControlPlane, Object
from lab.controlplane.objects import port
from tests.migration.page import APPLY, BACK, MANIFEST, PAGE
from tests.migration.shell import Shell
from tests.migration.views import bar, others
from tests.scenarios.command import Sync
from tests.scenarios.views import MANAGED_BY, edit, mirror_of, node_port, ports, set_ports, unchanged

Mode = tuple[str, ...]

MARKS: Object = {
    "labels": {
        "app.kubernetes.io/instance": "shop",
        "argocd.argoproj.io/instance": "shop",
        "kustomize.toolkit.fluxcd.io/name": "shop",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        "helm.toolkit.fluxcd.io/name": "shop",
        "helm.toolkit.fluxcd.io/namespace": "flux-system",
        MANAGED_BY: "Helm",
    },
    "annotations": {
        "argocd.argoproj.io/tracking-id": "shop:/Service:foo/bar",
        "meta.helm.sh/release-name": "shop",
        "meta.helm.sh/release-namespace": "foo",
    },
}


def has_all(obj: Object) -> bool:
    return all(given.items() <= obj["metadata"].get(kind, {}).items() for kind, given in MARKS.items())


def written(local: ControlPlane) -> list[Object]:
    return [bar(local), *local.api.list("Endpoints", "foo"), *local.api.list("EndpointSlice", "foo")]


def test_marks_on_a_mirror_stay_and_cause_no_write(
    sync: Sync, remote: ControlPlane, local: ControlPlane, mirror: Mode
) -> None:
    for obj in written(local):
        edit(local, "foo", obj["metadata"]["name"], {"metadata": MARKS}, kind=obj["kind"])
    local.settle()
    sync.writes_nothing(*mirror)
    set_ports(remote, "foo", "bar", port(81, "http", nodePort=30081))
    before = others(bar(local))[:2]
    sync.converges(*mirror)
    assert ports(bar(local)) == [("http", "TCP", 81, 30081)]
    assert others(bar(local))[:2] == before
    assert all(has_all(obj) for obj in written(local))


def test_marks_stay_on_the_way_in_and_back(sync: Sync, local: ControlPlane, shell: Shell, mirror: Mode) -> None:
    shell.write("bar.yaml", MANIFEST)
    shell(APPLY)
    edit(local, "foo", "bar", {"metadata": MARKS})
    sync.converges(*mirror)
    assert has_all(bar(local))
    shell(BACK)
    sync.converges(*mirror)
    assert has_all(mirror_of(local, "foo", "bar"))


def test_no_mark_is_copied_from_the_remote(sync: Sync, remote: ControlPlane, local: ControlPlane, mirror: Mode) -> None:
    before = bar(local)
    edit(remote, "foo", "bar", {"metadata": MARKS})
    sync.writes_nothing(*mirror)
    assert unchanged(before, bar(local))
    remote.add(node_port("foo", "baz", 30082, **MARKS))
    sync.converges(*mirror)
    assert others(mirror_of(local, "foo", "baz"))[:2] == ({}, {})


def test_the_page_has_all_marks() -> None:
    assert [key for given in MARKS.values() for key in given if key not in PAGE] == []
