"""Services that we do not write, but whose endpoints we write, or no longer do: manual services above all. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Kind, Ref
from barrelman_sync.planning.checks import (
    LEAVE_MANUAL,
    LEAVE_UNASKED,
    UNSERVABLE,
    first_reason,
    has_endpoints_of_this_name_or_cluster,
    targets_a_name,
)
from barrelman_sync.planning.endpoints import delete, delete_leftovers, serve
from barrelman_sync.planning.fallbacks import fallback
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Leave, Step
from barrelman_sync.planning.targets import Served


def manual_steps(situation: Situation, live: LocalService) -> Iterator[Step]:
    """The steps for the endpoints of a manual service. The Service itself is never written."""
    if why := first_reason(LEAVE_MANUAL, situation, live):
        yield Leave(live.ref, why)
    else:
        yield from steps_as_it_is(situation, live)


def steps_as_it_is(situation: Situation, live: LocalService, *, local_traffic: bool = False) -> Iterator[Step]:
    """The steps for the endpoints of a Service that stays as it is: on the ports that it has."""
    if why := first_reason(UNSERVABLE, situation, live):
        yield Leave(live.ref, why)
        # A manual service may have endpoints of an earlier source. Those of a mirror that is ignored are not judged.
        found = situation.managed_endpoints if live.is_manual else situation.of_this_source
        yield from delete(found(live.key), why)
    elif why := targets_a_name(situation, live):
        yield Leave(live.ref, why)
        if situation.present_addresses(live.key):
            yield from delete_leftovers(situation, live.key)
    else:
        service = Served(live.key, live.ports, situation.families(live), live.revision.uid, local_traffic)
        yield from serve(situation, service)


def unasked_steps(situation: Situation, live: LocalService) -> Iterator[Step]:
    """The steps for endpoints of this source at a Service that does not ask for endpoints, or no longer does."""
    endpoints = situation.of_this_source(live.key)
    why = first_reason(LEAVE_UNASKED, situation, live)
    if not endpoints:
        if not why and (found := has_endpoints_of_this_name_or_cluster(situation, live)):
            yield Leave(Ref(Kind.ENDPOINTS, live.key, live.key), found)
    elif why:
        yield Leave(Ref(Kind.ENDPOINTS, live.key, live.key), why)
    else:
        # One fallback replaces all these deletes, so only the first delete has it.
        first, *others = delete(endpoints, Why(Reason.LABEL_REMOVED))
        yield replace(first, fallback=fallback(situation, live))
        yield from others
