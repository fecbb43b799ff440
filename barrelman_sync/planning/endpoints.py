"""Steps for the endpoints of mirrors and manual services: serve, keep, delete. Pure.

The endpoints of a Service are EndpointSlices, or one Endpoints object with the name of the Service. That object belongs
to the Service, whoever made the object. A change of the endpoint mode leaves no moment without endpoints, see
docs/adr/004-two-kinds-of-endpoints.md.
"""

from collections.abc import Iterable, Iterator

from barrelman_sync.model.local import LocalEndpoints, LocalSlice
from barrelman_sync.model.names import Key, Kind, Ref
from barrelman_sync.planning.modes import chosen_mode
from barrelman_sync.planning.reasons import Reason, Why, because
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Delete, Leave, Step
from barrelman_sync.planning.targets import Keep, Served, Targets, targets


def serve(situation: Situation, service: Served) -> Iterator[Step]:
    """The steps that give a Service the addresses of its nodes, in the endpoint mode that the user chose."""
    mode = chosen_mode(situation.rules)
    match targets(situation, service, mode):
        case Keep(why):
            yield _leave(service.key, why)
            # Without addresses of ours, leftovers may be all that the callers have.
            if situation.present_addresses(service.key):
                yield from delete_leftovers(situation, service.key)
        case Targets() as found:
            if found.unserved:
                unserved = " and ".join(found.unserved)
                why = because(Reason.FAMILY_UNSERVED, families=unserved, answering=service.answering)
                yield _leave(service.key, why)
            yield from mode.steps(situation, service, found)
            yield from delete_leftovers(situation, service.key)


def delete(endpoints: Iterable[LocalEndpoints | LocalSlice], why: Why) -> Iterator[Delete]:
    """One delete for each of the endpoints, all with the same reason."""
    return (Delete(each, why) for each in endpoints)


def delete_leftovers(situation: Situation, service: Key) -> Iterator[Delete]:
    """Deletes of the slices that Kubernetes' controller left on the Service from when the Service had a selector.

    Such slices have the addresses of pods. Kubernetes does not delete these slices, and kube-proxy still uses them.
    """
    leftovers = (slice_ for slice_ in situation.slices(service) if not slice_.managed_by_us)
    return delete(leftovers, Why(Reason.LEFT_OVER))


def _leave(service: Key, why: Why) -> Leave:
    return Leave(Ref(Kind.ENDPOINTS, service, service), why)
