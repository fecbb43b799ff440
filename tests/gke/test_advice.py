"""What a user is told whom Google or a control plane refuses: it depends on the kind of account, and on who refuses."""

from __future__ import annotations

import pytest

from barrelman_sync.access.gke.advice import account_title, advice_for, grant
from barrelman_sync.access.gke.endpoint import Endpoint
from barrelman_sync.model.settings import GkeCluster, RemoteEndpoint
from tests.gke.google import ACCOUNT, CLUSTER, LOCATION, PROJECT

POOL = "callers.svc.id.goog"
NODES = "123-compute@developer.gserviceaccount.com"
VIEWER = f"gcloud projects add-iam-policy-binding {PROJECT} --member serviceAccount:{ACCOUNT} --role roles/container"
ANNOTATE = "kubectl annotate serviceaccount NAME --namespace NAMESPACE iam.gke.io/gcp-service-account=ACCOUNT"
ENABLE = "--workload-metadata=GKE_METADATA"
CLUSTER_OF = GkeCluster(PROJECT, LOCATION, CLUSTER)


def endpoint(kind: RemoteEndpoint) -> Endpoint:
    return Endpoint(kind, "https://10.0.0.1", None)


@pytest.mark.parametrize("kind", [RemoteEndpoint.PUBLIC, RemoteEndpoint.PRIVATE, RemoteEndpoint.DNS])
def test_an_account_of_google(kind: RemoteEndpoint) -> None:
    advice = advice_for(CLUSTER_OF, endpoint(kind), ACCOUNT)
    assert advice.refused == f"The server rejects Google's token for {ACCOUNT}: check that the account is enabled."
    assert f"to {ACCOUNT}, or grant the broader GKE role: {VIEWER}.viewer" in advice.forbidden
    assert grant(PROJECT, ACCOUNT, "roles/container.x", lacks_scopes=False) == f"Grant the permission: {VIEWER}.x"
    said = f"{advice} {account_title(ACCOUNT)}"
    assert not [word for word in ("container.clusters.connect", "annotate", ENABLE, "principal") if word in said]


def test_a_federated_account_is_refused_by_control_planes_whatever_it_is_granted() -> None:
    advice = advice_for(CLUSTER_OF, endpoint(RemoteEndpoint.PUBLIC), POOL)
    for text in (advice.refused, advice.forbidden):
        assert text.startswith(f"{POOL} is the federated account of a pod that acts as no Google service account. ")
        assert ANNOTATE in text
        assert "--member principal" not in text


def test_a_federated_account_is_not_sent_to_bind_itself() -> None:
    text = grant(PROJECT, POOL, "roles/container.clusterViewer", lacks_scopes=False)
    assert ANNOTATE in text
    assert text.endswith("--member serviceAccount:ACCOUNT --role roles/container.clusterViewer")
    assert "principal" not in text


def test_the_account_of_the_nodes() -> None:
    advice = advice_for(CLUSTER_OF, endpoint(RemoteEndpoint.PUBLIC), NODES)
    assert all(ENABLE in text for text in (advice.refused, advice.forbidden))
    assert ENABLE in grant(PROJECT, NODES, "roles/x", lacks_scopes=False)


def test_a_token_without_scopes() -> None:
    assert ENABLE in grant(PROJECT, ACCOUNT, "roles/x", lacks_scopes=True)


def test_only_a_private_endpoint_may_lack_global_access() -> None:
    said = {kind: advice_for(CLUSTER_OF, endpoint(kind), ACCOUNT).unreachable for kind in RemoteEndpoint}
    assert [kind for kind, text in said.items() if "--enable-master-global-access" in text] == ["private"]


@pytest.mark.parametrize(
    ("email", "title"),
    [
        (ACCOUNT, ACCOUNT),
        (POOL, f"{POOL} (federated: the pod acts as no Google service account)"),
        (NODES, f"{NODES} (the default account of the nodes, not one of the pod's own)"),
        (None, "unknown (not a service account)"),
    ],
)
def test_the_account_in_words(email: str | None, title: str) -> None:
    assert account_title(email) == title
