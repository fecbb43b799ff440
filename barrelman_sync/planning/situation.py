"""All that a plan depends on, and the questions that its parts ask of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from barrelman_sync.model.local import Local, LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import Family, Key
from barrelman_sync.model.remote import ServingNodes
from barrelman_sync.model.settings import EndpointRules, Scope
from barrelman_sync.planning.desired import Desired
from barrelman_sync.planning.nodes import NodeChoice


@dataclass(frozen=True, slots=True)
class Situation:
    """What is there, what the remote asks for, which nodes take part, and what the user wants."""

    local: Local
    desired: Desired
    nodes: NodeChoice
    scope: Scope
    rules: EndpointRules = EndpointRules()
    serving: Mapping[Key, ServingNodes] | None = field(default_factory=dict)
    """For Services with local traffic policy; None if the remote's EndpointSlices could not be read."""

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

    def families(self, live: LocalService | None) -> tuple[Family, ...]:
        """The families of a Service, the primary one first.

        A new one gets that of the API server's own Service, which every cluster has.
        """
        known = live or self.local.services.get(Key("default", "kubernetes"))
        return (known.families if known else ()) or ("IPv4",)

    def slices(self, service: Key) -> tuple[LocalSlice, ...]:
        """The slices of a Service that are ours or left behind."""
        return self.local.slices.get(service, ())

    def managed(self, service: Key) -> tuple[LocalEndpoints | LocalSlice, ...]:
        """Its endpoints that still say that we manage them, whichever remote they are from."""
        endpoints = self.local.endpoints.get(service)
        found = (*((endpoints,) if endpoints else ()), *self.slices(service))
        return tuple(each for each in found if each.managed_by_us)

    def ours(self, service: Key) -> tuple[LocalEndpoints | LocalSlice, ...]:
        """Of these, this run's."""
        return tuple(each for each in self.managed(service) if self.scope.covers(each.source))

    def present_addresses(self, service: Key) -> frozenset[str]:
        """The addresses that our endpoints of a Service have now."""
        return frozenset(chain.from_iterable(found.addresses for found in self.ours(service)))

    def serving_remote(self, live: LocalService) -> str | None:
        """The remote that serves a manual service: the one that it names, or else the first that wrote endpoints."""
        endpoints = self.local.endpoints.get(live.key)
        writers = [endpoints.source if endpoints else None, *(found.source for found in self.slices(live.key))]
        return live.source or next((writer for writer in writers if writer), None)
