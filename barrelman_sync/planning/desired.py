"""Which Services of the remote cluster get a mirror, and what the mirror looks like. Pure."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from barrelman_sync.model.local import Local, LocalService
from barrelman_sync.model.names import Key, ServicePort
from barrelman_sync.model.remote import RemotePort, RemoteService
from barrelman_sync.model.settings import Scope, Whose
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.eligibility import NotEligible, not_eligible, skipped
from barrelman_sync.planning.reasons import Skip


@dataclass(frozen=True, slots=True)
class Desired:
    """The mirrors that the remote asks for."""

    mirrors: Mapping[Key, Mirror]
    skipped: Mapping[Key, Skip] = field(default_factory=dict)
    """Eligible Services that are skipped, with the first reason that applies."""
    not_eligible: Mapping[NotEligible, tuple[Key, ...]] = field(default_factory=dict)
    """The Services that are not eligible, by reason; sorted."""
    no_longer_eligible: Mapping[Key, NotEligible] = field(default_factory=dict)
    """The Services of `not_eligible` that have a local Service of the same name, which may be their mirror."""
    skipped_ports: tuple[tuple[Key, RemotePort], ...] = ()
    """Ports without node port, of Services that get a mirror."""
    local_traffic: frozenset[Key] = frozenset()
    """Every remote Service with externalTrafficPolicy Local, eligible or not."""
    node_ports: Mapping[int, Key] = field(default_factory=dict)
    """The node ports that mirrors need, each with the mirror. Empty unless mirrors have type NodePort."""


def desired_mirrors(services: Iterable[RemoteService], scope: Scope, present: Container[Key] = ()) -> Desired:
    """Decides which remote Services get a mirror, which are skipped, and which are not eligible.

    `present` are the local Services: each of them may be a mirror whose Service is no longer eligible.
    """
    mirrors: dict[Key, Mirror] = {}
    skips: dict[Key, Skip] = {}
    others: dict[NotEligible, list[Key]] = {}
    ports: list[tuple[Key, RemotePort]] = []
    for service in (found := sorted(services, key=lambda service: service.key)):
        if why := not_eligible(service, scope):
            others.setdefault(why, []).append(service.key)
        elif skip := skipped(service, scope):
            skips[service.key] = skip
        else:
            mirrors[service.key] = _mirror(service, scope)
            ports += [(service.key, port) for port in service.ports if not port.node_port]
    return Desired(
        mirrors=mirrors,
        skipped=skips,
        not_eligible={why: tuple(others[why]) for why in sorted(others)},
        no_longer_eligible={key: why for why, keys in others.items() for key in keys if key in present},
        skipped_ports=tuple(ports),
        local_traffic=frozenset(service.key for service in found if service.local_traffic),
        node_ports={number: key for key, mirror in mirrors.items() for number in mirror.node_ports},
    )


def local_traffic(services: Iterable[RemoteService], scope: Scope, local: Local, *, waits: bool = False) -> list[Key]:
    """The remote Services with externalTrafficPolicy Local whose mirrors get endpoints in this run.

    Only for these, a run has to read which nodes have endpoints. `waits`: mirrors that are no longer wanted wait for
    their delete, see `--delete-grace`.
    """
    found = (service for service in services if service.local_traffic and scope.covers(service.key.namespace))
    return [
        service.key for service in found if _is_served(service, scope, local.services.get(service.key), waits=waits)
    ]


def _is_served(service: RemoteService, scope: Scope, live: LocalService | None, *, waits: bool) -> bool:
    """Whether the Service has a mirror that stays, or will get one."""
    is_wanted = not (not_eligible(service, scope) or skipped(service, scope))
    if live is None:
        return is_wanted
    stays = is_wanted or waits or live.ignored or live.key.namespace in scope.ignored_namespaces
    return stays and live.is_mirror and scope.whose(live.origin) is Whose.THIS_SOURCE


def _mirror(service: RemoteService, scope: Scope) -> Mirror:
    ports = tuple(
        ServicePort(
            name=port.name,
            protocol=port.protocol,
            port=port.port,
            target_port=port.node_port,
            node_port=port.node_port if scope.nodeports else 0,
            app_protocol=port.app_protocol or "",
        )
        for port in service.ports
        if port.node_port
    )
    local_type = "NodePort" if scope.nodeports else "ClusterIP"
    return Mirror(service.key, scope.origin, tuple(sorted(ports)), service.affinity, local_type, service.local_traffic)
