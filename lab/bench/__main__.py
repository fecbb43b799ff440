"""`python -m lab.bench` prints how long runs take, and how much CPU and memory they use; see docs/benchmarks.md."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping

import click

from lab.bench import first_run, idle_run, scale, start
from lab.bench.figures import machine, progress
from lab.bench.setting import LAST_NODE_PORT, Setting, Size, setting
from lab.controlplane import ControlPlaneError, NoControlPlane, binaries

Measure = Callable[[Setting], None]
PARTS: Mapping[str, Measure] = {"first": first_run.measure, "idle": idle_run.measure}
NAMES = ("start", *PARTS)
LARGE: Mapping[str, Callable[[], None]] = {"scale": scale.measure, "scale-grid": scale.grid}
"""Measured on clusters of their own, which take minutes to fill. Only measured if the user names them."""


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice([*NAMES, *LARGE]))
@click.option("--services", default=1000, show_default=True, type=click.IntRange(1, LAST_NODE_PORT - 30000 + 1))
@click.option("--nodes", default=100, show_default=True, type=click.IntRange(1, 1000))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
def main(parts: tuple[str, ...], services: int, nodes: int, rounds: int) -> None:
    """Print how long runs of barrelman-sync take: all PARTS but the large ones, or those that are named."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    chosen = parts or NAMES
    size = Size(services, nodes, rounds)
    print(f"{size.services} services, {size.nodes} nodes, {size.rounds} rounds: medians. {machine()}")
    if "start" in chosen:
        start.measure()
    try:
        if clusters := [measure for name, measure in PARTS.items() if name in chosen]:
            _on_clusters(clusters, size)
        for measure_large in (measure for name, measure in LARGE.items() if name in chosen):
            measure_large()
    except (NoControlPlane, ControlPlaneError) as error:
        raise click.ClickException(str(error)) from error


def _on_clusters(parts: list[Measure], size: Size) -> None:
    binaries()
    progress("starting two clusters and filling the remote one")
    with setting(size) as here:
        for measure in parts:
            measure(here)


if __name__ == "__main__":
    main()
