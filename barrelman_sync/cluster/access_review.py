"""Asks a cluster who we are and what we are allowed to do. Only a preflight asks; a run simply tries."""

from collections.abc import Mapping
from typing import Any

import msgspec
from lightkube.core.resource import ApiInfo, GlobalResource, ResourceDef

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError, NotTriedError

_UNAUTHORIZED = 401


class _Status(msgspec.Struct):
    allowed: bool = False


class AccessReview(msgspec.Struct, GlobalResource):
    """The answer to a question about the permissions of whoever asks; every authenticated user may ask."""

    _api_info = ApiInfo(
        ResourceDef("authorization.k8s.io", "v1", "SelfSubjectAccessReview"), "selfsubjectaccessreviews", ["post"]
    )

    status: _Status = msgspec.field(default_factory=_Status)


class _UserInfo(msgspec.Struct):
    username: str = ""


class _Subject(msgspec.Struct, rename="camel"):
    user_info: _UserInfo = msgspec.field(default_factory=_UserInfo)


class SubjectReview(msgspec.Struct, GlobalResource):
    """The answer to the question who asks (Kubernetes 1.28 and later); every authenticated user may ask."""

    _api_info = ApiInfo(ResourceDef("authentication.k8s.io", "v1", "SelfSubjectReview"), "selfsubjectreviews", ["post"])

    status: _Subject = msgspec.field(default_factory=_Subject)


def is_allowed(client: ClusterClient, attributes: Mapping[str, str]) -> bool:
    """Whether we may do this in all namespaces, according to a SelfSubjectAccessReview. Raises ClusterError.

    The attributes are verb, resource, group and name (ResourceAttributes in authorization/v1 types.go); empty ones are
    not sent. A SelfSubjectRulesReview would not do: its answer lacks the permissions of webhook authorizers, and so of
    GKE's IAM.
    """
    spec = {"resourceAttributes": {name: value for name, value in attributes.items() if value}}
    return client.ask(
        AccessReview, _question("authorization.k8s.io", "SelfSubjectAccessReview", spec=spec)
    ).status.allowed


def account_name(client: ClusterClient) -> str:
    """The name by which the cluster knows us; empty if the cluster does not tell."""
    try:
        answer = client.ask(SubjectReview, _question("authentication.k8s.io", "SelfSubjectReview"))
    except ClusterError:
        return ""
    return answer.status.user_info.username


def has_answered(error: ClusterError) -> bool:
    """Whether the cluster knows us and answered, though not as we wished, so that it will answer other questions."""
    no_request = isinstance(error, NotTriedError) or error.status == _UNAUTHORIZED
    no_answer = error.status is None and error.__cause__ is not None
    return not (no_request or no_answer)


def _question(group: str, kind: str, **content: Any) -> Mapping[str, Any]:
    return {"apiVersion": f"{group}/v1", "kind": kind, **content}
