"""Asks a cluster what we are allowed to do. Only a preflight asks; a run simply tries."""

from collections.abc import Mapping

import msgspec
from lightkube.core.resource import ApiInfo, GlobalResource, ResourceDef

from barrelman_sync.cluster.client import ClusterClient


class _Status(msgspec.Struct):
    allowed: bool = False


class AccessReview(msgspec.Struct, GlobalResource):
    """The answer to a question about the permissions of whoever asks; every authenticated user may ask."""

    _api_info = ApiInfo(
        ResourceDef("authorization.k8s.io", "v1", "SelfSubjectAccessReview"), "selfsubjectaccessreviews", ["post"]
    )

    status: _Status = msgspec.field(default_factory=_Status)


def is_allowed(client: ClusterClient, attributes: Mapping[str, str]) -> bool:
    """Whether we may do this in all namespaces, according to a SelfSubjectAccessReview. Raises ClusterError.

    The attributes are verb, resource, group and name (ResourceAttributes in authorization/v1 types.go); empty ones are
    not sent. A SelfSubjectRulesReview would not do: its answer lacks the permissions of webhook authorizers, and so of
    GKE's IAM.
    """
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {name: value for name, value in attributes.items() if value}},
    }
    return client.ask(AccessReview, body).status.allowed
