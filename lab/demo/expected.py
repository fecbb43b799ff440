"""What the story promises: the lines of the plans, and what the local cluster holds."""

from __future__ import annotations

from lab.demo.tables import Row
from lab.demo.world import Places

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


def before(places: Places) -> list[Row]:
    """Return what the local cluster holds before the first run."""
    return [_ledger("none"), _search(places)]


def after_first(places: Places) -> list[Row]:
    """Return what the local cluster holds after the first run."""
    nodes = " ".join(places.nodes)
    coupons = ("shop", "coupons", "80/TCP -> 30082", nodes, "mirror")
    return [_ledger(nodes), _dns(nodes), coupons, _search(places), _web(30080, nodes)]


def after_second(places: Places) -> list[Row]:
    """Return what the local cluster holds after the run that saw the change."""
    nodes = " ".join(places.nodes[:2])
    return [_ledger(nodes), _dns(nodes), _search(places), _web(30180, nodes)]


def _ledger(nodes: str) -> Row:
    return ("billing", "ledger", "8080/TCP -> 30900", nodes, "manual service")


def _dns(nodes: str) -> Row:
    return ("infra", "dns", "53/TCP -> 30053, 53/UDP -> 30053", nodes, "mirror")


def _search(places: Places) -> Row:
    return ("shop", "search", "80/TCP -> 8080", places.search, "your own service")


def _web(node_port: int, nodes: str) -> Row:
    return ("shop", "web", f"80/TCP -> {node_port}", nodes, "mirror")
