"""A large cluster: 15,000 nodes and 5,000 services on two real control planes. See docs/scaling.md."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from lab.bench.figures import MEGABYTE, figure, middle, progress, title
from lab.bench.scale_relay import relay_before
from lab.bench.scale_world import NODE_PORTS, add_nodes, add_services, remove_node
from lab.bench.tool import Run, Tool
from lab.controlplane import ControlPlane, Options, control_planes
from lab.demo.access import grant_local, grant_remote

SIGMAS = 4
OPTIONS = {
    "remote": Options(audit=False, controllers=(), apiserver_args=(NODE_PORTS,)),
    "local": Options(audit=False, controllers=()),
}
"""No controllers: in the local cluster, they would copy each Endpoints into slices. A run does not need the copies."""


class Size(NamedTuple):
    """The size of the clusters. `cap` is --max-endpoints."""

    nodes: int = 15_000
    services: int = 5_000
    cap: int = 250


LARGE = Size()
GRID = (
    *(Size(nodes, 1000) for nodes in (1_000, 5_000, 10_000, 15_000)),
    *(Size(15_000, services) for services in (2_500, 5_000)),
    *(Size(15_000, 5_000, cap) for cap in (100, 1000)),
)
"""In an order in which the clusters only grow."""


class Cost(NamedTuple):
    """What a run costs. `size` is the number of bytes on the wire, compressed and encrypted."""

    runs: Sequence[Run]
    requests: int
    writes: int
    size: int


@dataclass
class Large:
    """Two large clusters, and the command that runs on them."""

    remote: ControlPlane
    tool: Tool
    options: tuple[str, ...]
    size: Size = Size(0, 0)
    lost: int = 0

    def grow(self, size: Size) -> None:
        """Create the nodes and services that are missing, then do a run."""
        add_nodes(self.remote, range(self.size.nodes, size.nodes))
        add_services(self.remote, range(self.size.services, size.services))
        self.size = size
        progress(f"following: {self.run().summary}")

    def run(self, *options: str) -> Run:
        return self.tool.run(f"--max-endpoints={self.size.cap}", "--concurrency=16", *self.options, *options)

    def steady(self, rounds: int) -> Cost:
        """Measure runs with nothing to do. One more run is made to count requests and bytes."""
        return self._cost([self.run() for _ in range(rounds)])

    def node_lost(self) -> Cost:
        """Measure a run after one node is removed. A second node is removed to count requests and bytes."""
        self._lose()
        timed = self.run()
        self._lose()
        return self._cost([timed])

    def _lose(self) -> None:
        self.lost += 1
        remove_node(self.remote, self.size.nodes - self.lost)

    def _cost(self, timed: Sequence[Run]) -> Cost:
        with relay_before(self.tool.local) as local, relay_before(self.tool.remote) as remote:
            through = replace(self, tool=Tool(local.kubeconfig, remote.kubeconfig))
            counted = through.run("-vv")
            return Cost(timed, len(counted.requests), _writes(timed[0]), local.count + remote.count)


def _writes(run: Run) -> int:
    found = re.match(r"done: (\d+) created, (\d+) updated, (\d+) deleted", run.summary)
    assert found, run.summary
    return sum(map(int, found.groups()))


@contextmanager
def large(*options: str) -> Iterator[Large]:
    """Start both clusters, empty."""
    with control_planes("remote", "local", options=OPTIONS) as (remote, local):
        yield Large(remote, Tool(grant_local(local), grant_remote(remote)), options)


def measure(size: Size = LARGE, rounds: int = 3, *options: str) -> None:
    """Print the cost of a run with nothing to do, and of a run after a node is lost."""
    progress("starting two clusters; making a large one takes minutes")
    with large(*options) as here:
        here.grow(size)
        title(
            f"{size.nodes} nodes, {size.services} services, at most {size.cap} endpoints {' '.join(options)}".rstrip()
        )
        _show("nothing to do", here.steady(rounds))
        cost = here.node_lost()
        _show("one node lost", cost)
        figure("  expected", f"{_expected(size):.0f}, by chance up to {_bound(size):.0f}")


def _expected(size: Size) -> float:
    return size.services * min(1, size.cap / size.nodes)


def _bound(size: Size) -> float:
    """The expected number of writes, plus SIGMAS standard deviations of a binomial distribution."""
    return _expected(size) + SIGMAS * math.sqrt(_expected(size))


def _show(what: str, cost: Cost) -> None:
    figure(f"{what}: wall", middle([run.wall for run in cost.runs], " s"))
    figure("  CPU", middle([run.cpu for run in cost.runs], " s"))
    figure("  peak memory", middle([run.peak / MEGABYTE for run in cost.runs], " MB", 0))
    figure("  requests", f"{cost.requests}, of which writes {cost.writes}")
    figure("  bytes on the wire", f"{cost.size / MEGABYTE:.1f} MB")


def grid(rounds: int = 1) -> None:
    """Print how the cost grows, as the Markdown table of docs/scaling.md. scale_plot.py draws the table."""
    print("| nodes | services | cap | wall s | CPU s | peak MB | requests | MB on the wire |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    with large() as here:
        for size in GRID:
            here.grow(size)
            cost = here.steady(rounds)
            wall, cpu = (statistics.median(values) for values in _times(cost.runs))
            peak = statistics.median(run.peak for run in cost.runs) / MEGABYTE
            cells = (*size, f"{wall:.1f}", f"{cpu:.1f}", f"{peak:.0f}", cost.requests, f"{cost.size / MEGABYTE:.1f}")
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


def _times(runs: Sequence[Run]) -> tuple[list[float], list[float]]:
    return [run.wall for run in runs], [run.cpu for run in runs]
