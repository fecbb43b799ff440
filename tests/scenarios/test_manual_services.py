"""Manual services: a user's own Service that asks for endpoints and gets nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.controlplane import ControlPlane, Object
from lab.controlplane.objects import endpoints, port, service
from tests.scenarios.command import Sync
from tests.scenarios.views import (
    IGNORE,
    MANUAL,
    SOURCE,
    edit,
    endpoint_ports,
    ips,
    is_there,
    manual,
    relabel,
    set_ports,
    unchanged,
)


def test_it_gets_the_nodes_as_endpoints_and_its_target_port_is_followed(
    sync: Sync, local: ControlPlane, nodes: list[str]
) -> None:
    local.add(manual("foo", "baz", 30080))
    before = local.api.get("Service", "baz", "foo")
    sync.converges()
    assert (ips(local, "foo", "baz"), endpoint_ports(local, "foo", "baz")) == (nodes, [("", "TCP", 30080)])
    assert unchanged(before, local.api.get("Service", "baz", "foo"))
    set_ports(
        local,
        "foo",
        "baz",
        port(80, targetPort=30081),
    )
    sync.converges()
    assert endpoint_ports(local, "foo", "baz") == [("", "TCP", 30081)]


def test_all_its_kinds_are_served(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.add(
        manual("foo", "exposed", 30080, type="NodePort"),
        manual("foo", "headless", 30080, clusterIP="None"),
        service("foo", "dns", port(53, "dns"), port(53, "dns-udp", protocol="UDP"),
                type="ClusterIP", selector=None, labels=MANUAL),
    )  # fmt: skip
    sync.converges()
    assert [ips(local, "foo", name) for name in ("exposed", "headless", "dns")] == [nodes] * 3
    assert endpoint_ports(local, "foo", "dns") == [("dns", "TCP", 53), ("dns-udp", "UDP", 53)]


def test_what_cannot_be_served_is_said_for_each(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.add(
        manual("foo", "named", "http"),
        manual("foo", "selecting", 80, selector={"app": "a"}),
        service("foo", "alias", type="ExternalName", externalName="example.com", selector=None, labels=MANUAL),
    )
    local.settle()
    run = sync.writes_nothing()
    assert "http is a name" in run.line("foo/named")
    assert "selector" in run.line("foo/selecting")
    assert "ExternalName" in run.line("foo/alias")


def test_ignoring_is_about_mirroring(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.add(manual("foo", "ignored", 80, annotations=IGNORE), manual("kube-system", "hidden", 80))
    sync.converges()
    assert [ips(local, *key) for key in (("foo", "ignored"), ("kube-system", "hidden"))] == [nodes] * 2


def test_endpoints_of_its_name_are_its_own_whoever_made_them(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.add(manual("foo", "baz", 30080), endpoints("foo", "baz", "10.9.9.9", "10.9.9.8"))
    sync.converges()
    assert ips(local, "foo", "baz") == nodes


STRAYS: dict[str, Callable[[Object], list[Object]]] = {
    "address": lambda ours: [{**ours, "addresses": [{"ip": "10.0.0.7"}, *ours["addresses"]]}],
    "subset": lambda ours: [ours, {"addresses": [{"ip": "10.0.0.7"}], "ports": [{"port": 1}]}],
    "not-ready": lambda ours: [{**ours, "notReadyAddresses": [{"ip": "10.0.0.7"}]}],
    "nothing": lambda _: [],
}


def test_what_others_do_to_the_endpoints_is_undone(
    sync: Sync, local: ControlPlane, nodes: list[str], subtests: pytest.Subtests
) -> None:
    local.add(*(manual("foo", name, 30080) for name in STRAYS))
    sync.converges()
    wanted = {name: local.api.get("Endpoints", name, "foo")["subsets"] for name in STRAYS}
    for name, stray in STRAYS.items():
        (ours,) = wanted[name]
        local.api.replace({**local.api.get("Endpoints", name, "foo"), "subsets": stray(ours)}, manager="kubectl-edit")
    sync.converges()
    for name in STRAYS:
        with subtests.test(name):
            assert local.api.get("Endpoints", name, "foo")["subsets"] == wanted[name]


def test_without_its_label_it_loses_our_endpoints(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.add(manual("foo", "baz", 30080))
    sync.converges()
    relabel(local, "foo", "baz", marker=None)
    held = sync.writes_nothing("--max-deletes", "0", exit_code=3)
    assert "--allow-mass-delete" in held.line("Endpoints", "foo/baz")
    sync.converges()
    assert is_there(local, "foo", "baz") == (True, False)


def test_with_a_selector_it_keeps_what_kubernetes_writes(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.add(manual("foo", "baz", 30080))
    sync.converges()
    edit(local, "foo", "baz", {"spec": {"selector": {"app": "baz"}}})
    local.settle()
    assert "selector" in sync.writes_nothing().line("Service", "foo/baz")
    assert is_there(local, "foo", "baz") == (True, True)
    assert ips(local, "foo", "baz") == []


def test_in_an_ignored_namespace_and_with_the_annotation_endpoints_stay(
    sync: Sync, local: ControlPlane, nodes: list[str]
) -> None:
    local.add(manual("foo", "baz", 30080), manual("foo2", "baz", 30080))
    sync.converges()
    for namespace in ("foo", "foo2"):
        relabel(local, namespace, "baz", marker=None)
    edit(local, "foo2", "baz", {"metadata": {"annotations": IGNORE}})
    run = sync.writes_nothing("--ignore-namespace", "foo")
    assert "ignored namespace" in run.line("foo/baz")
    assert "annotated" in run.line("foo2/baz")


def test_with_two_remotes_its_label_says_which_one_serves_it(sync: Sync, local: ControlPlane, nodes: list[str]) -> None:
    local.add(*(manual("foo", name, 30080, labels={SOURCE: name}) for name in ("one", "two")))
    for name, cidr in (("one", "10.0.0.1/32"), ("two", "10.0.0.2/32")):
        # Who serves foo/two is said only by its label yet; that this very cluster serves foo/one, by its endpoints.
        other, told = {"one": ("two", "served from two"), "two": ("one", "under the name one")}[name]
        run = sync.converges("--remote-name", name, "--allowed-node-cidr", cidr)
        assert told in run.line(f"foo/{other}")
    assert [ips(local, "foo", name) for name in ("one", "two")] == [nodes[:1], nodes[1:]]
    relabel(local, "foo", "one", source="two")
    assert "served from two" in sync.writes_nothing("--remote-name", "one").line("foo/one")
    sync.converges("--remote-name", "two", "--allowed-node-cidr", "10.0.0.2/32")
    assert ips(local, "foo", "one") == nodes[1:]


def test_without_a_source_the_first_remote_that_wrote_keeps_it(
    sync: Sync, local: ControlPlane, nodes: list[str]
) -> None:
    local.add(manual("foo", "baz", 30080))
    sync.converges("--remote-name", "one")
    assert "under the name one" in sync.writes_nothing("--remote-name", "two").line("foo/baz")
    relabel(local, "foo", "baz", marker=None)
    sync.writes_nothing("--remote-name", "two")  # nor does it remove what another wrote
    sync.converges("--remote-name", "one")
    assert is_there(local, "foo", "baz") == (True, False)
