"""What the user asked for, as values. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from barrelman_sync.planning.desired import Scope
from barrelman_sync.planning.guards import Safety
from barrelman_sync.planning.nodes import NodeRules
from barrelman_sync.planning.situation import EndpointRules


class Output(StrEnum):
    """The form of what goes to stdout."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


class Colour(StrEnum):
    """When text is coloured."""

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
class RunRules:
    """How a run goes about its work."""

    preflight: bool = False
    """Only try what a run needs."""
    dry_run: bool = False
    detailed_exitcode: bool = False
    output: Output = Output.TEXT
    colour: Colour = Colour.AUTO
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
    """Its `source` is empty where `--remote-name` was not given, until `sides.named_scope` fills it in."""
    nodes: NodeRules = NodeRules()
    endpoints: EndpointRules = EndpointRules()
    safety: Safety = Safety()
    run: RunRules = RunRules()
    metrics: MetricsRules = MetricsRules()
