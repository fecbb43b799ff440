"""Advice for a user whose GKE control plane does not answer or refuses us, with the gcloud commands to run. Pure."""

from barrelman_sync.access.gke.endpoint import Endpoint
from barrelman_sync.model.errors import Advice
from barrelman_sync.model.settings import GkeCluster, RemoteEndpoint

_WAYS = {
    RemoteEndpoint.PUBLIC: "that the cluster's authorized networks include the address of this run",
    RemoteEndpoint.DNS: "that *.gke.goog is resolvable and reachable from here",
    RemoteEndpoint.PRIVATE: "that this run is in an authorized network that is the cluster's or connected to it",
}


def advice_for(cluster: GkeCluster, endpoint: Endpoint, email: str | None) -> Advice:
    """The advice for a cluster that is reached at this endpoint, as the account with this email address."""
    describe = f"gcloud container clusters describe {at(cluster)}"
    grant = f"gcloud projects add-iam-policy-binding {cluster.project} --member {member_of(email)}"
    by_dns = " and the IAM permission container.clusters.connect" if endpoint.kind is RemoteEndpoint.DNS else ""
    return Advice(
        unreachable=(
            f"This is the {endpoint.kind} endpoint: check {_WAYS[endpoint.kind]}, or choose another one with"
            f" --remote-endpoint: {describe}"
        ),
        untrusted=f"A proxy on the way to the {endpoint.kind} endpoint seems to present its own certificate.",
        refused=f"The server rejects Google's token for {email or 'this account'}: check that the account is enabled.",
        forbidden=(
            f"Bind the role in rbac-remote.yaml{by_dns} to {email or 'this account'}, or grant the broader GKE role:"
            f" {grant} --role roles/container.viewer"
        ),
    )


def at(cluster: GkeCluster) -> str:
    """The cluster, as arguments of gcloud."""
    return f"{cluster.name} --location {cluster.location} --project {cluster.project}"


def member_of(email: str | None) -> str:
    """The account, as a member of an IAM policy.

    The account of a pod without a Google service account is its workload pool; the names in capitals are for the user.
    """
    if email is None:
        return "user:ACCOUNT"
    if email.endswith(".svc.id.goog"):
        subject = f"workloadIdentityPools/{email}/subject/ns/NAMESPACE/sa/NAME"
        return f"principal://iam.googleapis.com/projects/NUMBER/locations/global/{subject}"
    return f"serviceAccount:{email}"
