"""Services that stay as they are while their endpoints follow the nodes. Pure.

These are manual services, mirrors that are ignored, and mirrors that wait for their delete.
"""

from collections.abc import Iterator

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Kind, Ref
from barrelman_sync.planning.checks import UNSERVABLE, first_reason, targets_a_name
from barrelman_sync.planning.endpoints import delete, delete_leftovers, serve
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Leave, Step
from barrelman_sync.planning.targets import Served


def steps_as_it_is(situation: Situation, live: LocalService, *, local_traffic: bool = False) -> Iterator[Step]:
    """The steps for the endpoints of a Service that stays as it is: on the ports that it has."""
    # A mirror has a step of its own.
    left = live.ref if live.is_manual else Ref(Kind.ENDPOINTS, live.key, live.key)
    if why := first_reason(UNSERVABLE, situation, live):
        yield Leave(left, why)
        # A manual service may have endpoints of an earlier source. Those of a mirror that is ignored are not judged.
        found = situation.managed_endpoints if live.is_manual else situation.of_this_source
        yield from delete(found(live.key), why)
    elif why := targets_a_name(situation, live):
        yield Leave(left, why)
        if situation.present_addresses(live.key):
            yield from delete_leftovers(situation, live.key)
    else:
        service = Served(live.key, live.ports, situation.families(live), live.revision.uid, local_traffic)
        yield from serve(situation, service)
