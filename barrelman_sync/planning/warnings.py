"""What a user should know about a run although nothing failed. Pure."""

from collections.abc import Iterator
from itertools import chain

from barrelman_sync.planning.modes import chosen_mode
from barrelman_sync.planning.reasons import Reason, Why, because
from barrelman_sync.planning.situation import Situation


def warnings(situation: Situation) -> tuple[Why, ...]:
    """All warnings of a run: about ports, then about nodes."""
    return (
        *_skipped_ports(situation),
        *_only_excluded_nodes(situation),
        *_assumed_ready(situation),
        *_without_zone(situation),
        *_mirroring_limit(situation),
        *_not_copied(situation),
    )


def _skipped_ports(situation: Situation) -> Iterator[Why]:
    for service, port in situation.desired.skipped_ports:
        name = f"{port.name or port.port}/{port.protocol}"
        yield because(Reason.PORT_SKIPPED, service=str(service), port=name)


def _only_excluded_nodes(situation: Situation) -> Iterator[Why]:
    """Warns if only `--use-excluded-nodes` is missing: without a warning, the log would not name the option."""
    if situation.nodes.usable_with_option:
        yield situation.nodes.why_empty


def _assumed_ready(situation: Situation) -> Iterator[Why]:
    if assumed := situation.nodes.assumed_ready:
        yield because(Reason.ASSUMED_READY, nodes=len(assumed))


def _without_zone(situation: Situation) -> Iterator[Why]:
    """Warns of nodes without zone: kube-proxy heeds hints only if all endpoints of the Service have one.

    See topologyModeFromHints in pkg/proxy/topology.go.
    """
    if not situation.rules.prefer_same_zone:
        return
    zones = situation.nodes.zones
    entries = chain.from_iterable(chain.from_iterable(pool.zones.values()) for pool in situation.nodes.pools.values())
    if without := {node for node, address in entries if address not in zones}:
        yield because(Reason.NO_ZONE, nodes=len(without), used=situation.nodes.used, node=min(without))


def _mirroring_limit(situation: Situation) -> Iterator[Why]:
    """Warns if Services get fewer nodes than the user's limit allows, because the endpoint mode has a limit."""
    largest = max((pool.size for pool in situation.nodes.pools.values()), default=0)
    asked = situation.rules.max_endpoints
    limit = chosen_mode(situation.rules).limit(asked)
    if limit and min(asked or largest, largest) > limit:
        yield because(Reason.MIRRORING_LIMIT, limit=limit, nodes=largest)


def _not_copied(situation: Situation) -> Iterator[Why]:
    """Warns of Endpoints of this source that reach no caller, because Kubernetes does not copy them into slices."""
    if situation.rules.slices:
        return
    if situation.local.nothing_copied:
        yield Why(Reason.NOTHING_COPIED)
    for key, found in sorted(situation.local.endpoints.items()):
        in_scope = situation.scope.covers(key.namespace)
        if in_scope and found.elects_leader and found.managed_by_us and situation.is_of_this_source(found):
            yield because(Reason.ELECTS_LEADER, service=str(key))
