"""Asks a cluster for our permissions, for the preflight. A run does not ask: its requests fail where one is missing."""

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.resources import AccessReview
from barrelman_sync.preflight.permissions import Need


def is_allowed(client: ClusterClient, need: Need) -> bool:
    """Whether we have this permission, in all namespaces, by a SelfSubjectAccessReview. Raises ClusterError.

    A SelfSubjectRulesReview would be one request for all, but leaves out webhook authorizers, such as GKE's IAM.
    """
    attributes = {"verb": need.verb, "resource": need.resource, "group": need.group, "name": need.name}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {name: value for name, value in attributes.items() if value}},
    }
    return client.ask(AccessReview, body).status.allowed
