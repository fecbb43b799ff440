"""A port that changes its name at the remote: at no moment has the mirror a port that its endpoints do not have."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lab.controlplane import ControlPlane, Object, wait_until
from lab.controlplane.api import path_of
from lab.controlplane.objects import node, port, service
from tests.endpoints.views import MIRRORING, SLICES, slices
from tests.endpoints.views import ports as slice_ports
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Proxy
from tests.scenarios.views import edit, endpoint_ports, set_ports

MODES = pytest.mark.parametrize("mode", [(), (SLICES,)], ids=["Endpoints", "slices"])
Joint = tuple[str, str]
"""What kube-proxy joins Services and endpoints by: name and protocol of a port."""


def joints(found: list[Object]) -> set[Joint]:
    return {(entry.get("name", ""), entry["protocol"]) for entry in found}


def version(obj: Object) -> int:
    return int(obj["metadata"]["resourceVersion"])


def events(plane: ControlPlane, kind: str, since: str) -> Iterator[Object]:
    """Every state of the objects of a kind in the namespace foo since then, up to the states that they have now."""
    path = path_of(kind, "foo")
    last = max(map(version, plane.api.list(kind, "foo")))
    if last <= int(since):
        return
    query = {"watch": "1", "resourceVersion": since}
    with plane.api._http.stream("GET", path, params=query) as answer:
        for line in answer.iter_lines():
            event = json.loads(line)
            yield {**event["object"], "kind": kind}
            if version(event["object"]) >= last:
                return


def history(plane: ControlPlane, kind: str, since: str, at_first: list[Object]) -> list[tuple[set[Joint], set[Joint]]]:
    """The joints of the Service bar and of its endpoints of this kind, after every change since then."""
    changes = [*events(plane, "Service", since), *events(plane, kind, since)]
    has = {"Service": joints(at_first), kind: joints(at_first)}
    states = [(has["Service"], has[kind])]
    for obj in sorted(changes, key=version):
        if obj["kind"] == "Service":
            has["Service"] = joints(obj["spec"]["ports"])
        elif obj["kind"] == "Endpoints":
            has[kind] = joints([entry for part in obj.get("subsets") or () for entry in part["ports"]])
        elif obj["metadata"]["name"].startswith("bar-barrelman"):
            has[kind] = joints(obj["ports"])
        if states[-1] != (has["Service"], has[kind]):
            states.append((has["Service"], has[kind]))
    return states


def latest(plane: ControlPlane) -> str:
    return str(plane.api.request("GET", path_of("Service", "foo"))["metadata"]["resourceVersion"])


def is_copied(local: ControlPlane) -> bool:
    found = {(name, protocol) for name, protocol, *_ in slice_ports(slices(local, "foo", "bar", MIRRORING))}
    return found == {(name, protocol) for name, protocol, _ in endpoint_ports(local, "foo", "bar")}


def named(name: str, number: int = 80, protocol: str = "TCP") -> Object:
    return {**port(number, name, nodePort=30000 + number), "protocol": protocol}


CHANGES = {
    "one that is alone": ([named("http")], [named("web")]),
    "one of two": ([named("http"), named("dns", 53, "UDP")], [named("web"), named("dns", 53, "UDP")]),
    "one that gets a name": ([named("")], [named("http")]),
    "one that loses its name": ([named("http")], [named("")]),
    "one without a name becomes two": ([named("")], [named("http"), named("https", 443)]),
    "two become one without a name": ([named("http"), named("https", 443)], [named("")]),
}


@MODES
@pytest.mark.usefixtures("nodes")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_endpoints_have_the_new_name_first(
    sync: Sync, remote: ControlPlane, local: ControlPlane, mode: tuple[str, ...], change: tuple[list[Object], ...]
) -> None:
    before, after = change
    kind = "EndpointSlice" if mode else "Endpoints"
    remote.add(service("foo", "bar", *before))
    sync.converges(*mode)
    start = latest(local)
    set_ports(remote, "foo", "bar", *after)
    run = sync(*mode)
    assert run.exit_code == 0, run
    if not mode:
        wait_until(lambda: is_copied(local), "the copies to follow")
        assert joints(before) | joints(after) == {(n, p) for n, p, _ in endpoint_ports(local, "foo", "bar")}
        run = sync()
        assert [write.split()[:2] for write in run.writes] == [["patch", "endpoints"]]
        wait_until(lambda: is_copied(local), "the copies to follow")
    sync.writes_nothing(*mode)
    old, new = joints(before), joints(after)
    assert history(local, kind, start, before) == [(old, old), (old, old | new), (new, old | new), (new, new)]


def test_another_mode_at_the_same_time(sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]) -> None:
    """A slice that a run creates is written again in the same run."""
    remote.add(service("foo", "bar", named("http")))
    sync.converges()
    set_ports(remote, "foo", "bar", named("web"))
    run = sync.converges(SLICES)
    assert [write.split()[:2] for write in run.writes] == [
        ["patch", "endpointslices"],
        ["patch", "services"],
        ["patch", "endpointslices"],
        ["delete", "endpoints"],
    ]
    assert slice_ports(slices(local, "foo", "bar")) == [("web", "TCP", 30080, "")]


def test_a_label_that_hides_a_slice_is_taken_off_once(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]
) -> None:
    remote.add(service("foo", "bar", named("http")))
    sync.converges(SLICES)
    hidden = {"metadata": {"labels": {"service.kubernetes.io/headless": ""}}}
    edit(local, "foo", "bar-barrelman-ipv4-0", hidden, kind="EndpointSlice")
    set_ports(remote, "foo", "bar", named("web"))
    run = sync.converges(SLICES)
    assert [write.split()[1] for write in run.writes] == ["endpointslices"] * 2 + ["services", "endpointslices"]
    assert slice_ports(slices(local, "foo", "bar")) == [("web", "TCP", 30080, "")]


@MODES
def test_endpoints_keep_both_names_as_long_as_the_mirror_is_refused(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy, mode: tuple[str, ...]
) -> None:
    remote.add(node("n1"), service("foo", "bar", named("http")))
    sync.converges(*mode)
    set_ports(remote, "foo", "bar", named("web"))
    noted: Object = {"metadata": {"annotations": {"example.com/note": "changed meanwhile"}}}
    local_proxy.before("PATCH", "/services/bar", lambda: edit(local, "foo", "bar", noted))
    run = sync(*local_proxy.options, *mode)
    assert run.exit_code == 1, run
    found = slice_ports(slices(local, "foo", "bar")) if mode else endpoint_ports(local, "foo", "bar")
    assert [name for name, *_ in found] == ["http", "web"]
    assert ("only the first of two writes is done" in run.stdout) == bool(mode)
    assert sync(*mode).exit_code == 0
    sync(*mode)
    sync.writes_nothing(*mode)


@MODES
def test_the_mirror_keeps_its_name_if_its_endpoints_are_refused(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy, mode: tuple[str, ...]
) -> None:
    remote.add(node("n1"), service("foo", "bar", named("http")))
    sync.converges(*mode)
    set_ports(remote, "foo", "bar", named("web"))
    kind, name = ("EndpointSlice", "bar-barrelman-ipv4-0") if mode else ("Endpoints", "bar")
    noted: Object = {"metadata": {"annotations": {"example.com/note": "changed meanwhile"}}}
    local_proxy.before("PATCH", f"/{kind.lower().rstrip('s')}s/bar", lambda: edit(local, "foo", name, noted, kind=kind))
    run = sync(*local_proxy.options, *mode)
    assert run.exit_code == 1, run
    assert "not tried" in run.line("! Service", "foo/bar")
    assert joints(local.api.get("Service", "bar", "foo")["spec"]["ports"]) == {("http", "TCP")}
