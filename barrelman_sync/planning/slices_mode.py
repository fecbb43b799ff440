"""Endpoint mode EndpointSlices: each family of a Service has slices of its own. Pure."""

from collections.abc import Iterator

from barrelman_sync.model.names import Family
from barrelman_sync.planning.reasons import Reason, Why, because
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.slices import slice_steps
from barrelman_sync.planning.steps import Delete, Step
from barrelman_sync.planning.targets import Served, Targets


class SlicesMode:
    """Writes EndpointSlices, and deletes the Endpoints in the same run."""

    def families(self, service: Served) -> tuple[Family, ...]:
        """All families of the Service."""
        return service.families

    def limit(self, max_endpoints: int) -> int:
        """The user's limit: slices have no limit of their own."""
        return max_endpoints

    def steps(self, situation: Situation, service: Served, targets: Targets) -> Iterator[Step]:
        """The steps for the slices, then the delete of the Endpoints.

        Slices of a family in which no node answers now are kept.
        """
        # Endpoints serve the primary family: they are kept if no node answers in this family.
        endpoints = situation.local.endpoints.get(service.key)
        goes = endpoints and not endpoints.deleting and service.families[0] not in targets.unserved
        replaced = endpoints if goes else None
        yield from write_slices(situation, targets, replaced.revision.resource_version if replaced else "")
        for slice_ in situation.slices(service.key):
            if slice_.managed_by_us and slice_.family not in service.families:
                yield Delete(slice_, because(Reason.FAMILY_REMOVED, family=slice_.family))
        if replaced:
            yield Delete(replaced, Why(Reason.SLICES_TAKE_OVER))


def write_slices(situation: Situation, targets: Targets, replaces: str = "") -> Iterator[Step]:
    """The steps for the slices of the families in `targets`. Slices of other families get no step.

    `replaces` is the resourceVersion of Endpoints that are deleted after that, if there are any.
    """
    for wanted in targets.sets:
        yield from slice_steps(wanted, situation.slices(wanted.service), replaces, situation.zones)
