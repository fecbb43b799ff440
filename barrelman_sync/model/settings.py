"""What the user asked for, as values. Pure."""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Scope:
    """Which Services to mirror, and what the mirrors are like."""

    source: str
    """The name of the remote, see `--remote-name`."""
    adopted_source: str | None = None
    """A former name of the remote, whose objects we take over, see `--adopt-source`."""
    ignored_namespaces: frozenset[str] = IGNORED_NAMESPACES
    include_loadbalancers: bool = False
    nodeports: bool = False
    """Mirrors get type NodePort and the node ports of the remote Service, see `--nodeportsvc`."""
    create_namespaces: bool = True

    def is_this_source(self, source: str | None) -> bool:
        """Whether an object that names `source` is of this run's source. Objects of the original name none (None)."""
        return source in (None, self.source, self.adopted_source)


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
    """How much the user allows a run to delete."""

    limit: DeleteLimit = DeleteLimit()
    allow_mass_delete: bool = False


@dataclass(frozen=True, slots=True)
class RunRules:
    """What a run does, and how."""

    preflight: bool = False
    """Only test access, permissions and node ports, see `--preflight`."""
    dry_run: bool = False
    detailed_exitcode: bool = False
    output: Output = Output.TEXT
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
        """The name of the remote: `--remote-name`, else the name of the GKE cluster, else the name of the context.

        The kubeconfig tells the current context. The result is empty if the name depends on `current_context`, and
        that is not given.
        """
        own = self.remote.name if isinstance(self.remote, GkeCluster) else self.remote.context or current_context
        return self.scope.source or own or ""
