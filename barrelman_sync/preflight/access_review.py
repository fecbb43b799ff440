"""What a cluster allows us to do, for the preflight: a run itself does not ask, it tries."""

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.resources import AccessReview
from barrelman_sync.preflight.permissions import Need


def is_allowed(client: ClusterClient, need: Need) -> bool:
    """Whether we may do this in all namespaces, by a SelfSubjectAccessReview. Raises ClusterError.

    Not by a SelfSubjectRulesReview: webhook authorizers, and so GKE's IAM, leave themselves out of it.
    """
    attributes = {"verb": need.verb, "resource": need.resource, "group": need.group, "name": need.name}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {name: value for name, value in attributes.items() if value}},
    }
    return client.ask(AccessReview, body).status.allowed
