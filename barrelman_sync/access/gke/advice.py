"""What to do about a GKE control plane that does not answer or does not let us in, with gcloud's commands. Pure."""

from barrelman_sync.access.gke.endpoint import Endpoint
from barrelman_sync.model.errors import Advice
from barrelman_sync.model.settings import GkeCluster, RemoteEndpoint

_WAYS = {
    RemoteEndpoint.PUBLIC: "that the cluster's authorized networks let in the address that we come from",
    RemoteEndpoint.DNS: "that *.gke.goog can be resolved and reached from here",
    RemoteEndpoint.PRIVATE: "that we run in the cluster's network or a connected one, and in its authorized networks",
}


def advice_for(cluster: GkeCluster, endpoint: Endpoint, email: str | None) -> Advice:
    """The advice for one way to a cluster, as one account."""
    describe = f"gcloud container clusters describe {at(cluster)}"
    grant = f"gcloud projects add-iam-policy-binding {cluster.project} --member {member_of(email)}"
    by_dns = " and the IAM permission container.clusters.connect" if endpoint.kind is RemoteEndpoint.DNS else ""
    return Advice(
        unreachable=(
            f"This is its {endpoint.kind} endpoint: check {_WAYS[endpoint.kind]}, or choose another with"
            f" --remote-endpoint: {describe}"
        ),
        untrusted=f"Something between us and its {endpoint.kind} endpoint shows a certificate of its own.",
        refused=f"Google's token for {email or 'our account'} is refused: check that the account is not disabled.",
        forbidden=(
            f"Bind the role of rbac-remote.yaml{by_dns} to {email or 'our account'}, or give it more than that:"
            f" {grant} --role roles/container.viewer"
        ),
    )


def at(cluster: GkeCluster) -> str:
    """The cluster, as gcloud wants it."""
    return f"{cluster.name} --location {cluster.location} --project {cluster.project}"


def member_of(email: str | None) -> str:
    """The account as a member of an IAM policy; a pod that stands for itself has no address of its own."""
    if email is None:
        return "user:ACCOUNT"
    if email.endswith(".svc.id.goog"):
        subject = f"workloadIdentityPools/{email}/subject/ns/NAMESPACE/sa/NAME"
        return f"principal://iam.googleapis.com/projects/NUMBER/locations/global/{subject}"
    return f"serviceAccount:{email}"
