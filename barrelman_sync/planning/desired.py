"""Which Services of the remote cluster get a mirror, and what the mirror looks like. Pure.

These are the rules of README, "What it does with a service", that need only the remote Service.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from barrelman_sync.model.local import Local
from barrelman_sync.model.names import MANUAL_MARKER, MIRROR_MARKER, Key, ServicePort
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
"""The name of a Service or a namespace (a DNS label). A remote that is no Kubernetes may say anything."""
_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_LONGEST_PORT_NAME = 63
_LONGEST_APP_PROTOCOL = 317
"""A qualified name: a domain of 253 characters, a slash, a name of 63."""
_LAST_PORT = 65535


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


def local_traffic(services: Iterable[RemoteService], scope: Scope, local: Local) -> list[Key]:
    """The remote Services with externalTrafficPolicy Local that have a mirror or will get one.

    Only for these, a run has to read which nodes have endpoints. A mirror may stay although its Service is no longer
    eligible, for example in a namespace that is ignored now.
    """
    return [service.key for service in services if service.local_traffic and _has_mirror(service, scope, local)]


def _has_mirror(service: RemoteService, scope: Scope, local: Local) -> bool:
    """Whether the Service has a mirror, or will get one."""
    if not scope.covers(service.key.namespace):
        return False
    if live := local.services.get(service.key):
        return live.is_mirror and scope.whose(live.origin) is Whose.THIS_SOURCE
    return not (_not_eligible(service, scope) or _skip(service))


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
        (not all(map(_is_possible, service.ports)), Skip.INVALID_PORT),
    )
    return next((reason for applies, reason in checks if applies), None)


def _is_possible(port: RemotePort) -> bool:
    """Whether the local API server can accept the port. Otherwise the write would fail in every run."""
    numbers = 0 < port.port <= _LAST_PORT and 0 <= port.node_port <= _LAST_PORT
    texts = len(port.name) <= _LONGEST_PORT_NAME and len(port.app_protocol or "") <= _LONGEST_APP_PROTOCOL
    return numbers and texts and port.protocol in _PROTOCOLS


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
