"""Endpoint mode Endpoints: each Service gets one object, with addresses of its primary family. Pure.

Kubernetes copies an Endpoints object into slices, which kube-proxy reads (pkg/controller/endpointslicemirroring).
Slices that we wrote in the other mode stay until the copies have the same addresses:

| the Endpoints are | the copies have | our slices |
|---|---|---|
| not there yet, or being deleted | anything | stay, kept up to date |
| there | not all wanted ports and addresses | stay, kept up to date |
| there | the wanted ports and addresses | deleted |
"""

from collections.abc import Iterable, Iterator
from itertools import product

from barrelman_sync.model.local import LocalSlice
from barrelman_sync.model.names import Family, Kind, Ref
from barrelman_sync.model.wanted import AddressSet, WantedEndpoints
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.slices_mode import SlicesMode, write_slices
from barrelman_sync.planning.steps import Delete, Leave, Step, step_replacing
from barrelman_sync.planning.targets import Keep, Served, Targets, targets

MIRRORING_LIMIT = 1000
"""Kubernetes copies at most this many addresses of an Endpoints object, and ignores the rest.

See --mirroring-max-endpoints-per-subset of kube-controller-manager.
"""


class EndpointsMode:
    """Writes Endpoints. A later run deletes our slices, see the table above."""

    def families(self, service: Served) -> tuple[Family, ...]:
        """Only the primary family: Kubernetes copies no other."""
        return service.families[:1]

    def limit(self, max_endpoints: int) -> int:
        """The user's limit, but never more than Kubernetes copies."""
        return min(max_endpoints or MIRRORING_LIMIT, MIRRORING_LIMIT)

    def steps(self, situation: Situation, service: Served, targets: Targets) -> Iterator[Step]:
        """The step for the Endpoints, then the steps for our slices."""
        (wanted,) = targets.sets  # one set, because this mode serves one family
        ours = [slice_ for slice_ in situation.slices(service.key) if slice_.managed_by_us]
        replaced = ours if _is_copied(situation, wanted) else []
        replaces = ",".join(slice_.revision.resource_version for slice_ in replaced if not slice_.deleting)
        yield step_replacing(WantedEndpoints(wanted), situation.local.endpoints.get(service.key), replaces)
        for slice_ in replaced:
            yield Delete(slice_, Why(Reason.ENDPOINTS_TAKE_OVER))
        if ours and not replaced:
            yield from write_slices(situation, _in_all_families(situation, service, wanted))
            yield Leave(Ref(Kind.SLICE, service.key, service.key), Why(Reason.NOT_COPIED_YET))


def _in_all_families(situation: Situation, service: Served, wanted: AddressSet) -> Targets:
    """What our slices should have as long as they stay.

    In the primary family, they have the addresses of the Endpoints; in the other family, the addresses that the other
    mode would give them.
    """
    found = targets(situation, service, SlicesMode())
    others = () if isinstance(found, Keep) else found.sets
    return Targets((wanted, *(other for other in others if other.family != wanted.family)))


def _is_copied(situation: Situation, wanted: AddressSet) -> bool:
    """Whether Kubernetes' copies of the live Endpoints have the wanted ports and all wanted addresses.

    Copies whose owner is an earlier object of the same name do not count: the garbage collector will delete them.
    """
    live = situation.local.endpoints.get(wanted.service)
    if live is None or live.deleting:
        return False
    mirrored = situation.local.copies.get(wanted.service, ())
    return have_all(wanted, [copy for copy in mirrored if live.revision.uid in copy.owners])


def have_all(wanted: AddressSet, copies: Iterable[LocalSlice]) -> bool:
    """Whether the copies have each wanted port at each wanted address. Kubernetes makes a slice for each subset."""
    copied = {pair for copy in copies for pair in product(copy.ports, copy.addresses)}
    return copied >= set(product(wanted.ports, wanted.addresses))
