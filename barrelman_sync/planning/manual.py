"""Manual services: a user's own Services that ask for endpoints, or no longer do. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Kind, Ref
from barrelman_sync.planning.as_it_is import steps_as_it_is
from barrelman_sync.planning.checks import (
    LEAVE_MANUAL,
    LEAVE_UNASKED,
    endpoints_that_no_run_deletes,
    first_reason,
)
from barrelman_sync.planning.endpoints import delete
from barrelman_sync.planning.fallbacks import fallback
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Leave, Step


def manual_steps(situation: Situation, live: LocalService) -> Iterator[Step]:
    """The steps for the endpoints of a manual service. The Service itself is never written."""
    if why := first_reason(LEAVE_MANUAL, situation, live):
        yield Leave(live.ref, why)
    else:
        yield from steps_as_it_is(situation, live)


def unasked_steps(situation: Situation, live: LocalService) -> Iterator[Step]:
    """The steps for endpoints of this source at a Service that does not ask for endpoints, or no longer does."""
    endpoints = situation.of_this_source(live.key)
    why = first_reason(LEAVE_UNASKED, situation, live)
    if not endpoints:
        if not why and (found := endpoints_that_no_run_deletes(situation, live)):
            yield Leave(Ref(Kind.ENDPOINTS, live.key, live.key), found)
    elif why:
        yield Leave(Ref(Kind.ENDPOINTS, live.key, live.key), why)
    else:
        # One fallback replaces all these deletes, so only the first delete has it.
        first, *others = delete(endpoints, Why(Reason.LABEL_REMOVED))
        yield replace(first, fallback=fallback(situation, live))
        yield from others
