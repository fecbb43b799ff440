"""Which Services of the remote cluster get a mirror, and what it looks like. Pure.

The rules of README, "What it does with a service", as far as the remote decides.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from barrelman_sync.model.names import MANUAL_MARKER, MIRROR_MARKER, EndpointPort, Key, ServicePort
from barrelman_sync.model.remote import RemoteService
from barrelman_sync.model.settings import Scope
from barrelman_sync.model.wanted import Mirror


class Skip(StrEnum):
    """Why a remote Service that could be mirrored is not."""

    IGNORED = "annotated to be ignored at the remote"
    MIRROR = "is a mirror itself at the remote"
    MANUAL = "is a manual service at the remote"
    DELETING = "is being deleted at the remote"
    NO_NODE_PORT = "has no node port at the remote"


class Skipped(NamedTuple):
    """A remote Service that is left out, and why."""

    key: Key
    reason: Skip


@dataclass(frozen=True, slots=True)
class Desired:
    """The mirrors that the remote asks for."""

    mirrors: Mapping[Key, Mirror]
    skipped: Mapping[Key, Skipped] = field(default_factory=dict)
    """Candidates that are left out, with the first reason that applies."""
    never_candidates: Mapping[str, int] = field(default_factory=dict)
    """How many Services never were candidates, by reason."""
    warnings: tuple[str, ...] = ()


def desired_mirrors(services: Iterable[RemoteService], scope: Scope) -> Desired:
    """What the local cluster should hold of these remote Services."""
    mirrors: dict[Key, Mirror] = {}
    skipped: dict[Key, Skipped] = {}
    counted: Counter[str] = Counter()
    warnings: list[str] = []
    for service in sorted(services, key=lambda service: service.key):
        if reason := _not_a_candidate(service, scope):
            counted[reason] += 1
        elif skip := _skip_reason(service):
            skipped[service.key] = Skipped(service.key, skip)
        else:
            mirrors[service.key] = _mirror(service, scope)
            warnings.extend(_left_out_ports(service))
    return Desired(mirrors, skipped, dict(sorted(counted.items())), tuple(warnings))


def endpoint_ports(ports: Iterable[ServicePort]) -> tuple[EndpointPort, ...]:
    """The endpoint ports that serve these Service ports, all of which must have numeric target ports.

    kube-proxy joins the two by name and protocol (pkg/proxy/endpointslicecache.go), so both are always carried over.
    """
    return tuple(
        sorted(EndpointPort(port.name, port.protocol, int(port.target_port), port.app_protocol) for port in ports)
    )


def _not_a_candidate(service: RemoteService, scope: Scope) -> str | None:
    types = {"NodePort", "LoadBalancer"} if scope.include_loadbalancers else {"NodePort"}
    if service.type not in types:
        return f"type {service.type}"
    if service.key.namespace in scope.ignored_namespaces:
        return f"ignored namespace {service.key.namespace}"
    return None


def _skip_reason(service: RemoteService) -> Skip | None:
    checks = (
        (service.ignored, Skip.IGNORED),
        (service.marker == MIRROR_MARKER, Skip.MIRROR),
        (service.marker == MANUAL_MARKER and not service.has_selector, Skip.MANUAL),
        (service.deleting, Skip.DELETING),
        (not any(port.node_port for port in service.ports), Skip.NO_NODE_PORT),
    )
    return next((reason for applies, reason in checks if applies), None)


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
    return Mirror(service.key, scope.source, tuple(sorted(ports)), service.affinity, local_type, service.local_traffic)


def _left_out_ports(service: RemoteService) -> list[str]:
    return [
        f"port {port.name or port.port}/{port.protocol} of Service {service.key} is left out:"
        " the remote gave it no node port"
        for port in service.ports
        if not port.node_port
    ]
