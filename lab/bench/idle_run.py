"""A run that has nothing to do, as nearly all runs have."""

from __future__ import annotations

from collections import Counter

from lab.bench.figures import MEGABYTE, figure, middle, progress, title
from lab.bench.setting import Setting


def measure(setting: Setting) -> None:
    """Run once, then measure runs that find everything as wanted. Print the figures."""
    progress("runs with nothing to do")
    tool = setting.empty_local()
    tool.run()
    setting.local.settle()
    runs = [tool.run() for _ in range(3 * setting.size.rounds)]
    requests = Counter(tool.run("-vv").requests)
    assert requests.keys() == {"GET"}, requests
    assert all(" 0 created, 0 updated, 0 deleted" in run.summary for run in runs)
    title("Nothing to do")
    figure("barrelman-sync, whole process: wall", middle([run.wall for run in runs], " s"))
    figure("  CPU", middle([run.cpu for run in runs], " s"))
    figure("  peak memory", middle([run.peak / MEGABYTE for run in runs], " MB", 0))
    figure("  requests, all of them GET", str(requests.total()))
