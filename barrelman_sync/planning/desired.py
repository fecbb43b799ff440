"""Which Services of the remote cluster get a mirror, and what the mirror looks like. Pure.

These are the rules of README, "What it does with a service", that need only the remote Service.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from barrelman_sync.model.local import Local, LocalService
from barrelman_sync.model.names import MANUAL_MARKER, MIRROR_MARKER, Affinity, Key, ServicePort
from barrelman_sync.model.remote import RemotePort, RemoteService
from barrelman_sync.model.settings import Scope, Whose
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.reasons import Skip


class Rule(StrEnum):
    """A rule that makes a remote Service not eligible."""

    NAME = "name that Kubernetes does not allow"
    TYPE = "type"
    IGNORED_NAMESPACE = "ignored namespace"
    OTHER_NAMESPACE = "outside --namespace"


_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""The name of a Service, a namespace or a port (a DNS label). A remote that is no Kubernetes may say anything."""
_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_APP_PROTOCOL = re.compile(
    rf"(?:(?=[^/]{{1,253}}/){_LABEL}(?:\.{_LABEL})*/)?[A-Za-z0-9](?:[-._A-Za-z0-9]{{0,61}}[A-Za-z0-9])?"
)
"""A qualified name: a name, perhaps after a domain and a slash."""
_LAST_PORT = 65535
_LONGEST_AFFINITY = 86_400


class NotEligible(NamedTuple):
    """The rule, and the type or ignored namespace that the rule is about."""

    rule: Rule
    name: str = ""


@dataclass(frozen=True, slots=True)
class Desired:
    """The mirrors that the remote asks for."""

    mirrors: Mapping[Key, Mirror]
    skipped: Mapping[Key, Skip] = field(default_factory=dict)
    """Eligible Services that are skipped, with the first reason that applies."""
    not_eligible: Mapping[NotEligible, int] = field(default_factory=dict)
    """How many Services are not eligible for which reason; sorted."""
    other_types: Mapping[Key, str] = field(default_factory=dict)
    """The types of Services that are not eligible for their type, but have a local Service of the same name."""
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
    skipped: dict[Key, Skip] = {}
    counted: Counter[NotEligible] = Counter()
    types: dict[Key, str] = {}
    ports: list[tuple[Key, RemotePort]] = []
    for service in (found := sorted(services, key=lambda service: service.key)):
        if rule := _not_eligible(service, scope):
            counted[rule] += 1
            if rule.rule == Rule.TYPE and service.key in present:
                types[service.key] = rule.name
        elif skip := _skip(service):
            skipped[service.key] = skip
        else:
            mirrors[service.key] = _mirror(service, scope)
            ports += [(service.key, port) for port in service.ports if not port.node_port]
    local_traffic = frozenset(service.key for service in found if service.local_traffic)
    node_ports = {number: key for key, mirror in mirrors.items() for number in mirror.node_ports}
    return Desired(mirrors, skipped, dict(sorted(counted.items())), types, tuple(ports), local_traffic, node_ports)


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
    is_wanted = not (_not_eligible(service, scope) or _skip(service))
    if live is None:
        return is_wanted
    stays = is_wanted or waits or live.ignored or live.key.namespace in scope.ignored_namespaces
    return stays and live.is_mirror and scope.whose(live.origin) is Whose.THIS_SOURCE


def _not_eligible(service: RemoteService, scope: Scope) -> NotEligible | None:
    types = {"NodePort", "LoadBalancer"} if scope.include_loadbalancers else {"NodePort"}
    if not all(map(_NAME.fullmatch, service.key)):
        return NotEligible(Rule.NAME)
    if service.type not in types:
        return NotEligible(Rule.TYPE, service.type if service.type in _TYPES else "unknown")
    if service.key.namespace in scope.ignored_namespaces:
        return NotEligible(Rule.IGNORED_NAMESPACE, service.key.namespace)
    if not scope.covers(service.key.namespace):
        return NotEligible(Rule.OTHER_NAMESPACE)
    return None


def _skip(service: RemoteService) -> Skip | None:
    checks = (
        (service.ignored, Skip.IGNORED),
        (service.marker == MIRROR_MARKER, Skip.MIRROR),
        (service.marker == MANUAL_MARKER and not service.has_selector, Skip.MANUAL),
        (service.deleting, Skip.DELETING),
        (not any(port.node_port for port in service.ports), Skip.NO_NODE_PORT),
        (not _is_possible(service), Skip.INVALID_PORT),
    )
    return next((reason for applies, reason in checks if applies), None)


def _is_possible(service: RemoteService) -> bool:
    """Whether the local API server can accept the mirror. Otherwise the write would fail in every run."""
    ports = [port for port in service.ports if port.node_port]
    names = [port.name for port in ports]
    numbers = [(port.protocol, port.port) for port in ports]
    node_ports = [(port.protocol, port.node_port) for port in ports]
    distinct = all(len({*each}) == len(ports) for each in (names, numbers, node_ports))
    named = len(ports) == 1 or all(names)
    return distinct and named and all(map(_is_possible_port, service.ports)) and _is_possible_affinity(service.affinity)


def _is_possible_affinity(affinity: Affinity) -> bool:
    return affinity == Affinity() or (affinity.mode == "ClientIP" and 0 < (affinity.timeout or 0) <= _LONGEST_AFFINITY)


def _is_possible_port(port: RemotePort) -> bool:
    numbers = 0 < port.port <= _LAST_PORT and 0 <= port.node_port <= _LAST_PORT
    name = not port.name or _NAME.fullmatch(port.name)
    app_protocol = not port.app_protocol or _APP_PROTOCOL.fullmatch(port.app_protocol)
    return bool(numbers and name and app_protocol and port.protocol in _PROTOCOLS)


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
