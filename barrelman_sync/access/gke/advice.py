"""Advice for a user whose GKE control plane does not answer or refuses us, with the gcloud commands to run. Pure."""

from barrelman_sync.access.gke.endpoint import Endpoint
from barrelman_sync.model.errors import Advice
from barrelman_sync.model.settings import GkeCluster, RemoteEndpoint

ACT_AS_GOOGLE_ACCOUNT = (
    "kubectl annotate serviceaccount NAME --namespace NAMESPACE iam.gke.io/gcp-service-account=ACCOUNT; gcloud iam"
    " service-accounts add-iam-policy-binding ACCOUNT --role roles/iam.workloadIdentityUser --member"
    " 'serviceAccount:POOL_PROJECT.svc.id.goog[NAMESPACE/NAME]'"
)
"""The commands that let the Kubernetes service account of a pod act as a Google one."""

_WORKLOAD_METADATA = (
    "This is the default account of the nodes, which all pods of a node pool without workload metadata share: enable"
    " it with gcloud container node-pools update POOL --cluster CLUSTER --location LOCATION"
    " --workload-metadata=GKE_METADATA (in the cluster of this pod), then let the pod act as a Google service account"
    f" of its own: {ACT_AS_GOOGLE_ACCOUNT}."
)
_FEDERATED = "{email} is the federated account of a pod that acts as no Google service account"
_ROLE = "roles/container.clusterViewer"


def advice_for(cluster: GkeCluster, endpoint: Endpoint, email: str | None) -> Advice:
    """The advice for a cluster that is reached at this endpoint, as the account with this email address."""
    who = email or "this account"
    unknown = _unknown_to_control_planes(email)
    bind = f"Bind the role in rbac-remote.yaml to {who}"
    easier = f"grant the broader GKE role: {_binding(cluster.project, email, 'roles/container.viewer')}"
    nodes = f" {_WORKLOAD_METADATA}" if is_of_nodes(email) else ""
    return Advice(
        unreachable=(
            f"This is the {endpoint.kind} endpoint: check {_way(cluster, endpoint)}, or choose another one with"
            f" --remote-endpoint: gcloud container clusters describe {at(cluster)}"
        ),
        untrusted=f"A proxy on the way to the {endpoint.kind} endpoint seems to present its own certificate.",
        refused=(unknown or f"The server rejects Google's token for {who}: check that the account is enabled.{nodes}"),
        forbidden=unknown or f"{bind}, or {easier}{'.' if nodes else ''}{nodes}",
    )


def grant(project: str, email: str | None, role: str, *, lacks_scopes: bool) -> str:
    """How the account gets a role in the project of the cluster, so that Google's own APIs accept the account."""
    if is_federated(email):
        return (
            f"{_FEDERATED.format(email=email)}, and GKE's control planes do not accept it. Let the pod act as a Google"
            f" service account: {ACT_AS_GOOGLE_ACCOUNT}. Then: {_binding(project, 'ACCOUNT', role)}"
        )
    if is_of_nodes(email) or lacks_scopes:
        return f"{_WORKLOAD_METADATA} Then: {_binding(project, 'ACCOUNT', role)}"
    return f"Grant the permission: {_binding(project, email, role)}"


def account_title(email: str | None) -> str:
    """The account in words, for somebody who checks whether it is the right one."""
    if is_federated(email):
        return f"{email} (federated: the pod acts as no Google service account)"
    if is_of_nodes(email):
        return f"{email} (the default account of the nodes, not one of the pod's own)"
    return email or "unknown (not a service account)"


def at(cluster: GkeCluster) -> str:
    """The cluster, as arguments of gcloud."""
    return f"{cluster.name} --location {cluster.location} --project {cluster.project}"


def is_federated(email: str | None) -> bool:
    """Whether this is the workload pool of a pod without Google service account. It stands for a principal://."""
    return bool(email and email.endswith(".svc.id.goog"))


def is_of_nodes(email: str | None) -> bool:
    """Whether this is the account that Compute Engine gives to nodes if nobody chooses another one."""
    return bool(email and email.endswith("-compute@developer.gserviceaccount.com"))


def _unknown_to_control_planes(email: str | None) -> str:
    """The advice for an account that Google's APIs know, but the API servers of clusters do not; empty for others."""
    if not is_federated(email):
        return ""
    return (
        f"{_FEDERATED.format(email=email)}. Google's own APIs accept it once a principal:// has a role; GKE's control"
        f" planes do not. Let the pod act as a Google service account: {ACT_AS_GOOGLE_ACCOUNT}."
        f" Give that account {_ROLE} and the role in rbac-remote.yaml."
    )


def _way(cluster: GkeCluster, endpoint: Endpoint) -> str:
    """What has to be open between us and the endpoint."""
    match endpoint.kind:
        case RemoteEndpoint.DNS:
            return "that *.gke.goog is resolvable and reachable from here"
        case RemoteEndpoint.PRIVATE:
            return (
                "that this run is in an authorized network that is the cluster's or connected to it, and, if this run"
                f" is in another region, that the endpoint has global access (gcloud container clusters update"
                f" {at(cluster)} --enable-master-global-access)"
            )
        case _:
            return "that the cluster's authorized networks include the address of this run"


def _binding(project: str, email: str | None, role: str) -> str:
    member = f"serviceAccount:{email}" if email else "user:ACCOUNT"
    return f"gcloud projects add-iam-policy-binding {project} --member {member} --role {role}"
