"""All that a plan depends on, and the questions that the parts of a plan ask. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Self

from barrelman_sync.model.local import Local, LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import Family, Key
from barrelman_sync.model.remote import Remote, ServingNodes
from barrelman_sync.model.settings import EndpointRules, Scope, Settings
from barrelman_sync.planning.desired import Desired, desired_mirrors
from barrelman_sync.planning.nodes import NodeChoice, choose_nodes


@dataclass(frozen=True, slots=True)
class Situation:
    """What is there, what the remote asks for, which nodes are used, and what the user wants."""

    local: Local
    desired: Desired
    nodes: NodeChoice
    scope: Scope
    rules: EndpointRules = EndpointRules()
    serving: Mapping[Key, ServingNodes] | None = field(default_factory=dict)
    """For Services with local traffic policy; None if the remote's EndpointSlices could not be read."""

    @classmethod
    def of(cls, local: Local, remote: Remote, settings: Settings) -> Self:
        """What both clusters hold, seen with the settings of a run."""
        return cls(
            local=local,
            desired=desired_mirrors(remote.services, settings.scope),
            nodes=choose_nodes(remote.nodes, settings.nodes),
            scope=settings.scope,
            rules=settings.endpoints,
            serving=remote.serving,
        )

    def has_namespace(self, namespace: str) -> bool:
        """Whether the local cluster has the namespace."""
        return namespace in self.local.namespaces

    def families(self, live: LocalService | None) -> tuple[Family, ...]:
        """The families of a Service, the primary one first.

        A new one gets that of the API server's own Service, which every cluster has.
        """
        known = live or self.local.services.get(Key("default", "kubernetes"))
        return (known.families if known else ()) or ("IPv4",)

    def slices(self, service: Key) -> tuple[LocalSlice, ...]:
        """The slices of a Service that are managed by us, or left over from when the Service had a selector."""
        return self.local.slices.get(service, ())

    def managed(self, service: Key) -> tuple[LocalEndpoints | LocalSlice, ...]:
        """The endpoints of a Service that are managed by us, of whichever source."""
        endpoints = self.local.endpoints.get(service)
        found = (*((endpoints,) if endpoints else ()), *self.slices(service))
        return tuple(each for each in found if each.managed_by_us)

    def of_this_source(self, service: Key) -> tuple[LocalEndpoints | LocalSlice, ...]:
        """The endpoints of a Service that are managed by us and of this run's source."""
        return tuple(each for each in self.managed(service) if self.scope.is_this_source(each.source))

    def present_addresses(self, service: Key) -> frozenset[str]:
        """The addresses that our endpoints of a Service have now."""
        return frozenset(chain.from_iterable(found.addresses for found in self.of_this_source(service)))

    def serving_source(self, live: LocalService) -> str | None:
        """The source that serves a manual service: the one that its label names, or else the first that wrote."""
        endpoints = self.local.endpoints.get(live.key)
        writers = [endpoints.source if endpoints else None, *(found.source for found in self.slices(live.key))]
        return live.source or next((writer for writer in writers if writer), None)
