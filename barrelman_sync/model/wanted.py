"""What the local cluster should hold."""

from dataclasses import dataclass

from barrelman_sync.model.names import Affinity, EndpointPort, Family, Key, Kind, Ref, ServicePort, allocated


@dataclass(frozen=True, slots=True)
class WantedNamespace:
    """A namespace that is made because a mirror needs it. Never changed, never deleted."""

    name: str
    source: str

    @property
    def ref(self) -> Ref:
        key = Key("", self.name)
        return Ref(Kind.NAMESPACE, key, key)


@dataclass(frozen=True, slots=True)
class Mirror:
    """The local Service that stands for a remote one; ports sorted."""

    key: Key
    source: str
    ports: tuple[ServicePort, ...]
    affinity: Affinity = Affinity()
    type: str = "ClusterIP"
    local_traffic: bool = False
    """The remote's traffic policy: it decides about the endpoints, and is never copied."""

    @property
    def ref(self) -> Ref:
        return Ref(Kind.SERVICE, self.key, self.key)

    @property
    def node_ports(self) -> frozenset[int]:
        """The node ports that it allocates; one number may serve several protocols."""
        return allocated(self.ports)


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Addresses of one family that answer for a Service; addresses canonical, unique and sorted, ports sorted."""

    service: Key
    source: str
    family: Family
    addresses: tuple[str, ...]
    ports: tuple[EndpointPort, ...]
    owner_uid: str | None = None
    """uid of the Service, None as long as the run has yet to create the Service."""


@dataclass(frozen=True, slots=True)
class WantedEndpoints:
    """The Endpoints of a mirror or manual service, of the same name as the Service."""

    content: AddressSet

    @property
    def ref(self) -> Ref:
        return Ref(Kind.ENDPOINTS, self.content.service, self.content.service)


@dataclass(frozen=True, slots=True)
class WantedSlice:
    """One of the EndpointSlices of a mirror or manual service."""

    key: Key
    content: AddressSet

    @property
    def ref(self) -> Ref:
        return Ref(Kind.SLICE, self.key, self.content.service)


Wanted = WantedNamespace | Mirror | WantedEndpoints | WantedSlice
