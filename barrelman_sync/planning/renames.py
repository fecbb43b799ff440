"""A port that changes its name: its endpoints get the new name before the Service does. Pure.

kube-proxy joins the ports of a Service with the ports of its endpoints by name and protocol, and may take a second to
see a change. So callers would be refused if the Service had a name that its endpoints do not have. An example:

    now      Service http         endpoints http -> 30080
    first                         endpoints http -> 30080, web -> 30080
    then     Service web
    at last                       endpoints web -> 30080

The last write is in the same run if the endpoints are slices. Endpoints wait for the next run: Kubernetes copies them
with a delay and merges quick changes, so kube-proxy might never see both names. The Service waits for the copies of the
first write for the same reason, see `cluster.copies`. kube-proxy watches Services and slices apart, so there is a pause
between two of these writes, see `cluster.pauses`.

If a port goes with its name, there is nothing to wait for: then its name is only written first so that the endpoints
can follow the nodes if the update of the Service fails.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import ServicePort
from barrelman_sync.model.wanted import AddressSet, Mirror, WantedEndpoints
from barrelman_sync.planning.endpoints import serve
from barrelman_sync.planning.reasons import Why
from barrelman_sync.planning.situation import Situation
from barrelman_sync.planning.steps import Create, Leave, Step, Unchanged, Update
from barrelman_sync.planning.targets import Served


def steps_with_both(
    situation: Situation, update: Update, service: Served, going: tuple[ServicePort, ...]
) -> Iterator[Step]:
    """The update of a mirror that loses ports, and the steps for its endpoints, which have these ports until then."""
    both = tuple(serve(situation, replace(service, ports=(*service.ports, *going))))
    additions = tuple(step for step in both if isinstance(step, Create | Update))
    last = tuple(serve(situation, service))
    changing = {step.ref for step in last if isinstance(step, Create | Update)}
    if _is_rename(update) and (kept := _kept(situation, service, last)):
        # Endpoints that are kept have the old name only, so the mirror keeps its name, too.
        yield Leave(update.ref, kept)
        yield from last
    elif not changing:
        # The endpoints wait for the Service already: they need its old names only if it keeps them.
        yield replace(update, fallback=additions)
        yield from last
    elif _is_rename(update) and not (situation.rules.slices and all(step.ref in changing for step in additions)):
        yield from additions
        yield replace(update, copied=_to_copy(situation, service, additions), pause_before=bool(additions))
        yield from (step for step in both if step not in additions)
    else:
        before, renamed = tuple(step for step in additions if step.ref in changing), _is_rename(update)
        yield replace(update, before=before, pause_before=renamed and bool(before), pause_after=renamed)
        yield from last


def _to_copy(situation: Situation, service: Served, steps: Iterable[Create | Update]) -> AddressSet | None:
    """The content of the Endpoints that Kubernetes will copy; None if it will probably copy none."""
    live = situation.local.endpoints.get(service.key)
    if situation.local.nothing_copied or (live and live.elects_leader):
        return None
    return next((step.wanted.content for step in steps if isinstance(step.wanted, WantedEndpoints)), None)


def _kept(situation: Situation, service: Served, steps: Iterable[Step]) -> Why | None:
    """Why the endpoints of the Service are kept; None if they are not, or if there are none."""
    endpoints = situation.local.endpoints.get(service.key)  # those of a mirror are ours to write, whoever made them
    if not ((endpoints and endpoints.addresses) or situation.present_addresses(service.key)):
        return None
    if any(isinstance(step, Create | Update | Unchanged) for step in steps):
        return None
    return next((step.why for step in steps if isinstance(step, Leave)), None)


def _is_rename(update: Update) -> bool:
    """Whether a port that callers may use gets a name for which there are no endpoints yet."""
    match update:
        case Update(Mirror() as wanted, LocalService() as live):
            numbers = {(port.port, port.protocol) for port in live.ports}
            names = {port.name for port in live.ports}
            return any((port.port, port.protocol) in numbers and port.name not in names for port in wanted.ports)
        case _:
            return False
