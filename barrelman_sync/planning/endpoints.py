"""Steps for the endpoints of mirrors and manual services: serve, keep, delete. Pure.

The endpoints are one Endpoints object of the Service's name, which belongs to the Service, whoever made it; or
EndpointSlices. Between the two there is no moment without endpoints, see docs/adr/004-two-kinds-of-endpoints.md.
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
    """Endpoints with the addresses of the nodes, in the mode that the user chose."""
    mode = chosen_mode(situation.rules)
    match targets(situation, service, mode):
        case Keep(why):
            yield _leave(service.key, why)
            if situation.of_this_source(service.key):
                yield from delete_leftovers(situation, service.key)
        case Targets() as found:
            if found.unserved:
                yield _leave(service.key, because(Reason.FAMILY_UNSERVED, families=" and ".join(found.unserved)))
            yield from mode.steps(situation, service, found)
            yield from delete_leftovers(situation, service.key)


def delete(endpoints: Iterable[LocalEndpoints | LocalSlice], why: Why) -> Iterator[Delete]:
    """Deletes endpoints of one Service."""
    return (Delete(each, why) for each in endpoints)


def delete_leftovers(situation: Situation, service: Key) -> Iterator[Delete]:
    """Slices of pods from when the Service had a selector: nobody else deletes them, and kube-proxy uses them."""
    leftovers = (slice_ for slice_ in situation.slices(service) if not slice_.managed_by_us)
    return delete(leftovers, Why(Reason.LEFT_OVER))


def _leave(service: Key, why: Why) -> Leave:
    return Leave(Ref(Kind.ENDPOINTS, service, service), why)
