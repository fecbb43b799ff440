"""The story of the demo: a first run, a change in the remote cluster, and the runs after it."""

from __future__ import annotations

from lab.demo import tables, terminal
from lab.demo.stage import Stage, expect
from lab.demo.world import change

LEFT = {"! Service shop/admin", "! Service shop/search"}
FIRST = LEFT | {
    "+ Namespace infra",
    "+ Service infra/dns",
    "+ Endpoints infra/dns",
    "+ Service shop/web",
    "+ Endpoints shop/web",
    "+ Service shop/coupons",
    "+ Endpoints shop/coupons",
    "+ Endpoints billing/ledger",
}
SECOND = LEFT | {
    "~ Service shop/web",
    "~ Endpoints shop/web",
    "- Service shop/coupons",
    "- Endpoints shop/coupons",
    "~ Endpoints infra/dns",
    "~ Endpoints billing/ledger",
}
TWO_NODES = "10.0.0.11 10.0.0.12"
THREE_NODES = f"{TWO_NODES} 10.0.0.13"
DNS_PORTS = "53/TCP -> 30053, 53/UDP -> 30053"
SEARCH = ("shop", "search", "80/TCP -> 80", "10.9.0.1", "your own service")
BEFORE: list[tables.Row] = [("billing", "ledger", "8080/TCP -> 30900", "none", "manual service"), SEARCH]
AFTER_FIRST: list[tables.Row] = [
    ("billing", "ledger", "8080/TCP -> 30900", THREE_NODES, "manual service"),
    ("infra", "dns", DNS_PORTS, THREE_NODES, "mirror"),
    ("shop", "coupons", "80/TCP -> 30082", THREE_NODES, "mirror"),
    SEARCH,
    ("shop", "web", "80/TCP -> 30080", THREE_NODES, "mirror"),
]
AFTER_SECOND: list[tables.Row] = [
    ("billing", "ledger", "8080/TCP -> 30900", TWO_NODES, "manual service"),
    ("infra", "dns", DNS_PORTS, TWO_NODES, "mirror"),
    SEARCH,
    ("shop", "web", "80/TCP -> 30180", TWO_NODES, "mirror"),
]


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
    _show_local(stage, BEFORE)
    terminal.line()
    terminal.say(
        "shop/search is a service of your own, with a pod. billing/ledger is a manual service without pods: its"
        " label tfw.io/barrelman asks for endpoints on the remote's nodes, and its owner chose the node port."
    )


def _first_sync(stage: Stage) -> None:
    terminal.heading("The plan: --dry-run writes nothing")
    terminal.say("All commands run as the service accounts of rbac.yaml and rbac-remote.yaml.")
    stage.run("--dry-run", exit_code=0, plan=FIRST)
    _show_local(stage, BEFORE)
    terminal.heading("The sync")
    stage.run(exit_code=0, plan=FIRST)
    terminal.heading("The local cluster now")
    _show_local(stage, AFTER_FIRST)
    terminal.line()
    terminal.say(
        "A call to web.shop now goes to port 30080 of one of the remote's nodes. shop/search is left, because it is"
        " your own service. shop/admin is skipped, because it is annotated to be ignored. shop/cache is not eligible,"
        " because its type is ClusterIP."
    )


def _a_change(stage: Stage) -> None:
    terminal.heading("The remote changes")
    terminal.say("shop/web moves to node port 30180, shop/coupons is deleted, and node-c stops reporting.")
    terminal.line()
    change(stage.remote)
    terminal.table(tables.NODE_TITLES, tables.nodes(stage.remote.api))
    stage.run("--dry-run", "--detailed-exitcode", exit_code=4, plan=SECOND)
    terminal.line()
    terminal.say("With --detailed-exitcode, exit code 4 means that there are changes. Now the same without --dry-run:")
    stage.run(exit_code=0, plan=SECOND)
    _show_local(stage, AFTER_SECOND)


def _nothing_to_do(stage: Stage) -> None:
    terminal.heading("One more run: there is nothing to do, so nothing is written")
    stage.run(exit_code=0, plan=LEFT)
    _show_local(stage, AFTER_SECOND)


def _show_local(stage: Stage, wanted: list[tables.Row]) -> None:
    found = tables.local_services(stage.local.api)
    terminal.line()
    terminal.table(tables.LOCAL_TITLES, found)
    expect("what the local cluster holds", found, wanted)
