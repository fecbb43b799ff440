"""What the user asked for, as values. Pure."""

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from barrelman_sync.model.names import Key, Origin
from barrelman_sync.model.selector import Selector

IGNORED_NAMESPACES = frozenset({"kube-system"})

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class Output(StrEnum):
    """The format of stdout."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


class LogFormat(StrEnum):
    """The format of the log on stderr."""

    TEXT = "text"
    JSON = "json"


class Color(StrEnum):
    """When to color text."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """A cluster that a kubeconfig names. None means the default file, and the file's current context."""

    path: str | None = None
    context: str | None = None


class RemoteEndpoint(StrEnum):
    """Which endpoint of a GKE control plane we connect to, see `--remote-endpoint`."""

    AUTO = "auto"
    PUBLIC = "public"
    PRIVATE = "private"
    DNS = "dns"


@dataclass(frozen=True, slots=True)
class GkeCluster:
    """A cluster that is found by its name in Google Cloud. `location` is a zone or a region."""

    project: str
    location: str
    name: str
    endpoint: RemoteEndpoint = RemoteEndpoint.AUTO
    impersonate: str | None = None
    """The address of the Google service account to impersonate."""


@dataclass(frozen=True, slots=True)
class InCluster:
    """The cluster that our own pod runs in. We connect as the pod's service account."""


class Whose(Enum):
    """Whose an object of ours is, seen from this run."""

    THIS_SOURCE = auto()
    """This remote's: the run may write the object."""
    OTHER_CLUSTER = auto()
    """Of another cluster that has our name: there are two of this name, or the remote was made anew."""
    OTHER_NAME = auto()
    """Of this very cluster, under another name."""
    OTHER_SOURCE = auto()


@dataclass(frozen=True, slots=True)
class Scope:
    """Which Services to mirror, and what the mirrors are like."""

    source: str
    """The name of the remote, see `--remote-name`."""
    source_uid: str = ""
    """The uid of the remote's namespace kube-system. Empty until the run has read the uid."""
    default_name: str | None = None
    """The name of the remote's context, if `source` was taken from this name."""
    adopted_source: str | None = None
    """A former name of the remote, whose objects we take over, see `--adopt-source`."""
    namespaces: frozenset[str] = frozenset()
    """Only these namespaces are of interest, see `--namespace`; if there are none, all are."""
    ignored_namespaces: frozenset[str] = IGNORED_NAMESPACES
    service_selector: Selector = ()
    """Only remote Services whose labels match are eligible, see `--service-selector`."""
    include_loadbalancers: bool = False
    nodeports: bool = False
    """Mirrors get type NodePort and the node ports of the remote Service, see `--nodeportsvc`."""
    create_namespaces: bool = True

    def covers(self, namespace: str) -> bool:
        """Whether the namespace is one of those that `--namespace` names, if it names any."""
        return not self.namespaces or namespace in self.namespaces

    @property
    def origin(self) -> Origin:
        """What objects of this run say about where they are from."""
        return Origin(self.source, self.source_uid or None)

    def whose(self, origin: Origin) -> Whose:
        """Whose an object of this origin is.

        | name | uid | whose |
        |---|---|---|
        | adopted | any | ours: the user said so |
        | ours, or none | absent, or this remote's | ours |
        | ours | another | another cluster's |
        | the whole context, from which our name was taken | absent, or this remote's | ours: the former default |
        | another | this remote's | this cluster's, under another name |
        | another, or none | another | another source's |
        """
        uid = origin.uid or self.source_uid
        match origin.name:
            case None | self.source | self.default_name if uid == self.source_uid:
                return Whose.THIS_SOURCE
            case self.adopted_source if origin.name:
                return Whose.THIS_SOURCE
            case self.source:
                return Whose.OTHER_CLUSTER
            case _:
                return Whose.OTHER_NAME if origin.uid == self.source_uid else Whose.OTHER_SOURCE


