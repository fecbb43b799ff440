"""What we may do in a cluster, for the preflight: a run itself does not ask, it tries."""

import msgspec
from lightkube.core.resource import ApiInfo, GlobalResource, ResourceDef

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.rights import Need


class _Status(msgspec.Struct):
    allowed: bool = False


class AccessReview(msgspec.Struct, GlobalResource):
    """The answer to a question about our own rights; every authenticated user may ask."""

    _api_info = ApiInfo(
        ResourceDef("authorization.k8s.io", "v1", "SelfSubjectAccessReview"), "selfsubjectaccessreviews", ["post"]
    )

    status: _Status = msgspec.field(default_factory=_Status)


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
