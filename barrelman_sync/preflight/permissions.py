"""Which permissions a run needs in each cluster, and the RBAC rules that grant them. Pure.

rbac.yaml and rbac-remote.yaml grant the same permissions.
"""

from collections.abc import Iterable
from typing import NamedTuple

READ = ("get", "list")
WRITE = ("create", "patch", "delete")


class Need(NamedTuple):
    """The permission for one verb on all objects of a kind, or only on the object that is called `name`."""

    verb: str
    resource: str
    group: str = ""
    name: str = ""

    def __str__(self) -> str:
        name = f"/{self.name}" if self.name else ""
        return f"{self.verb} {self.resource}{'.' if self.group else ''}{self.group}{name}"


def local_needs(*, dry_run: bool, create_namespaces: bool) -> tuple[Need, ...]:
    """The permissions in the local cluster. Server-side apply needs `patch`, and `create` if the object is missing."""
    verbs = READ if dry_run else (*READ, *WRITE)
    namespaces = READ if dry_run or not create_namespaces else (*READ, "create", "patch")
    return (
        *(Need(verb, "namespaces") for verb in namespaces),
        *(Need(verb, "services") for verb in verbs),
        *(Need(verb, "endpoints") for verb in verbs),
        *(Need(verb, "endpointslices", "discovery.k8s.io") for verb in verbs),
    )


REMOTE_NEEDS = (
    Need("list", "nodes"),
    Need("list", "services"),
    Need("list", "endpointslices", "discovery.k8s.io"),
    Need("get", "namespaces", name="kube-system"),
)


def rbac_rules(missing: Iterable[Need]) -> str:
    """The lines of a ClusterRole that grant the missing permissions."""
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for need in missing:
        verbs.setdefault((need.group, need.resource, need.name), []).append(need.verb)
    return "\n".join(
        f'  - apiGroups: ["{group}"]\n    resources: [{resource}]\n'
        + (f"    resourceNames: [{name}]\n" if name else "")
        + f"    verbs: [{', '.join(wanted)}]"
        for (group, resource, name), wanted in verbs.items()
    )
