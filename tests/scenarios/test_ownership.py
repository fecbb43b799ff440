"""What is ours, what is somebody else's, and how an object changes hands."""

from __future__ import annotations

from typing import Any

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import endpoints, port, service
from tests.scenarios.command import Sync
from tests.scenarios.views import (
    ENDPOINTS_MANAGED_BY,
    IGNORE,
    MANAGED_BY,
    MANUAL,
    MARKER,
    MIRROR,
    SOURCE,
    SOURCE_UID,
    annotations_of,
    edit,
    ips,
    is_there,
    labels,
    manual,
    mirror_of,
    node_port,
    ports,
    relabel,
    set_ports,
    unchanged,
)

pytestmark = pytest.mark.usefixtures("nodes")


def original(namespace: str, name: str, target: int, **spec: Any) -> list[dict[str, Any]]:
    """Return what the original barrelman made."""
    mirror = service(namespace, name, port(80, "http", targetPort=target), labels=MIRROR, selector=None, **spec)
    own = endpoints(namespace, name, "10.0.0.1", ports=[port(target, "http")])
    own["metadata"]["labels"] = dict(MANUAL)
    return [mirror, own]


def make_original(local: ControlPlane, *objs: dict[str, Any]) -> None:
    """Write like the original: operation Update of manager barrelman."""
    for obj in objs:
        local.ensure_namespace(obj["metadata"]["namespace"])
        local.api.create(obj, manager="barrelman")


def test_objects_of_the_original_are_adopted(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "exposed", 30081))
    stays, goes = original("foo", "bar", 30080, type="ClusterIP"), original("foo", "old", 30082, type="ClusterIP")
    make_original(
        local, *stays, *goes, *original("foo", "exposed", 31111, type="NodePort"), manual("foo", "baz", 30083)
    )
    sync.converges()
    for name in ("bar", "exposed"):
        mirror = mirror_of(local, "foo", name)
        assert labels(mirror)[SOURCE] == "remote"
        assert mirror["spec"]["type"] == "ClusterIP"
        assert ips(local, "foo", name) == nodes
        assert labels(local.api.get("Endpoints", name, "foo"))[ENDPOINTS_MANAGED_BY] == "barrelman-sync"
    assert ports(mirror_of(local, "foo", "exposed")) == [("http", "TCP", 80, 30081)]
    assert is_there(local, "foo", "old") == (False, False)
    assert ips(local, "foo", "baz") == nodes


def test_the_mirror_of_another_name_is_left(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "only-one", 30081))
    sync.converges("--remote-name", "one")
    remote.api.delete("Service", "only-one", "foo")
    set_ports(remote, "foo", "bar", port(80, "http", nodePort=30090))
    run = sync.writes_nothing("--remote-name", "two")
    assert "under the name one" in run.line("foo/bar")
    assert "under the name one" in run.line("foo/only-one")


