"""More nodes than a slice, a Service or a mirrored Endpoints object may have."""

from __future__ import annotations

from collections.abc import Mapping

from lab.controlplane import ControlPlane, Object, wait_until
from tests.endpoints.views import MIRRORING, SLICES, add_nodes, addresses, names, node_of, served, slices
from tests.scenarios.command import Sync
from tests.scenarios.views import ips, node_port

SERVICES = ("bar-0", "bar-1", "bar-2")


def add_services(remote: ControlPlane) -> None:
    remote.add(*(node_port("foo", name, 30080 + number) for number, name in enumerate(SERVICES)))


def versions(local: ControlPlane) -> dict[str, Object]:
    """Return the resourceVersion of each slice of each Service."""
    return {
        obj["metadata"]["name"]: obj["metadata"]["resourceVersion"]
        for name in SERVICES
        for obj in slices(local, "foo", name)
    }


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def test_beyond_a_slice_one_node_lost_rewrites_one_slice_of_each_service(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    everyone = add_nodes(remote, 120)
    add_services(remote)
    sync.converges(SLICES, "--max-endpoints", "0")
    for name in SERVICES:
        found = served(local, "foo", name)
        assert [len(each) for each in found.values()] == [60, 60]
        assert sorted(ip for each in found.values() for ip in each) == everyone
    before = versions(local)
    remote.api.delete("Node", node_of(remote, everyone[7]))
    run = sync.converges(SLICES, "--max-endpoints", "0")
    # Independent services are written side by side, in no order.
    assert sorted(run.writes) == sorted(f"patch endpointslices foo/{name}-barrelman-ipv4-0 200" for name in SERVICES)
    assert changed(before, versions(local)) == [f"{name}-barrelman-ipv4-0" for name in SERVICES]


def test_beyond_the_limit_one_node_lost_rewrites_one_slice_of_the_services_that_had_it(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    everyone = add_nodes(remote, 300)
    add_services(remote)
    sync.converges(SLICES)
    found = {name: addresses(slices(local, "foo", name)) for name in SERVICES}
    assert [len(set(each)) for each in found.values()] == [250] * 3
    assert max(len(each) for name in SERVICES for each in served(local, "foo", name).values()) <= 100
    assert found["bar-0"] != found["bar-1"]
    had_it = {ip: [name for name in SERVICES if ip in found[name]] for ip in everyone}
    lost = next(ip for ip in everyone if len(had_it[ip]) == 2)
    before = versions(local)
    remote.api.delete("Node", node_of(remote, lost))
    run = sync.converges(SLICES)
    touched = changed(before, versions(local))
    assert len(run.writes) == len(touched) == 2
    assert [name.partition("-barrelman")[0] for name in touched] == had_it[lost]
    for name in SERVICES:
        now = set(addresses(slices(local, "foo", name)))
        assert len(now) == 250
        assert set(found[name]) - now == ({lost} if name in had_it[lost] else set())


def test_endpoints_never_have_more_addresses_than_kubernetes_mirrors(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    """Beyond 1,000 Kubernetes would drop what sorts last, for every Service the same nodes, and tell nobody."""
    everyone = add_nodes(remote, 1200)
    add_services(remote)
    run = sync("--max-endpoints", "0")
    assert run.exit_code == 0
    assert "1000 of 1200 nodes" in run.stderr
    for name in SERVICES:
        ours = ips(local, "foo", name)
        assert len(set(ours)) == 1000
        wait_until(lambda name=name, ours=ours: copied(local, name) == ours, "the mirrored slices")  # type: ignore[misc]
    assert "1000 of 1200 nodes" in sync.writes_nothing("--max-endpoints", "0").stderr
    assert "of 1200 nodes:" not in sync("--max-endpoints", "999", "--dry-run").stderr
    run = sync(SLICES, "--max-endpoints", "0")
    assert "1000 of" not in run.stderr
    for name in SERVICES:
        found = slices(local, "foo", name)
        assert sorted(addresses(found)) == everyone
        assert names(found) == sorted(f"{name}-barrelman-ipv4-{number}" for number in range(12))
    sync.writes_nothing(SLICES, "--max-endpoints", "0")


def copied(local: ControlPlane, name: str) -> list[str]:
    return sorted(addresses(slices(local, "foo", name, MIRRORING)))
