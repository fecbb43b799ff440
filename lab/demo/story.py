"""The story of the demo: a first run, a change in the remote cluster, and the runs after it."""

from __future__ import annotations

from lab.demo import calls, expected, tables, terminal
from lab.demo.expected import FIRST, LEFT, SECOND
from lab.demo.stage import Stage, expect
from lab.demo.world import change, silence


def tell(stage: Stage) -> None:
    """Tell the whole story. Raise UnexpectedError if something in it is not true."""
    _what_is_there(stage)
    _first_sync(stage)
    _a_change(stage)
    _nothing_to_do(stage)


def _what_is_there(stage: Stage) -> None:
    terminal.heading("The remote cluster: every node answers for the services, each at a node port")
    terminal.table(tables.NODE_TITLES, tables.nodes(stage.remote.api))
    terminal.line()
    terminal.table(tables.REMOTE_TITLES, tables.remote_services(stage.remote.api))
    terminal.heading("The local cluster: its workloads want to call http://web.shop, as if the service ran here")
    _show_local(stage, expected.before(stage.places))
    terminal.line()
    terminal.say(
        "shop/search is a service of your own, with a pod. billing/ledger is a manual service without pods: its"
        " label tfw.io/barrelman asks for endpoints on the remote's nodes, and its owner chose the node port."
    )
    calls.without_mirror(stage)


def _first_sync(stage: Stage) -> None:
    terminal.heading("The plan: --dry-run writes nothing")
    terminal.say("All commands run as the service accounts of rbac.yaml and rbac-remote.yaml.")
    stage.run("--dry-run", exit_code=0, plan=FIRST)
    _show_local(stage, expected.before(stage.places))
    terminal.heading("The sync")
    stage.run(exit_code=0, plan=FIRST)
    terminal.heading("The local cluster now")
    _show_local(stage, expected.after_first(stage.places))
    terminal.line()
    terminal.say(
        "A call to web.shop now goes to port 30080 of one of the remote's nodes. shop/search is left, because it is"
        " your own service. shop/admin is skipped, because it is annotated to be ignored. shop/cache is not eligible,"
        " because its type is ClusterIP."
    )
    calls.with_mirror(stage)


def _a_change(stage: Stage) -> None:
    terminal.heading("The remote changes")
    terminal.say("node-c is lost. Then shop/web moves to node port 30180, and shop/coupons is deleted.")
    with calls.counted(stage) as periods:
        periods.go_on(calls.BEFORE)
        periods.go_on(calls.LOST_NODE, lambda: _lose_node(stage))
        periods.go_on(calls.MOVED, lambda: change(stage.remote))
        terminal.line()
        terminal.table(tables.NODE_TITLES, tables.nodes(stage.remote.api))
        _see_the_change(stage)
        periods.go_on(calls.AFTER)


def _lose_node(stage: Stage) -> None:
    silence(stage.remote)
    if stage.traffic:
        stage.traffic.lose_node()


def _see_the_change(stage: Stage) -> None:
    stage.run("--dry-run", "--detailed-exitcode", exit_code=4, plan=SECOND)
    terminal.line()
    terminal.say("With --detailed-exitcode, exit code 4 means that there are changes. Now the same without --dry-run:")
    stage.run(exit_code=0, plan=SECOND)
    _show_local(stage, expected.after_second(stage.places))
    if stage.traffic:
        stage.traffic.settle()


def _nothing_to_do(stage: Stage) -> None:
    terminal.heading("One more run: there is nothing to do, so nothing is written")
    stage.run(exit_code=0, plan=LEFT)
    _show_local(stage, expected.after_second(stage.places))


def _show_local(stage: Stage, wanted: list[tables.Row]) -> None:
    found = tables.local_services(stage.local.api)
    terminal.line()
    terminal.table(tables.LOCAL_TITLES, found)
    expect("what the local cluster holds", found, wanted)
