"""A first run on an empty cluster, compared with the rate of plain applies that the same API server reaches."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.bench.bodies import first_run
from lab.bench.figures import MEGABYTE, figure, middle, progress, title
from lab.bench.plain import Target, seconds_for
from lab.bench.setting import Setting, token_of
from lab.bench.tool import Run

PLAIN = {"1 process, 16 threads": (1, 16), "2 processes, 8 threads each": (2, 8)}


@dataclass
class Rounds:
    """What was measured, with one entry for each round."""

    tool: list[Run] = field(default_factory=list)
    plain: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PLAIN})


def measure(setting: Setting) -> None:
    """Measure runs and plain applies in turns, because a server changes as it ages. Print the figures."""
    rounds = Rounds()
    for number in range(setting.size.rounds):
        progress(f"first run, round {number + 1} of {setting.size.rounds}")
        rounds.tool.append(_tool(setting))
        progress(f"  barrelman-sync: {setting.size.writes / rounds.tool[-1].wall:.0f} writes a second")
        for name, (processes, threads) in PLAIN.items():
            rounds.plain[name].append(_plain(setting, processes, threads))
            progress(f"  {name}: {rounds.plain[name][-1]:.0f}")
    _show(rounds, setting.size.writes)


def _tool(setting: Setting) -> Run:
    run = setting.empty_local().run()
    wanted = f"done: {setting.size.writes} created, 0 updated, 0 deleted"
    assert run.summary.startswith(wanted), run.summary
    return run


def _plain(setting: Setting, processes: int, threads: int) -> float:
    tool = setting.empty_local()
    version = setting.local.api.request("GET", "/api/v1/endpoints", limit="1")["metadata"]["resourceVersion"]
    target = Target(setting.local.url.removeprefix("https://"), setting.local.ca_file, token_of(tool.local))
    return setting.size.writes / seconds_for(first_run(tool, version), target, processes, threads)


def _show(rounds: Rounds, writes: int) -> None:
    rates = [writes / run.wall for run in rounds.tool]
    shares = [rate / max(plain) for rate, *plain in zip(rates, *rounds.plain.values(), strict=True)]
    title(f"From empty, {writes} objects to create")
    figure("barrelman-sync, whole process: wall", middle([run.wall for run in rounds.tool], " s"))
    figure("  CPU", middle([run.cpu for run in rounds.tool], " s"))
    figure("  peak memory", middle([run.peak / MEGABYTE for run in rounds.tool], " MB", 0))
    figure("  writes a second", middle(rates, "", 0))
    for name, plain in rounds.plain.items():
        figure(f"plain applies, {name}", f"{middle(plain, '', 0)} a second")
    figure("barrelman-sync / the faster of these", middle(shares))