@dataclass(frozen=True, slots=True)
class NodeRules:
    """Which remote nodes the user allows. The fixed rules of `planning.nodes` apply as well."""

    selector: Selector = ()
    allowed: tuple[IPNetwork, ...] = ()
    """A node's address must be in one of these networks. Without networks, any address is allowed."""
    use_excluded: bool = False
    """Use nodes although a label excludes them from load balancers, see `--use-excluded-nodes`."""


@dataclass(frozen=True, slots=True)
class EndpointRules:
    """How the user wants endpoints to be written."""

    slices: bool = False
    """Write EndpointSlices instead of Endpoints."""
    max_endpoints: int = 250
    """At most this many nodes for each Service; 0 means no limit."""
    prefer_same_zone: bool = False
    """Slices only: endpoints say in which zone their node is, see `--prefer-same-zone`."""


DEFAULT_NUMBER = 10
DEFAULT_PERCENT = 30.0


@dataclass(frozen=True, slots=True)
class DeleteLimit:
    """How many Services a run may remove: a number, or a percentage of the managed services, rounded down.

    If both are set, the larger one counts.
    """

    number: int | None = DEFAULT_NUMBER
    percent: float | None = DEFAULT_PERCENT

    def of(self, managed: int) -> int:
        """The limit as a number of Services, given how many are managed."""
        return max(self.number or 0, int(managed * (self.percent or 0) // 100))


@dataclass(frozen=True, slots=True)
class Safety:
    """How much the user allows a run to delete, and when."""

    limit: DeleteLimit = DeleteLimit()
    allow_mass_delete: bool = False
    delete_grace: float = 0.0
    """Seconds that a mirror which is no longer wanted waits for its delete, see `--delete-grace`."""


@dataclass(frozen=True, slots=True)
class RunRules:
    """What a run does, and how."""

    preflight: bool = False
    """Only test access, permissions and node ports, see `--preflight`."""
    explain: Key | None = None
    """Only tell the story of this Service, see `--explain`."""
    dry_run: bool = False
    detailed_exitcode: bool = False
    output: Output = Output.TEXT
    quiet: bool = False
    """Print only changes, failures and what is held back, and the summary, see `--quiet`."""
    color: Color = Color.AUTO
    expected_plan: str | None = None
    """The fingerprint that the plan must have, see `--expect-plan`; None allows any plan."""
    timeout: float = 45.0
    """Seconds for the whole run."""
    concurrency: int = 8
    """How many Services are written at the same time."""


@dataclass(frozen=True, slots=True)
class MetricsRules:
    """Where a run writes its metrics: a file, the URL of a Pushgateway, both or neither."""

    file: str | None = None
    pushgateway: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether the user wants metrics at all."""
        return bool(self.file or self.pushgateway)


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the user asked for."""

    local: Kubeconfig | InCluster
    remote: Kubeconfig | GkeCluster
    scope: Scope
    """`scope.source` is empty if `--remote-name` was not given, until `access.connect.with_remote_name` sets it."""
    nodes: NodeRules = NodeRules()
    endpoints: EndpointRules = EndpointRules()
    safety: Safety = Safety()
    run: RunRules = RunRules()
    metrics: MetricsRules = MetricsRules()

    def remote_name(self, current_context: str | None = None) -> str:
        """The name of the remote: `--remote-name`, else the name of the cluster that is or that the context names.

        The kubeconfig tells the current context. The result is empty if the name depends on `current_context`, and
        that is not given.
        """
        return self.scope.source or cluster_name(self.remote_context(current_context))

    def remote_context(self, current_context: str | None = None) -> str:
        """The name of the GKE cluster, or else of the context."""
        if isinstance(self.remote, GkeCluster):
            return self.remote.name
        return self.remote.context or current_context or ""


_CONTEXTS = re.compile("gke_[^_]+_[^_]+_(?P<gke>[^_]+)|arn:[^:]+:eks:[^:]*:[^:]*:cluster/(?P<eks>.+)")


def cluster_name(context: str) -> str:
    """The name of the cluster, if gcloud or the AWS CLI made the context; otherwise the context.

    So a review on a laptop means the same remote as the CronJob, which knows the cluster by its name.
    """
    found = _CONTEXTS.fullmatch(context)
    return (found["gke"] or found["eks"]) if found else context
