"""The worlds whose runs are broken: what both clusters hold before the run, and the options of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.controlplane import ControlPlane, Object, wait_until
from lab.controlplane.objects import endpoints, pod, port, service
from tests.endpoints.views import CONTROLLER, SLICES, addresses, slice_object, slices
from tests.scenarios.views import MANUAL, MIRROR, edit, manual, node_port, relabel, set_ports
from tests.sweep.stage import NODES, Stage
from tests.sweep.state import ORPHANED_SINCE

THEIRS: Object = {"metadata": {"labels": {"team": "web"}, "annotations": {"team": "web"}}}
FOREIGN = {
    ("Namespace", "", "shop"),
    ("Service", "shop", "theirs"),
    ("Endpoints", "shop", "theirs"),
    ("Service", "shop", "by-hand"),
    ("Endpoints", "shop", "by-hand"),
    ("Endpoints", "shop", "alone"),
    ("EndpointSlice", "shop", "of-a-mesh"),
    ("EndpointSlice", "shop", "of-nobody"),
}
"""What others have in each world."""
GRACE = ("--delete-grace", "1h")
LONG_AGO = "2020-01-01T00:00:00Z"
LOCAL_ONLY: dict[str, object] = {"externalTrafficPolicy": "Local"}


@dataclass(frozen=True)
class World:
    """What there is before the run, and what the run is told."""

    prepare: Callable[[Stage], None]
    options: tuple[str, ...] = ()


def updates(stage: Stage) -> None:
    """Creates in a new namespace, updates with fields to claim, adoption of another source and of the original."""
    remote, local = stage.remote, stage.local
    remote.add(
        *(node_port("shop", name, 30100 + number) for number, name in enumerate(("cart", "wish", "same"))),
        node_port("fresh", "one", 30110),
        node_port("fresh", "two", 30111, sessionAffinity="ClientIP"),
    )
    _set_up(stage, "--remote-name", "former", "--namespace", "shop")
    local.add(manual("shop", "pay", 30120), endpoints("shop", "pay", "10.9.9.9"))
    remote.add(node_port("shop", "old", 30103))
    _of_the_original(local, "shop", "old", 30199)
    set_ports(remote, "shop", "cart", port(8080, "http", nodePort=30100), port(81, "admin", nodePort=30112))
    set_ports(remote, "shop", "wish", port(80, "http", nodePort=30113))
    set_ports(local, "shop", "wish", port(80, "http", targetPort=1), port(82, "by-hand", targetPort=2))
    edit(local, "shop", "same", THEIRS)
    edit(local, "shop", "same", THEIRS, kind="Endpoints")


def removals(stage: Stage) -> None:
    """Deletes, a mirror that somebody made a real Service, one that lost its label, and leftovers of controllers."""
    remote, local = stage.remote, stage.local
    names = ("gone", "over", "stays", "bare", "back")
    remote.add(*(node_port("shop", name, 30100 + number) for number, name in enumerate(names)))
    remote.add(node_port("team", "gone", 30110))
    local.add(manual("team", "pay", 30120))
    _set_up(stage)
    for namespace in ("shop", "team"):
        remote.api.delete("Service", "gone", namespace)
    for number, name in enumerate(("over", "back")):
        edit(local, "shop", name, {**THEIRS, "spec": {"selector": {"app": name}}})
        local.add(pod("shop", f"{name}-1", f"10.1.0.{number}", node_name="n1", labels={"app": name}))
        wait_until(lambda name=name: addresses(slices(local, "shop", name, CONTROLLER)), "the pod's slice")  # type: ignore[misc]
    edit(local, "shop", "back", {"spec": {"selector": None}})
    relabel(local, "shop", "bare", marker=None)
    relabel(local, "team", "pay", marker=None)
    edit(local, "shop", "stays", THEIRS)


def to_slices(stage: Stage) -> None:
    """A switch from Endpoints to slices: mirrors, one of which only some nodes serve, and a manual service."""
    _to_be_switched(stage)
    edit(stage.local, "shop", "cart", THEIRS)
    stage.remote.add(node_port("fresh", "one", 30110))


def to_endpoints(stage: Stage) -> None:
    """A switch from slices to Endpoints, which takes two runs."""
    _to_be_switched(stage, SLICES)
    set_ports(stage.remote, "shop", "wish", port(8080, "http", nodePort=30105))


def node_ports(stage: Stage) -> None:
    """Node ports that swap, one that a deleted mirror frees, and a chain."""
    remote = stage.remote
    before = {"a": 30101, "b": 30102, "c": 30103, "gone": 30104, "stays": 30106}
    after = {"a": 30102, "b": 30101, "c": 30105, "new": 30103, "next": 30104}
    remote.add(*(node_port("shop", name, number) for name, number in before.items()))
    _set_up(stage, "--nodeportsvc")
    for name in before.keys() - {"stays"}:
        remote.api.delete("Service", name, "shop")
    remote.add(*(node_port("shop", name, number) for name, number in after.items()))


def renames(stage: Stage, *mode: str) -> None:
    """Ports with other names; with a grace: a mirror to mark, one that is wanted again, one whose grace is over."""
    remote, local = stage.remote, stage.local
    numbers = {"cart": 30100, "both": 30101, "stays": 30103, "lost": 30104, "back": 30105, "late": 30106}
    remote.add(*(node_port("shop", name, number) for name, number in numbers.items()))
    set_ports(remote, "shop", "both", port(80, "http", nodePort=30101), port(53, "dns", protocol="UDP", nodePort=30102))
    _set_up(stage, *mode)
    for name in ("back", "late"):
        remote.api.delete("Service", name, "shop")
    assert stage.sync(*mode, *GRACE).exit_code == 0
    edit(local, "shop", "late", {"metadata": {"annotations": {ORPHANED_SINCE: LONG_AGO}}})
    remote.api.delete("Service", "lost", "shop")
    remote.add(node_port("shop", "back", 30107))
    set_ports(remote, "shop", "cart", port(80, "web", nodePort=30100))
    set_ports(remote, "shop", "both", port(80, "web", nodePort=30101), port(53, "dns", protocol="UDP", nodePort=30108))
    edit(local, "shop", "cart", THEIRS)
    edit(local, "shop", "lost", THEIRS)


def renames_of_slices(stage: Stage) -> None:
    """The same with slices, which lose the old names in the same run."""
    renames(stage, SLICES)


WORLDS: Mapping[str, World] = {
    "updates": World(updates, ("--remote-name", "present", "--adopt-source", "former", "--concurrency", "1")),
    "removals": World(removals, ("--concurrency", "1")),
    "to-slices": World(to_slices, (SLICES,)),
    "to-endpoints": World(to_endpoints),
    "renames": World(renames, (*GRACE, "--concurrency", "1")),
    "slices-renames": World(renames_of_slices, (SLICES, *GRACE, "--concurrency", "1")),
    "node-ports": World(node_ports, ("--nodeportsvc", "--concurrency", "1")),
}


def _to_be_switched(stage: Stage, *mode: str) -> None:
    remote, local = stage.remote, stage.local
    remote.add(node_port("shop", "cart", 30100), node_port("shop", "wish", 30101))
    remote.add(node_port("team", "near", 30102, **LOCAL_ONLY))
    for name in ("n1", "n2"):
        remote.add(pod("team", name, f"10.1.0.{name[1]}", node_name=name, labels={"app": "near"}))
    wait_until(lambda: len(addresses(slices(remote, "team", "near", CONTROLLER))) == 2, "the slice of the pods")
    local.add(manual("team", "pay", 30120))
    _set_up(stage, *mode)


def _set_up(stage: Stage, *options: str) -> None:
    """Let a run make what is there before, and others put their objects beside it."""
    run = stage.sync(*options)
    assert run.exit_code == 0, run
    local = stage.local
    local.add(
        service("shop", "theirs", port(80, "http"), type="ClusterIP"),
        service("shop", "by-hand", port(80, "http"), type="ClusterIP", selector=None),
        endpoints("shop", "by-hand", "10.9.0.1"),
        endpoints("shop", "alone", "10.9.0.2"),
        slice_object("shop", "of-a-mesh", "stays", "10.9.0.3", manager="mesh.example.com"),
        slice_object("shop", "of-nobody", "cart", "10.9.0.4", manager=""),
    )
    edit(local, "", "shop", THEIRS, kind="Namespace")


def _of_the_original(local: ControlPlane, namespace: str, name: str, target: int) -> None:
    """Write like the original: operation Update of manager barrelman, and no source."""
    mirror = service(
        namespace, name, port(80, "http", targetPort=target), labels=MIRROR, selector=None, type="ClusterIP"
    )
    own = endpoints(namespace, name, *NODES.values(), ports=[port(target, "http")])
    own["metadata"]["labels"] = dict(MANUAL)
    for obj in (mirror, own):
        local.api.create(obj, manager="barrelman")
