"""How a mirror that is no longer wanted waits for its delete, see `--delete-grace`. Pure.

| the mark | step |
|---|---|
| there is none | mark: the grace begins now |
| a time in the future, or no time | mark again: the grace begins now |
| a time since which the grace is not over | leave, or mark again with this time if the mirror is taken over |
| a time since which the grace is over | none, so the mirror is deleted |
"""

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.moments import moment_of, moment_text
from barrelman_sync.model.names import Key, allocated
from barrelman_sync.planning.checks import (
    IGNORE_MIRROR,
    LEAVE_MIRROR,
    RELEASE_MIRROR,
    UNCREATABLE_MIRROR,
    first_reason,
)
from barrelman_sync.planning.reasons import Reason, Why, because
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Leave, Mark

CLOCK_SKEW = 60
"""How many seconds in the future a mark may be: the clock of the machine that made the mark may be ahead of ours."""

_LONGEST_MARK = 40
"""How many characters of a mark that is no time a message shows."""


def waiting_step(situation: Situation, live: LocalService, why: Why) -> Mark | Leave | None:
    """The step for a mirror that is not wanted for the reason `why`; None if the mirror does not wait any longer."""
    if not situation.grace:
        return None
    if live.mark is None:
        return _mark(situation, live, why)
    since = moment_of(live.mark)
    if since is None:
        return _mark(situation, live, because(Reason.MARK_UNREADABLE, mark=live.mark[:_LONGEST_MARK], why=why))
    if since > situation.now + CLOCK_SKEW:
        return _mark(situation, live, because(Reason.MARK_IN_FUTURE, mark=live.mark, why=why))
    until = since + situation.grace
    if until <= situation.now:
        return None
    waits = because(Reason.ORPHANED, since=moment_text(since), until=moment_text(until), why=why)
    if live.origin != situation.scope.origin:
        # Else a run without --adopt-source would not know the mirror, and would never delete it.
        return Mark(live, situation.scope.origin, live.mark, moment_text(until), waits)
    return Leave(live.ref, waits)


def node_port_needed(situation: Situation, live: LocalService, why: Why) -> Why | None:
    """The reason to delete a mirror without grace: another mirror needs one of its node ports.

    The remote gave the node port to another Service, so callers of this mirror would reach that Service, and the server
    would refuse the other mirror as long as this mirror holds the port.
    """
    for port in sorted(allocated(live.ports) & situation.desired.node_ports.keys()):
        taker = situation.desired.node_ports[port]
        if _can_take(situation, taker):
            return because(Reason.NODE_PORT_NEEDED, port=port, service=str(taker), why=why)
    return None


def _can_take(situation: Situation, taker: Key) -> bool:
    """Whether the other mirror is created or updated: nothing else is in its place, and it is not left or released."""
    found = situation.local.services.get(taker)
    if found is None:
        return not first_reason(UNCREATABLE_MIRROR, situation, situation.desired.mirrors[taker])
    return found.is_mirror and not first_reason((*LEAVE_MIRROR, *IGNORE_MIRROR, *RELEASE_MIRROR), situation, found)


def _mark(situation: Situation, live: LocalService, why: Why) -> Mark:
    now, until = moment_text(situation.now), moment_text(situation.now + situation.grace)
    return Mark(live, situation.scope.origin, now, until, why)
