"""Random worlds in CI: always the same ones, so that an old defect fails nobody's change. See `make worlds`."""

from __future__ import annotations

from lab.controlplane.objects import node, port, service
from tests.worlds.checking import checked_run, settles
from tests.worlds.cluster import Cluster
from tests.worlds.controllers import settle
from tests.worlds.machine import Worlds
from tests.worlds.options import Options
from tests.worlds.playing import play
from tests.worlds.running import Sides


def test_the_laws_hold_in_random_worlds() -> None:
    play(Worlds, worlds=300, steps=20)


def test_slices_of_pods_of_an_orphaned_service_go_in_the_run_that_creates_the_mirror() -> None:
    both, no_option = Sides(Cluster("home"), Cluster("prod")), Options({})
    both.away.create(node("n0", "10.1.0.1"))
    both.away.create(service("shop", "s0", port(80, "http", nodePort=30000)))
    both.home.create(service("shop", "s0"))
    settle(both.home)
    both.home.delete("Service", "s0", "shop")  # with propagationPolicy Orphan, its slice stays
    report = checked_run(both, no_option, controllers=False)
    assert report is not None
    assert both.home.list("EndpointSlice") == []
    settles(both, no_option, report, controllers=False)
