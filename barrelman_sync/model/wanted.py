"""What the local cluster should hold."""

from dataclasses import dataclass

from barrelman_sync.model.names import Affinity, EndpointPort, Family, Key, Kind, ServicePort, allocated


@dataclass(frozen=True, slots=True)
class WantedNamespace:
    """A namespace that is made because a mirror needs it. Never changed, never deleted."""

    name: str
    source: str

    kind = Kind.NAMESPACE

    @property
    def key(self) -> Key:
        """Namespaces are cluster-wide."""
        return Key("", self.name)

    @property
    def service(self) -> Key:
        """It serves many, so it stands for itself."""
        return self.key


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

    kind = Kind.SERVICE

    @property
    def service(self) -> Key:
        """Itself."""
        return self.key

    @property
    def node_ports(self) -> frozenset[int]:
        """The node ports that it allocates; one number may serve several protocols."""
        return allocated(self.ports)


@dataclass(frozen=True, slots=True)
class WantedEndpoints:
    """The Endpoints of a mirror or manual service; addresses canonical, unique and sorted, ports sorted."""

    key: Key
    source: str
    addresses: tuple[str, ...]
    ports: tuple[EndpointPort, ...]
    owner_uid: str | None = None
    """uid of its Service, None as long as the plan has yet to create that."""

    kind = Kind.ENDPOINTS

    @property
    def service(self) -> Key:
        """The Service of the same name."""
        return self.key


@dataclass(frozen=True, slots=True)
class WantedSlice:
    """One of the EndpointSlices of a mirror or manual service, for one family; addresses and ports sorted."""

    key: Key
    service: Key
    source: str
    family: Family
    addresses: tuple[str, ...]
    ports: tuple[EndpointPort, ...]
    owner_uid: str | None = None

    kind = Kind.SLICE


Wanted = WantedNamespace | Mirror | WantedEndpoints | WantedSlice
