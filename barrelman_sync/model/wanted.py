"""The objects that the local cluster should have."""

from dataclasses import dataclass

from barrelman_sync.model.names import Affinity, EndpointPort, Family, Key, Kind, Origin, Ref, ServicePort, allocated


@dataclass(frozen=True, slots=True)
class WantedNamespace:
    """A namespace that a new mirror needs. A run creates namespaces, and never changes or deletes them."""

    name: str
    source: str

    @property
    def ref(self) -> Ref:
        key = Key("", self.name)
        return Ref(Kind.NAMESPACE, key, key)


@dataclass(frozen=True, slots=True)
class Mirror:
    """The local Service that stands for a remote Service of the same name. Its ports are sorted."""

    key: Key
    origin: Origin
    ports: tuple[ServicePort, ...]
    affinity: Affinity = Affinity()
    type: str = "ClusterIP"
    local_traffic: bool = False
    """The remote Service has externalTrafficPolicy Local. This decides which nodes serve; the mirror gets no policy."""

    @property
    def ref(self) -> Ref:
        return Ref(Kind.SERVICE, self.key, self.key)

    @property
    def node_ports(self) -> frozenset[int]:
        """The node ports that the mirror needs. One number may serve several protocols."""
        return allocated(self.ports)


@dataclass(frozen=True, slots=True)
class AddressSet:
    """The addresses of one IP family that answer for a Service: canonical, unique and sorted. Ports are sorted."""

    service: Key
    origin: Origin
    family: Family
    addresses: tuple[str, ...]
    ports: tuple[EndpointPort, ...]
    owner_uid: str | None = None
    """The uid of the Service; None if the run has yet to create the Service."""


@dataclass(frozen=True, slots=True)
class WantedEndpoints:
    """The Endpoints of a mirror or manual service. The object has the name of the Service."""

    content: AddressSet
    replaces: str = ""
    """The resourceVersions of our slices that the run deletes next; empty if there are none, or if it does not count.

    As long as it is empty, the annotation of an earlier run is no difference.
    """

    @property
    def ref(self) -> Ref:
        return Ref(Kind.ENDPOINTS, self.content.service, self.content.service)


@dataclass(frozen=True, slots=True)
class WantedSlice:
    """One of the EndpointSlices of a mirror or manual service."""

    key: Key
    content: AddressSet
    replaces: str = ""
    """The resourceVersion of the Endpoints that the run deletes next, as in `WantedEndpoints`."""
    zones: tuple[str, ...] = ()
    """The zone of each address, in their order; "" for an address without one. Empty if no address has a zone."""

    @property
    def ref(self) -> Ref:
        return Ref(Kind.SLICE, self.key, self.content.service)


Wanted = WantedNamespace | Mirror | WantedEndpoints | WantedSlice
