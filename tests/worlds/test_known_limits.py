"""What guards do that a user may not expect, see docs/design.md: worlds as small as they can be."""

from __future__ import annotations

from barrelman_sync.planning.result import ExitCode
from lab.controlplane.objects import node, port, service
from tests.worlds import deeds
from tests.worlds.checking import checked_run
from tests.worlds.cluster import Cluster
from tests.worlds.options import Options
from tests.worlds.running import Fault, Sides, run

NO_OPTION = Options({})


def sides(*numbers: int) -> Sides:
    """Return two clusters; the remote has one node, and a Service for each number."""
    home, away = Cluster("home"), Cluster("prod")
    away.create(node("n0", "10.1.0.1"))
    for number in numbers:
        add(away, number)
    return Sides(home, away)


def add(cluster: Cluster, number: int) -> None:
    cluster.create(service("shop", f"s{number}", port(80, "http", nodePort=30000 + number)))


def exit_code(both: Sides, options: Options) -> ExitCode | None:
    report = run(both, options)
    return report.exit_code if report else None


def test_a_limit_in_percent_counts_what_the_run_before_created() -> None:
    """The first run holds 12 deletes of 20 back, and creates 40 mirrors: 12 are no more than 30 % of 60."""
    both = sides(*range(20))
    checked_run(both, NO_OPTION, controllers=True)
    for number in range(12):
        both.away.delete("Service", f"s{number}", "shop")
    for number in range(100, 140):
        add(both.away, number)
    assert [exit_code(both, NO_OPTION), exit_code(both, NO_OPTION)] == [3, 0]


def test_a_release_that_was_cut_off_leaves_deletes_that_a_guard_holds_back() -> None:
    """Once the labels are off, the endpoints are those of a Service that lost its label, as if by mistake."""
    both, careful = sides(0), Options({"deletes": ("--max-deletes", "0")})
    checked_run(both, careful, controllers=True)
    deeds.edit(both.home, 0, "select pods", "kubectl-edit")
    checked_run(both, careful, controllers=False, fault=Fault(writes=1))
    assert [exit_code(both, careful), exit_code(both, careful)] == [3, 3]
    allowed = Options({"deletes": ("--allow-mass-delete",)})
    assert [exit_code(both, allowed), exit_code(both, careful)] == [0, 0]
