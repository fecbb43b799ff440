"""From the name of a GKE cluster to its address, its certificate authority and a token for it."""

from collections.abc import Callable
from typing import TypeVar

from barrelman_sync.access.gke.advice import account_title, advice_for
from barrelman_sync.access.gke.container import describe
from barrelman_sync.access.gke.credentials import Account, own_credentials
from barrelman_sync.access.gke.endpoint import Endpoint, endpoints
from barrelman_sync.access.gke.metadata import is_needed, wait_for_metadata_server
from barrelman_sync.access.gke.problems import late, no_endpoint, not_usable
from barrelman_sync.access.gke.transport import Http
from barrelman_sync.access.gke.universe import check_addresses
from barrelman_sync.access.token import TokenAccess
from barrelman_sync.deadline import Deadline, TimeOverError
from barrelman_sync.model.settings import GkeCluster

USABLE = frozenset({"RUNNING", "RECONCILING", "DEGRADED"})
"""The states in which the control plane answers, or soon will again. A cluster is RECONCILING during an upgrade."""

T = TypeVar("T")


def locate(cluster: GkeCluster, deadline: Deadline) -> TokenAccess:
    """How to reach the cluster. Waits for all of Google no longer than until the deadline.

    Raises ConfigurationError if the user must change the configuration, RunError for everything else.
    """
    check_addresses()
    from_pod = is_needed() and wait_for_metadata_server(deadline)
    http = Http(deadline)

    def bounded(work: Callable[[], T]) -> T:
        try:
            return deadline.bound(work)
        except TimeOverError as error:
            raise late(http.asked, http.fault, str(error)) from error

    own = bounded(lambda: own_credentials(cluster, deadline, by_metadata_server=from_pod))
    account = Account(cluster, http, own)
    token, endpoint = bounded(lambda: _find(cluster, account, http))
    return TokenAccess(
        name=cluster.name,
        server=endpoint.server,
        authority=endpoint.authority,
        token=token,
        renew=lambda: bounded(account.renew),
        advice=advice_for(cluster, endpoint, account.email),
        account=account_title(account.email),
    )


def _find(cluster: GkeCluster, account: Account, http: Http) -> tuple[str, Endpoint]:
    account.renew()
    found = describe(cluster, account, http)
    if found.get("status") not in USABLE:
        raise not_usable(cluster, found)
    offered = endpoints(found)
    chosen = next(iter(offered.values()), None) if cluster.endpoint == "auto" else offered.get(cluster.endpoint)
    if chosen is None:
        raise no_endpoint(cluster, offered)
    return account.token, chosen