def test_what_another_name_owns_is_adopted_on_demand(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    local.add(manual("foo", "baz", 30082))
    sync.converges("--remote-name", "old")
    remote.api.delete("Service", "gone", "foo")
    sync.converges("--remote-name", "new", "--adopt-source", "old")
    sync.writes_nothing("--remote-name", "new")
    assert is_there(local, "foo", "gone") == (False, False)
    found = [mirror_of(local, "foo", "bar"), *(local.api.get("Endpoints", name, "foo") for name in ("bar", "baz"))]
    assert [labels(obj)[SOURCE] for obj in found] == ["new"] * 3


def test_what_somebody_added_to_a_mirror_survives_every_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    theirs = {"team": "web"}
    edit(local, "foo", "bar", {"metadata": {"labels": theirs, "annotations": theirs}})
    edit(local, "foo", "bar", {"spec": {"ipFamilyPolicy": "PreferDualStack", "externalIPs": ["192.0.2.1"]}})
    edit(local, "foo", "bar", {"metadata": {"labels": theirs, "annotations": theirs}}, kind="Endpoints")
    sync.writes_nothing()
    set_ports(remote, "foo", "bar", port(8080, "http", nodePort=30081))
    sync.converges()
    mirror = mirror_of(local, "foo", "bar")
    assert ports(mirror) == [("http", "TCP", 8080, 30081)]
    assert (mirror["spec"]["ipFamilyPolicy"], mirror["spec"]["externalIPs"]) == ("PreferDualStack", ["192.0.2.1"])
    for obj in (mirror, local.api.get("Endpoints", "bar", "foo")):
        assert theirs.items() <= labels(obj).items()
        assert theirs.items() <= obj["metadata"]["annotations"].items()


def test_helm_may_adopt_a_mirror(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    release = {"meta.helm.sh/release-name": "bar", "meta.helm.sh/release-namespace": "foo"}
    helm = {"metadata": {"labels": {MANAGED_BY: "Helm"}, "annotations": release}}
    edit(local, "foo", "bar", helm, manager="helm")
    sync.writes_nothing()
    set_ports(remote, "foo", "bar", port(80, "http", nodePort=30081))
    sync.converges()
    mirror = mirror_of(local, "foo", "bar")
    assert labels(mirror)[MANAGED_BY] == "Helm"
    assert release.items() <= annotations_of(mirror).items()
    assert ports(mirror) == [("http", "TCP", 80, 30081)]


def test_without_its_label_a_mirror_is_a_local_service_without_endpoints_of_ours(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    relabel(local, "foo", "bar", marker=None)
    before = local.api.get("Service", "bar", "foo")
    sync.writes_nothing("--max-deletes", "0", exit_code=3)
    sync.converges()
    assert unchanged(before, local.api.get("Service", "bar", "foo"))
    assert is_there(local, "foo", "bar") == (True, False)


def test_a_mirror_that_is_ignored_or_being_deleted_is_left(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(*(node_port("foo", name, 30080 + number) for number, name in enumerate(("ignored", "slow"))))
    sync.converges()
    edit(local, "foo", "ignored", {"metadata": {"annotations": IGNORE}})
    edit(local, "foo", "slow", {"metadata": {"finalizers": ["example.com/slow"]}})
    local.api.delete("Service", "slow", "foo")
    for step in ("moved", "deleted"):
        for name in ("ignored", "slow"):
            if step == "moved":
                set_ports(remote, "foo", name, port(81, "http"))
            else:
                remote.api.delete("Service", name, "foo")
        run = sync.writes_nothing()
        assert "annotated" in run.line("foo/ignored")
        assert "being deleted" in run.line("foo/slow")


MARKS = {MARKER, SOURCE, MANAGED_BY}
HEADLESS: dict[str, Any] = {"clusterIP": "None", "type": "ClusterIP", "selector": None, "labels": MIRROR}


def test_a_mirror_that_gets_a_selector_is_released(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    sync.converges()
    remote.api.delete("Service", "gone", "foo")
    for name in ("bar", "gone"):
        edit(
            local,
            "foo",
            name,
            {
                "metadata": {"labels": {"team": "web"}, "annotations": {"note": "a"}},
                "spec": {"selector": {"app": "bar"}},
            },
        )
    local.settle()
    assert "released" in sync.converges("--max-deletes", "0").line("~ Service", "foo/bar")
    for name in ("bar", "gone"):
        real = local.api.get("Service", name, "foo")
        assert (labels(real), annotations_of(real)) == ({"team": "web"}, {"note": "a"})
        assert is_there(local, "foo", name) == (True, True)  # Kubernetes' own controller keeps them now
        assert ips(local, "foo", name) == []


def test_a_mirror_that_was_made_headless_or_an_alias_is_released(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "headless", 30080), node_port("foo", "alias", 30081))
    sync.converges()
    edit(local, "foo", "alias", {"spec": {"type": "ExternalName", "externalName": "example.com"}})
    local.api.delete("Service", "headless", "foo")  # kubectl replace --force: the address cannot be changed
    local.settle()
    local.add(service("foo", "headless", **HEADLESS))
    sync.converges()
    for name in ("alias", "headless"):
        given_up = local.api.get("Service", name, "foo")
        assert not MARKS & labels(given_up).keys()
        assert SOURCE_UID not in annotations_of(given_up)
        assert is_there(local, "foo", name) == (True, False)


@pytest.mark.parametrize(
    "renumbered",
    [
        pytest.param(False, id="same port"),
        pytest.param(True, id="renumbered port"),
    ],
)
def test_a_real_service_becomes_a_mirror_again(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str], *, renumbered: bool
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    edit(local, "foo", "bar", {"spec": {"selector": {"app": "bar"}}})
    local.settle()
    sync.converges()
    number = 8080 if renumbered else 80
    set_ports(remote, "foo", "bar", port(number, "http", nodePort=30081))
    sync.writes_nothing()
    local.settle()
    edit(local, "foo", "bar", {"metadata": {"labels": MIRROR}, "spec": {"selector": None}})
    local.settle()
    sync.converges()
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", number, 30081)]
    assert ips(local, "foo", "bar") == nodes


def test_a_users_own_service_may_be_made_a_mirror(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    local.add(service("foo", "bar", port(8080, "http"), port(81, "old"), type="NodePort"))
    local.settle()
    sync.writes_nothing()
    edit(local, "foo", "bar", {"metadata": {"labels": MIRROR}, "spec": {"selector": None}})
    local.settle()
    sync.converges()
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", 80, 30080)]
    assert ips(local, "foo", "bar") == nodes
