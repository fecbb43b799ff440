"""What the user asked for, as values. Pure."""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from barrelman_sync.model.selector import Selector

IGNORED_NAMESPACES = frozenset({"kube-system"})

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class Output(StrEnum):
    """The form of what goes to stdout."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


class LogFormat(StrEnum):
    """The form of a line of the log."""

    TEXT = "text"
    JSON = "json"


class Color(StrEnum):
    """When text is colored."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """A cluster by a kubeconfig; None stands for the default file and its current context."""

    path: str | None = None
    context: str | None = None


class RemoteEndpoint(StrEnum):
    """By which of its addresses a GKE control plane is reached."""

    AUTO = "auto"
    PUBLIC = "public"
    PRIVATE = "private"
    DNS = "dns"


@dataclass(frozen=True, slots=True)
class GkeCluster:
    """A cluster by its name in Google Cloud; `location` is a zone or a region."""

    project: str
    location: str
    name: str
    endpoint: RemoteEndpoint = RemoteEndpoint.AUTO
    impersonate: str | None = None
    """The service account to act as."""


@dataclass(frozen=True, slots=True)
class InCluster:
    """The cluster that we run in, by the pod's service account."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the user wants mirrored, and as what."""

    source: str
    """The name of the remote, see `--remote-name`."""
    adopted_source: str | None = None
    """A former name whose objects are taken over, see `--adopt-source`."""
    ignored_namespaces: frozenset[str] = IGNORED_NAMESPACES
    include_loadbalancers: bool = False
    nodeports: bool = False
    """Mirrors are of type NodePort with the remote's node ports, see `--nodeportsvc`."""
    create_namespaces: bool = True

    def is_this_source(self, source: str | None) -> bool:
        """Whether an object that names this source is of this run's source; the original's objects name none."""
        return source in (None, self.source, self.adopted_source)


@dataclass(frozen=True, slots=True)
class NodeRules:
    """What the user asks of a node, beside the fixed rules."""

    selector: Selector = ()
    allowed: tuple[IPNetwork, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointRules:
    """What the user wants of endpoints."""

    slices: bool = False
    """EndpointSlices instead of Endpoints."""
    max_endpoints: int = 250
    """Endpoints of a Service; 0 for all nodes."""


DEFAULT_NUMBER = 10
DEFAULT_PERCENT = 30.0


@dataclass(frozen=True, slots=True)
class DeleteLimit:
    """How many Services a run may take from callers: a number, or a percentage of the managed ones, rounded down.

    With both, whichever allows more.
    """

    number: int | None = DEFAULT_NUMBER
    percent: float | None = DEFAULT_PERCENT

    def of(self, managed: int) -> int:
        """The limit for that many managed Services."""
        return max(self.number or 0, int(managed * (self.percent or 0) // 100))


@dataclass(frozen=True, slots=True)
class Safety:
    """What the user allows a run to delete."""

    limit: DeleteLimit = DeleteLimit()
    allow_mass_delete: bool = False


@dataclass(frozen=True, slots=True)
class RunRules:
    """How a run goes about its work."""

    preflight: bool = False
    """Only try what a run needs."""
    dry_run: bool = False
    detailed_exitcode: bool = False
    output: Output = Output.TEXT
    color: Color = Color.AUTO
    expected_plan: str | None = None
    """The only fingerprint whose plan may be carried out; None for any."""
    timeout: float = 45.0
    """Seconds for the whole run."""
    concurrency: int = 8


@dataclass(frozen=True, slots=True)
class MetricsRules:
    """Where a run leaves its metrics; None for nowhere."""

    file: str | None = None
    pushgateway: str | None = None
    """The URL."""

    @property
    def wanted(self) -> bool:
        """Whether there are any."""
        return bool(self.file or self.pushgateway)


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the user asked for."""

    local: Kubeconfig | InCluster
    remote: Kubeconfig | GkeCluster
    scope: Scope
    """Its `source` is empty where `--remote-name` was not given, see `remote_name`."""
    nodes: NodeRules = NodeRules()
    endpoints: EndpointRules = EndpointRules()
    safety: Safety = Safety()
    run: RunRules = RunRules()
    metrics: MetricsRules = MetricsRules()

    def remote_name(self, current_context: str | None = None) -> str:
        """The name of the remote: `--remote-name`, else that of the GKE cluster, else that of the context.

        A kubeconfig says which context is the current one; empty where that is not known (yet) and nothing else is.
        """
        own = self.remote.name if isinstance(self.remote, GkeCluster) else self.remote.context or current_context
        return self.scope.source or own or ""
