"""All that a plan depends on, as one value, and the questions that several modules ask of it. Pure."""

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
    """The local cluster, the mirrors that the remote asks for, the used nodes, and the user's settings."""

    local: Local
    desired: Desired
    nodes: NodeChoice
    scope: Scope
    rules: EndpointRules = EndpointRules()
    serving: Mapping[Key, ServingNodes] | None = field(default_factory=dict)
    """By Service with externalTrafficPolicy Local; None if the remote's EndpointSlices could not be read."""

    @classmethod
    def of(cls, local: Local, remote: Remote, settings: Settings) -> Self:
        """The situation of a run: both clusters as they were read, and the settings."""
        return cls(
            local=local,
            desired=desired_mirrors(remote.services, settings.scope, local.services),
            nodes=choose_nodes(remote.nodes, settings.nodes),
            scope=settings.scope,
            rules=settings.endpoints,
            serving=remote.serving,
        )

    def has_namespace(self, namespace: str) -> bool:
        """Whether the local cluster has the namespace."""
        return namespace in self.local.namespaces

    def families(self, live: LocalService | None) -> tuple[Family, ...]:
        """The IP families of a Service, the primary family first.

        A Service that does not exist yet (None) will get the families of the API server's own Service, which every
        cluster has.
        """
        known = live or self.local.services.get(Key("default", "kubernetes"))
        return (known.families if known else ()) or ("IPv4",)

    def slices(self, service: Key) -> tuple[LocalSlice, ...]:
        """The slices of a Service that are managed by us, or left over from when the Service had a selector."""
        return self.local.slices.get(service, ())

    def managed_endpoints(self, service: Key) -> tuple[LocalEndpoints | LocalSlice, ...]:
        """The endpoints of a Service that are managed by us, of whichever source."""
        endpoints = self.local.endpoints.get(service)
        found = (*((endpoints,) if endpoints else ()), *self.slices(service))
        return tuple(each for each in found if each.managed_by_us)

    def of_this_source(self, service: Key) -> tuple[LocalEndpoints | LocalSlice, ...]:
        """The endpoints of a Service that are managed by us and of this run's source."""
        return tuple(each for each in self.managed_endpoints(service) if self.scope.is_this_source(each.source))

    def present_addresses(self, service: Key) -> frozenset[str]:
        """The addresses that the Service's endpoints of this source have now."""
        return frozenset(chain.from_iterable(found.addresses for found in self.of_this_source(service)))

    def serving_source(self, live: LocalService) -> str | None:
        """The source that serves a manual service; None if there is none yet.

        That is the source that the Service's label names, or else the source of its endpoints.
        """
        endpoints = self.local.endpoints.get(live.key)
        writers = [endpoints.source if endpoints else None, *(found.source for found in self.slices(live.key))]
        return live.source or next((writer for writer in writers if writer), None)
