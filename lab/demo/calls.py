"""The calls in the story of the demo. Without traffic, all of this does nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from lab.dataplane import Tally
from lab.demo import terminal
from lab.demo.stage import Stage, expect
from lab.demo.traffic import RATE, Periods
from lab.demo.world import LOCAL_NODE, LOST, REMOTE_NODES

WEB, DNS, SEARCH = (f"{name}.svc.cluster.local" for name in ("web.shop", "dns.infra", "search.shop"))
URL = f"http://{WEB}/"
EACH = 60  # so many that each node answers some, whatever chance does

BEFORE = "before the change"
LOST_NODE = f"{LOST} is lost"
MOVED = "shop/web has another node port"
AFTER = "kube-proxy knows what the run wrote"


def without_mirror(stage: Stage) -> None:
    """Show that nobody answers before the first run."""
    if not stage.traffic:
        return
    terminal.heading(f"A call from the node {LOCAL_NODE}: there is no such name yet")
    stage.traffic.type(URL, stage.folder)
    expect("the errors of calls", stage.traffic.caller.call(URL).errors, Counter(no_such_name=1))


def with_mirror(stage: Stage) -> None:
    """Show who answers after the first run."""
    if not stage.traffic:
        return
    stage.traffic.settle()
    terminal.heading("The same call, and more of them")
    stage.traffic.type(URL, stage.folder)
    terminal.line()
    remote = {f"{node}-1" for node in REMOTE_NODES}
    wanted = {URL: remote, f"udp://{DNS}:53": remote, f"http://{SEARCH}/": {f"{LOCAL_NODE}-1"}}
    tallies = {url: stage.traffic.caller.call(url, EACH) for url in wanted}
    terminal.table(
        ("CALLED FROM THE NODE", "CALLS", "FAILED", "ANSWERED BY THE PODS"),
        [(url, *_numbers(tally), _each(tally.by)) for url, tally in tallies.items()],
    )
    for url, tally in tallies.items():
        expect(f"failed calls to {url}", tally.failed, 0)
        expect(f"who answers {url}", set(tally.by), wanted[url])
    terminal.good("no call failed; a pod is called after its node: the first one on node-a is node-a-1")


@contextmanager
def counted(stage: Stage) -> Iterator[Periods]:
    """Call all the time while the block runs, and show at its end what became of the calls."""
    if not stage.traffic:
        yield Periods()
        return
    terminal.say(f"All the while, {LOCAL_NODE} calls {URL}, {RATE} times a second.")
    with stage.traffic.calls(URL) as periods:
        yield periods
    _show(periods.tallies)


def _show(tallies: dict[str, Tally]) -> None:
    terminal.heading("What became of the calls")
    rows = [(period, *_numbers(tally), _each(tally.errors)) for period, tally in tallies.items()]
    terminal.table(("WHEN", "CALLS", "FAILED", "HOW"), rows)
    terminal.line()
    terminal.say(
        "Callers are sent to the lost node and to the old node port until a run has seen the change: no tool that reads"
        " the remote can prevent that. The CronJob runs every minute. From the run on, no call failed."
    )
    for period, wanted in ((BEFORE, False), (LOST_NODE, True), (MOVED, True), (AFTER, False)):
        expect(f"whether calls fail in the period '{period}'", tallies[period].failed > 0, wanted)
    expect("who answers in the end", set(tallies[AFTER].by), {f"{node}-1" for node in REMOTE_NODES if node != LOST})
    terminal.good("no call failed before the change, and none after the run")


def _numbers(tally: Tally) -> tuple[str, str]:
    return str(len(tally.calls)), str(tally.failed)


def _each(counts: Counter[str]) -> str:
    return ", ".join(f"{word} {number}" for word, number in sorted(counts.items()))
