"""All that a plan depends on, as one value, and the questions that several modules ask of it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Self

from barrelman_sync.model.local import Local, LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import API_SERVER, Family, Key, Origin
from barrelman_sync.model.remote import Remote, ServingNodes
from barrelman_sync.model.settings import EndpointRules, Scope, Settings, Whose
from barrelman_sync.planning.desired import Desired, desired_mirrors
from barrelman_sync.planning.nodes import NodeChoice, choose_nodes
from barrelman_sync.planning.slice_names import at_new_mirrors


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
    grace: float = 0.0
    """Seconds that a mirror which is no longer wanted waits for its delete."""
    now: int = 0
    """The moment of the run. Nothing but the grace depends on it."""

    @classmethod
    def of(cls, local: Local, remote: Remote, settings: Settings, now: int) -> Self:
        """The situation of a run: both clusters as they were read, the settings, and the moment of the run."""
        scope = replace(settings.scope, source_uid=remote.uid)
        desired = desired_mirrors(remote.services, scope, local.services)
        new = desired.mirrors.keys() - local.services.keys()
        return cls(
            local=replace(local, slices=at_new_mirrors(local.slices, new)),
            desired=desired,
            nodes=choose_nodes(remote.nodes, settings.nodes, local.api_server),
            scope=scope,
            rules=settings.endpoints,
            serving=remote.serving,
            grace=settings.safety.delete_grace,
            now=now,
        )

    @property
    def zones(self) -> Mapping[str, str]:
        """The zones that endpoints get, by address: those of the nodes if the user asked for zones, otherwise none."""
        return self.nodes.zones if self.rules.prefer_same_zone else {}

    def has_namespace(self, namespace: str) -> bool:
        """Whether the local cluster has the namespace."""
        return namespace in self.local.namespaces

    def families(self, live: LocalService | None) -> tuple[Family, ...]:
        """The IP families of a Service, the primary family first.

        A Service that does not exist yet (None) will get the families of the API server's own Service, which every
        cluster has.
        """
        known = live or self.local.services.get(API_SERVER)
        return (known.families if known else ()) or ("IPv4",)

    def slices(self, service: Key) -> tuple[LocalSlice, ...]:
        """The slices of a Service that are managed by us, or left over from when the Service had a selector."""
        return self.local.slices.get(service, ())

    def managed_endpoints(self, service: Key) -> tuple[LocalEndpoints | LocalSlice, ...]:
        """The endpoints of a Service that are managed by us, of whichever source."""
        endpoints = self.local.endpoints.get(service)
        found = (*((endpoints,) if endpoints else ()), *self.slices(service))
        return tuple(each for each in found if each.managed_by_us)

    def is_of_this_source(self, live: LocalService | LocalEndpoints | LocalSlice) -> bool:
        """Whether the object is of this run's source."""
        return self.scope.whose(live.origin) is Whose.THIS_SOURCE

    def of_this_source(self, service: Key) -> tuple[LocalEndpoints | LocalSlice, ...]:
        """The endpoints of a Service that are managed by us and of this run's source."""
        return tuple(each for each in self.managed_endpoints(service) if self.is_of_this_source(each))

    def present_addresses(self, service: Key) -> frozenset[str]:
        """The addresses that the Service's endpoints of this source have now."""
        return frozenset(chain.from_iterable(found.addresses for found in self.of_this_source(service)))

    def serving_origin(self, live: LocalService) -> Origin:
        """The remote that serves a manual service; unsaid if there is none yet.

        That is the source that the Service's label names, or else that of its endpoints, which also say the uid.
        """
        origins = [found.origin for found in self.managed_endpoints(live.key) if found.origin != Origin()]
        named = live.origin.name
        return next((origin for origin in origins if named in (None, origin.name)), live.origin)


def name_in_use(local: Local, scope: Scope) -> str | None:
    """The name under which this very cluster is mirrored already; None if the run's name is right.

    The run's name is wrong only if it is a default and no object has it: the context got another name. Objects outside
    `--namespace` do not count: another run, with another name, may work there.
    """
    if scope.default_name is None:
        return None
    names: dict[Whose, str] = {}
    for origin in _origins(local, scope):
        if origin.name:
            names.setdefault(scope.whose(origin), origin.name)
    return None if Whose.THIS_SOURCE in names else names.get(Whose.OTHER_NAME)


def _origins(local: Local, scope: Scope) -> Iterator[Origin]:
    """Where the mirrors and the endpoints in the namespaces of the run say that they are from."""
    mirrors = [live for live in local.services.values() if live.is_mirror]
    slices = chain.from_iterable(local.slices.values())
    found: list[LocalService | LocalEndpoints | LocalSlice] = [*mirrors, *local.endpoints.values(), *slices]
    return (live.origin for live in found if scope.covers(live.key.namespace))
