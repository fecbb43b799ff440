"""All that a plan depends on, and the questions that its parts ask of it. Pure."""

from dataclasses import dataclass

from barrelman_sync.desired import Desired, Scope
from barrelman_sync.model import Family, Key, Local, LocalService
from barrelman_sync.nodes import NodeChoice


@dataclass(frozen=True, slots=True)
class Situation:
    """What is there, what the remote asks for, which nodes take part, and what the user wants."""

    local: Local
    desired: Desired
    nodes: NodeChoice
    scope: Scope

    def hands_off(self, live: LocalService) -> str | None:
        """Why this local Service and its endpoints stay as they are, whatever the remote wants; None if nothing."""
        if live.key.namespace in self.scope.ignored_namespaces:
            return "in an ignored namespace"
        if live.ignored:
            return "annotated to be ignored"
        if live.deleting:
            return "is being deleted"
        return self.terminating(live.key.namespace)

    def terminating(self, namespace: str) -> str | None:
        """Why nothing is written to this namespace; None if it can be."""
        found = self.local.namespaces.get(namespace)
        return f"namespace {namespace} is terminating" if found and found.terminating else None

    def has_namespace(self, namespace: str) -> bool:
        """Whether the local cluster has it."""
        return namespace in self.local.namespaces

    @property
    def default_family(self) -> Family:
        """The family that a new Service gets: that of the API server's own, which every cluster has."""
        api_server = self.local.services.get(Key("default", "kubernetes"))
        return api_server.families[0] if api_server and api_server.families else "IPv4"
