"""From the name of a GKE cluster to its address, its certificate authority and a token for it."""

from collections.abc import Callable
from typing import TypeVar

from barrelman_sync.access.gke.advice import advice_for
from barrelman_sync.access.gke.container import describe
from barrelman_sync.access.gke.credentials import Account
from barrelman_sync.access.gke.endpoint import Endpoint, endpoints
from barrelman_sync.access.gke.problems import late, no_endpoint, not_usable
from barrelman_sync.access.gke.transport import Http, TimeOverError, in_time
from barrelman_sync.access.token import TokenAccess
from barrelman_sync.model.settings import GkeCluster

USABLE = frozenset({"RUNNING", "RECONCILING", "DEGRADED"})
"""The states in which the control plane answers, or soon will again. A cluster is RECONCILING during an upgrade."""

T = TypeVar("T")


def locate(cluster: GkeCluster, over: Callable[[], str | None]) -> TokenAccess:
    """How to reach the cluster. `over` returns why the run is over, or None as long as the run goes on.

    Raises ConfigurationError if the user must change the configuration, RunError for everything else.
    """
    http = Http()

    def bounded(work: Callable[[], T]) -> T:
        try:
            return in_time(work, over, http)
        except TimeOverError as error:
            raise late(str(error)) from error

    account, token, endpoint = bounded(lambda: _find(cluster, http))
    return TokenAccess(
        name=cluster.name,
        server=endpoint.server,
        authority=endpoint.authority,
        token=token,
        renew=lambda: bounded(account.renew),
        advice=advice_for(cluster, endpoint, account.email),
    )


def _find(cluster: GkeCluster, http: Http) -> tuple[Account, str, Endpoint]:
    account = Account(cluster, http)
    account.renew()
    found = describe(cluster, account, http)
    if found.get("status") not in USABLE:
        raise not_usable(cluster, found)
    offered = endpoints(found)
    chosen = next(iter(offered.values()), None) if cluster.endpoint == "auto" else offered.get(cluster.endpoint)
    if chosen is None:
        raise no_endpoint(cluster, offered)
    return account, account.token, chosen
