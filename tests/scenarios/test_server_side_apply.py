"""What server-side apply does not do by itself, see facts and docs/adr/002: fields that other managers hold."""

from __future__ import annotations

import pytest

from lab.controlplane import ControlPlane, Object
from lab.controlplane.objects import port, service
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Proxy
from tests.scenarios.views import MIRROR, edit, mirror_of, node_port, node_ports, ports, set_ports

pytestmark = pytest.mark.usefixtures("nodes")
DNS = [port(53, "dns", nodePort=30053), port(53, "dns-udp", protocol="UDP", nodePort=30053)]


def test_stale_and_renumbered_ports_of_the_original_converge_in_one_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    stale = [port(80, "http", targetPort=30080), port(81, "old", targetPort=30081)]
    renumbered = [port(8080, "http", targetPort=30080)]
    both = [port(8080, "http", targetPort=30080), port(80, "old", targetPort=30081)]
    local.ensure_namespace("foo")
    for number, (name, before) in enumerate({"stale": stale, "renumbered": renumbered, "both": both}.items()):
        remote.add(node_port("foo", name, 30080 + number))
        obj = service("foo", name, *before, labels=MIRROR, selector=None)  # of type NodePort
        local.api.create(obj, manager="barrelman")
    run = sync.converges()
    assert "claimed from barrelman" in run.line("Service", "foo/both")
    for number, name in enumerate(("stale", "renumbered", "both")):
        mirror = mirror_of(local, "foo", name)
        assert ports(mirror) == [("http", "TCP", 80, 30080 + number)]
        assert (mirror["spec"]["type"], node_ports(mirror)) == ("ClusterIP", [])


def renumbered_mirror_of_the_original(remote: ControlPlane, local: ControlPlane) -> None:
    """An update of it has to claim the port first: two requests for one Service."""
    remote.add(node_port("foo", "bar", 30080))
    local.ensure_namespace("foo")
    before = service("foo", "bar", port(8080, "http", targetPort=30080), labels=MIRROR, selector=None)
    local.api.create(before, manager="barrelman")


@pytest.mark.parametrize("lost", [1, 2, 3], ids=["the claim", "and its second try", "and the third"])
def test_a_claim_whose_answer_gets_lost_is_our_own_echo(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy, lost: int
) -> None:
    renumbered_mirror_of_the_original(remote, local)
    for _ in range(lost):
        local_proxy.lose("PATCH", "/services/bar")
    run = sync(*local_proxy.options)
    assert run.exit_code == 0, run
    answers = [write.rpartition(" ")[2] for write in run.writes if "services" in write]
    assert answers == ["200", *["409"] * lost, "200"]
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", 80, 30080)]
    sync.writes_nothing()


def test_a_claim_and_an_apply_whose_answers_get_lost(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy
) -> None:
    renumbered_mirror_of_the_original(remote, local)
    mirror = "/services/bar"
    local_proxy.lose("PATCH", mirror)
    # The look after the claim comes right before the apply.
    local_proxy.before("GET", mirror, lambda: local_proxy.lose("PATCH", mirror))
    run = sync(*local_proxy.options)
    assert run.exit_code == 0, run
    answers = [write.rpartition(" ")[2] for write in run.writes if "services" in write]
    assert answers == ["200", "409", "200", "409"]
    sync.writes_nothing()


def test_what_somebody_changes_after_a_lost_claim_is_left_to_the_next_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy
) -> None:
    renumbered_mirror_of_the_original(remote, local)
    theirs = {"spec": {"ports": [port(83, "http", targetPort=30080)]}}
    local_proxy.lose("PATCH", "/services/bar", lambda: edit(local, "foo", "bar", theirs))
    run = sync(*local_proxy.options)
    assert run.exit_code == 1, run
    assert "409" in run.line("Service", "foo/bar", "failed")
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", 83, 30080)]
    sync.converges()
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", 80, 30080)]


def test_a_port_that_two_managers_hold_is_renumbered(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    local.api.apply(
        {
            **service("foo", "bar", port(80, "http", targetPort=30080), type=None, selector=None),
            "metadata": {"name": "bar", "namespace": "foo"},
        },
        manager="somebody",
    )
    managers = {entry["manager"] for entry in mirror_of(local, "foo", "bar")["metadata"]["managedFields"]}
    assert managers == {"barrelman-sync", "somebody"}
    set_ports(remote, "foo", "bar", port(8080, "http", nodePort=30080))
    sync.converges()
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", 8080, 30080)]


def test_a_mirror_becomes_a_node_port_service_and_back(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(service("foo", "bar", port(80, "http", nodePort=30080), *DNS))
    for options, kind, numbers in (((), "ClusterIP", []), (("--nodeportsvc",), "NodePort", [30053, 30053, 30080])) * 2:
        sync.converges(*options)
        mirror = mirror_of(local, "foo", "bar")
        assert (mirror["spec"]["type"], node_ports(mirror)) == (kind, numbers)


DRIFTS: dict[str, Object] = {
    "added-port": {"ports": [port(80, "http", targetPort=30080), port(81, "extra")]},
    "other-number": {"ports": [port(8080, "http", targetPort=30080)]},
    "same-number-udp": {"ports": [port(80, "http", targetPort=30080), port(80, "u", protocol="UDP")]},
    "other-name": {"ports": [port(80, "web", targetPort=30080)]},
    "other-target": {"ports": [port(80, "http", targetPort=1)]},
    "named-target": {"ports": [port(80, "http", targetPort="http")]},
    "app-protocol": {"ports": [port(80, "http", targetPort=30080, appProtocol="http")]},
    "type": {"type": "NodePort"},
    "type-and-policy": {"type": "NodePort", "externalTrafficPolicy": "Local"},
    "load-balancer": {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "loadBalancerClass": "example.com/a"},
    "affinity": {"sessionAffinity": "ClientIP"},
    "affinity-config": {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 9}}},
}


def test_what_somebody_edits_in_a_mirror_is_put_right_in_one_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane, subtests: pytest.Subtests
) -> None:
    remote.add(*(node_port("foo", name, 30100 + number) for number, name in enumerate(DRIFTS)))
    sync.converges()
    wanted = {name: mirror_of(local, "foo", name)["spec"] for name in DRIFTS}
    for name, drift in DRIFTS.items():
        edit(local, "foo", name, {"spec": drift})
    sync.converges()
    for name in DRIFTS:
        with subtests.test(name):
            assert mirror_of(local, "foo", name)["spec"] == wanted[name]


def test_a_mirror_whose_managed_fields_somebody_cleared_is_followed(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    live = mirror_of(local, "foo", "bar")
    live["metadata"]["managedFields"] = [{}]  # as the documentation of Kubernetes says it is done
    local.api.replace(live)
    sync.writes_nothing()
    set_ports(remote, "foo", "bar", port(8080, "http", nodePort=30081))
    sync.converges()
    assert ports(mirror_of(local, "foo", "bar")) == [("http", "TCP", 8080, 30081)]


def test_a_mirror_that_somebody_made_a_load_balancer_with_source_ranges_is_put_right(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    edit(local, "foo", "bar", {"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}})
    sync.converges()
