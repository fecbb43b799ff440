"""What was read from the local cluster: of each object, the fields that decide something."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from barrelman_sync.model.names import (
    ENDPOINTS_MANAGED_BY,
    FIELD_MANAGER,
    HEADLESS,
    MANUAL_MARKER,
    MARKER,
    MIRROR_MARKER,
    ORPHANED_SINCE,
    PROXY_NAME,
    SKIP_MIRROR,
    SLICE_MANAGED_BY,
    SOURCE,
    SOURCE_UID,
    Affinity,
    EndpointPort,
    Family,
    Key,
    Kind,
    Origin,
    Ref,
    Revision,
    ServicePort,
)


class Holders(NamedTuple):
    """Which field managers hold the fields of a mirror, see docs/adr/002-claim-fields-before-apply.md."""

    others: tuple[str, ...] = ()
    """The other field managers that hold at least one of the fields; sorted."""
    complete: bool = True
    """Whether our server-side apply, and nobody else, holds everything that an update may have to remove."""


@dataclass(frozen=True, slots=True)
class LocalService:
    """A Service of the local cluster as it is now."""

    key: Key
    revision: Revision
    type: str = "ClusterIP"
    ports: tuple[ServicePort, ...] = ()
    """Sorted."""
    affinity: Affinity = Affinity()
    labels: Mapping[str, str] = field(default_factory=dict)
    """Only the labels that we may write."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Only the annotations that we may write."""
    has_selector: bool = False
    headless: bool = False
    ignored: bool = False
    deleting: bool = False
    families: tuple[Family, ...] = ()
    """The primary IP family first."""
    holders: Holders = Holders()
    """Read for mirrors only."""
    managed_fields: bytes = b"null"
    """`metadata.managedFields` as the server sent it, for `cluster.managed_fields`. Read for mirrors only."""

    @property
    def ref(self) -> Ref:
        return Ref(Kind.SERVICE, self.key, self.key)

    @property
    def is_mirror(self) -> bool:
        """Whether the Service's label says that we made the Service, or the original did."""
        return self.labels.get(MARKER) == MIRROR_MARKER

    @property
    def is_manual(self) -> bool:
        """Whether the Service's label asks us for endpoints and nothing else."""
        return self.labels.get(MARKER) == MANUAL_MARKER

    @property
    def origin(self) -> Origin:
        """The remote that the Service says it is from."""
        return Origin(self.labels.get(SOURCE) or None, self.annotations.get(SOURCE_UID) or None)

    @property
    def mark(self) -> str | None:
        """Since when the mirror is orphaned, as the text of its annotation; None if it is not marked."""
        return self.annotations.get(ORPHANED_SINCE)

    @property
    def unmarked(self) -> Self:
        """The same Service without the mark."""
        kept = {name: value for name, value in self.annotations.items() if name != ORPHANED_SINCE}
        return replace(self, annotations=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LiveAddresses:
    """What Endpoints and EndpointSlices of the local cluster have in common; addresses and ports sorted."""

    addresses: tuple[str, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
    regular: bool = True
    """Whether the object has the form that we write: plain, ready addresses only, the same in all subsets."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Only the labels that we may write, and those that may hide the object."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Only the annotations that we may write."""
    owners: frozenset[str] = frozenset()
    """The uids in the object's owner references."""
    deleting: bool = False

    @property
    def manager(self) -> str:
        """Who manages the object, as its managed-by label says: we, or a controller of Kubernetes. Empty if nobody.

        No other label tells, see docs/design.md.
        """
        raise NotImplementedError

    @property
    def hiding_labels(self) -> tuple[str, ...]:
        """The labels of the object that hide it from callers; sorted.

        They are left over from what the Service was before, such as a headless Service.
        """
        raise NotImplementedError

    @property
    def managed_by_us(self) -> bool:
        """Whether the object still says that we manage it."""
        return self.manager == FIELD_MANAGER

    @property
    def origin(self) -> Origin:
        """The remote from which we took the addresses; unsaid if the object is not managed by us."""
        if not self.managed_by_us:
            return Origin()
        return Origin(self.labels.get(SOURCE) or None, self.annotations.get(SOURCE_UID) or None)


@dataclass(frozen=True, slots=True)
class LocalEndpoints(_LiveAddresses):
    """An Endpoints object of the local cluster as it is now. It belongs to the Service of the same name."""

    key: Key
    revision: Revision
    elects_leader: bool = False
    """The object has been used for a leader election, so Kubernetes does not copy it (hasLeaderElection in
    pkg/controller/endpointslicemirroring). The annotation may be the lock of a program that runs, so it stays."""

    @property
    def ref(self) -> Ref:
        return Ref(Kind.ENDPOINTS, self.key, self.key)

    @property
    def manager(self) -> str:
        return self.labels.get(ENDPOINTS_MANAGED_BY, "")

    @property
    def may_be_of_kubernetes(self) -> bool:
        """Whether Kubernetes' endpoints controller may have written the object, for a Service with a selector.

        Up to Kubernetes 1.32, the controller sets no managed-by label. It copies the labels of the Service, and its
        addresses refer to pods (pkg/controller/endpoint/endpoints_controller.go). The original's do neither.
        """
        if self.manager:
            return self.manager != FIELD_MANAGER
        return self.labels.get(MARKER) != MANUAL_MARKER or not self.regular

    @property
    def hiding_labels(self) -> tuple[str, ...]:
        # Kubernetes copies all labels to its slices, and kube-proxy looks at those.
        skipped = (SKIP_MIRROR,) if self.labels.get(SKIP_MIRROR) == "true" else ()
        return (*skipped, *_hiding_from_kube_proxy(self.labels))

    @property
    def is_copied(self) -> bool:
        """Whether Kubernetes copies the object into slices, if the controller that does so is at work."""
        return not self.deleting and not self.elects_leader and self.labels.get(SKIP_MIRROR) != "true"


@dataclass(frozen=True, slots=True)
class LocalSlice(_LiveAddresses):
    """An EndpointSlice of the local cluster as it is now."""

    key: Key
    service: Key
    revision: Revision
    family: str
    zones: tuple[str, ...] = ()
    """The zone of each address, as in `WantedSlice`. It counts only if the endpoint has a hint for this zone alone."""

    @property
    def ref(self) -> Ref:
        return Ref(Kind.SLICE, self.key, self.service)

    @property
    def manager(self) -> str:
        return self.labels.get(SLICE_MANAGED_BY, "")

    @property
    def hiding_labels(self) -> tuple[str, ...]:
        return _hiding_from_kube_proxy(self.labels)


def _hiding_from_kube_proxy(labels: Mapping[str, str]) -> tuple[str, ...]:
    """The labels by which kube-proxy ignores a slice, whatever their values (cmd/kube-proxy/app/server.go)."""
    return tuple(label for label in (HEADLESS, PROXY_NAME) if label in labels)


@dataclass(frozen=True, slots=True)
class LocalNamespace:
    """A namespace of the local cluster."""

    name: str
    uid: str = ""
    terminating: bool = False
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Local:
    """All that was read from the local cluster. It exists only if every list was read to its end."""

    cluster_id: str
    namespaces: Mapping[str, LocalNamespace]
    services: Mapping[Key, LocalService]
    endpoints: Mapping[Key, LocalEndpoints]
    slices: Mapping[Key, tuple[LocalSlice, ...]] = field(default_factory=dict)
    """By Service: slices managed by us, and leftovers of Kubernetes' controller at Services with our label or gone."""
    copies: Mapping[Key, tuple[LocalSlice, ...]] = field(default_factory=dict)
    """By Service: Kubernetes' copies of our Endpoints. Read only where the copies will replace our slices."""
    api_server: frozenset[str] = frozenset()
    """The addresses of the cluster's own API server. No remote node may have one of them.

    Its ClusterIP is not among them: kube-proxy sends no endpoint's traffic to a ClusterIP, and the address may be that
    of a node in a remote network that overlaps with the local range of ClusterIPs.
    """
    nothing_copied: bool = False
    """Kubernetes has copied none of our Endpoints, although there are some. Asked only where Endpoints are written."""
    versions: Mapping[Kind, str] = field(default_factory=dict)
    """By kind: the resourceVersion that a create carries. No object that the list did not show has this version, so
    the server refuses the create if the object exists after all (docs/adr/001-create-by-apply.md)."""
