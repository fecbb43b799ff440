"""The rules by which a remote Service gets a mirror, as small named checks: those that need only this Service. Pure.

A check says whether a rule stands against the Service. The chains, at the end of this module, have the rules in order:
the first one that stands against the Service is the reason.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from barrelman_sync.model.names import MANUAL_MARKER, MIRROR_MARKER, Affinity
from barrelman_sync.model.remote import RemotePort, RemoteService
from barrelman_sync.model.selector import matches
from barrelman_sync.model.settings import Scope
from barrelman_sync.planning.reasons import Rule, Skip

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


class Answer(NamedTuple):
    """What a rule says of a remote Service: None if the rule does not stand against the Service."""

    rule: Rule | Skip
    why_not: NotEligible | Skip | None


Check = Callable[[RemoteService, Scope], bool]


# --- is the Service eligible? ------------------------------------------------------------------------------------


def has_an_impossible_name(service: RemoteService, _: Scope) -> bool:
    return not all(map(_NAME.fullmatch, service.key))


def is_of_another_type(service: RemoteService, scope: Scope) -> bool:
    return not (service.type == "NodePort" or (service.type == "LoadBalancer" and scope.include_loadbalancers))


def is_in_an_ignored_namespace(service: RemoteService, scope: Scope) -> bool:
    return service.key.namespace in scope.ignored_namespaces


def is_in_another_namespace(service: RemoteService, scope: Scope) -> bool:
    return not scope.covers(service.key.namespace)


def is_not_selected(service: RemoteService, scope: Scope) -> bool:
    return not matches(scope.service_selector, service.labels)


# --- is an eligible Service skipped? -----------------------------------------------------------------------------


def is_annotated_to_be_ignored(service: RemoteService, _: Scope) -> bool:
    return service.ignored


def is_a_mirror(service: RemoteService, _: Scope) -> bool:
    return service.marker == MIRROR_MARKER


def is_a_manual_service(service: RemoteService, _: Scope) -> bool:
    return service.marker == MANUAL_MARKER and not service.has_selector


def is_being_deleted(service: RemoteService, _: Scope) -> bool:
    return service.deleting


def has_no_node_port(service: RemoteService, _: Scope) -> bool:
    return not any(port.node_port for port in service.ports)


def has_an_impossible_port(service: RemoteService, _: Scope) -> bool:
    """Whether the local API server would refuse the mirror: then the write would fail in every run."""
    ports = [port for port in service.ports if port.node_port]
    names = [port.name for port in ports]
    numbers = [(port.protocol, port.port) for port in ports]
    node_ports = [(port.protocol, port.node_port) for port in ports]
    distinct = all(len({*each}) == len(ports) for each in (names, numbers, node_ports))
    named = len(ports) == 1 or all(names)
    possible = all(map(_is_possible_port, service.ports)) and _is_possible_affinity(service.affinity)
    return not (distinct and named and possible)


def _is_possible_affinity(affinity: Affinity) -> bool:
    return affinity == Affinity() or (affinity.mode == "ClientIP" and 0 < (affinity.timeout or 0) <= _LONGEST_AFFINITY)


def _is_possible_port(port: RemotePort) -> bool:
    numbers = 0 < port.port <= _LAST_PORT and 0 <= port.node_port <= _LAST_PORT
    name = not port.name or _NAME.fullmatch(port.name)
    app_protocol = not port.app_protocol or _APP_PROTOCOL.fullmatch(port.app_protocol)
    return bool(numbers and name and app_protocol and port.protocol in _PROTOCOLS)


# --- chains ------------------------------------------------------------------------------------------------------

ELIGIBILITY: Mapping[Rule, Check] = {
    Rule.IMPOSSIBLE_NAME: has_an_impossible_name,
    Rule.OTHER_TYPE: is_of_another_type,
    Rule.IGNORED_NAMESPACE: is_in_an_ignored_namespace,
    Rule.OTHER_NAMESPACE: is_in_another_namespace,
    Rule.NOT_SELECTED: is_not_selected,
}
"""Why a Service is not eligible: the first rule that stands against it."""

SKIPPING: Mapping[Skip, Check] = {
    Skip.IGNORED: is_annotated_to_be_ignored,
    Skip.MIRROR: is_a_mirror,
    Skip.MANUAL: is_a_manual_service,
    Skip.DELETING: is_being_deleted,
    Skip.NO_NODE_PORT: has_no_node_port,
    Skip.INVALID_PORT: has_an_impossible_port,
}
"""Why an eligible Service is skipped: the first rule that stands against it."""


def not_eligible(service: RemoteService, scope: Scope) -> NotEligible | None:
    """Why the Service is not eligible; None if it is."""
    rule = next((rule for rule, stands_against in ELIGIBILITY.items() if stands_against(service, scope)), None)
    return NotEligible(rule, _subject(rule, service)) if rule else None


def skipped(service: RemoteService, scope: Scope) -> Skip | None:
    """Why the Service, which must be eligible, is skipped; None if it gets a mirror."""
    return next((skip for skip, stands_against in SKIPPING.items() if stands_against(service, scope)), None)


def answers(service: RemoteService, scope: Scope) -> Iterator[Answer]:
    """The answer of every rule, also of those behind the first that stands against the Service.

    So somebody who has to change two things learns of both.
    """
    for rule, stands_against in ELIGIBILITY.items():
        yield Answer(rule, NotEligible(rule, _subject(rule, service)) if stands_against(service, scope) else None)
    for skip, stands_against in SKIPPING.items():
        yield Answer(skip, skip if stands_against(service, scope) else None)


def _subject(rule: Rule, service: RemoteService) -> str:
    """The type or the namespace that the rule is about; empty for other rules."""
    match rule:
        case Rule.OTHER_TYPE:
            return service.type if service.type in _TYPES else "unknown"
        case Rule.IGNORED_NAMESPACE:
            return service.key.namespace
        case _:
            return ""
