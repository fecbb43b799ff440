"""Small named checks of one local Service, or of a wanted mirror. Pure.

A check returns a reason or None. A chain of checks returns the first reason. The chains, at the end of this module,
read like the table of docs/mirroring.md.
"""

from collections.abc import Callable
from typing import TypeVar

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Origin
from barrelman_sync.model.settings import Whose
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.reasons import Reason, Why, because
from barrelman_sync.planning.situation import Situation

T = TypeVar("T", LocalService, Mirror)

Chain = tuple[Callable[[Situation, T], Why | None], ...]


def first_reason(chain: Chain[T], situation: Situation, subject: T) -> Why | None:
    """The reason of the first check that has a reason; None if no check has one."""
    return next((why for check in chain if (why := check(situation, subject))), None)


# --- may the object be written? ----------------------------------------------------------------------------------


def of_another_source(situation: Situation, live: LocalService) -> Why | None:
    return _of_another(situation, live.origin, Reason.OTHER_SOURCE)


def served_by_another_source(situation: Situation, live: LocalService) -> Why | None:
    return _of_another(situation, situation.serving_origin(live), Reason.SERVED_BY_OTHER_SOURCE)


def endpoints_that_no_run_deletes(situation: Situation, live: LocalService) -> Why | None:
    """Why endpoints stay that no run may delete: they are of this cluster's other name, or another cluster's."""
    origins = (found.origin for found in situation.managed_endpoints(live.key))
    whys = (_of_another(situation, origin, Reason.SERVED_BY_OTHER_SOURCE) for origin in origins)
    return next((why for why in whys if why and why.reason is not Reason.SERVED_BY_OTHER_SOURCE), None)


def _of_another(situation: Situation, origin: Origin, reason: Reason) -> Why | None:
    name = origin.name or f"the cluster with uid {origin.uid}"
    match situation.scope.whose(origin):
        case Whose.THIS_SOURCE:
            return None
        case Whose.OTHER_CLUSTER:
            return because(Reason.OTHER_CLUSTER, source=name, uid=str(origin.uid))
        case Whose.OTHER_NAME:
            return because(Reason.OTHER_NAME, source=name)
        case Whose.OTHER_SOURCE:
            return because(reason, source=name)


def in_an_ignored_namespace(situation: Situation, live: LocalService) -> Why | None:
    return Why(Reason.IGNORED_NAMESPACE) if live.key.namespace in situation.scope.ignored_namespaces else None


def in_another_namespace(situation: Situation, live: LocalService) -> Why | None:
    return None if situation.scope.covers(live.key.namespace) else Why(Reason.OTHER_NAMESPACE)


def annotated_to_be_ignored(_: Situation, live: LocalService) -> Why | None:
    return Why(Reason.IGNORED) if live.ignored else None


def being_deleted(_: Situation, live: LocalService) -> Why | None:
    return Why(Reason.DELETING) if live.deleting else None


def in_a_terminating_namespace(situation: Situation, subject: LocalService | Mirror) -> Why | None:
    namespace = situation.local.namespaces.get(subject.key.namespace)
    if namespace is None or not namespace.terminating:
        return None
    return because(Reason.NAMESPACE_TERMINATING, namespace=subject.key.namespace)


def in_a_missing_namespace(situation: Situation, wanted: Mirror) -> Why | None:
    if situation.scope.create_namespaces or situation.has_namespace(wanted.key.namespace):
        return None
    return because(Reason.NAMESPACE_MISSING, namespace=wanted.key.namespace)


# --- does somebody else serve the Service? -----------------------------------------------------------------------


def has_a_selector(_: Situation, live: LocalService) -> Why | None:
    return Why(Reason.HAS_SELECTOR) if live.has_selector else None


def is_an_external_name(_: Situation, live: LocalService) -> Why | None:
    return Why(Reason.EXTERNAL_NAME) if live.type == "ExternalName" else None


def is_headless(_: Situation, live: LocalService) -> Why | None:
    return Why(Reason.HEADLESS) if live.headless else None


def targets_a_name(_: Situation, live: LocalService) -> Why | None:
    """A target port by name means a port of the Service's own pods. Remote nodes have none: they need a number."""
    names = [str(port.target_port) for port in live.ports if isinstance(port.target_port, str)]
    return because(Reason.NAMED_TARGET_PORT, names=", ".join(names)) if names else None


# --- chains ------------------------------------------------------------------------------------------------------

OFF_LIMITS: Chain[LocalService] = (in_another_namespace, being_deleted, in_a_terminating_namespace)
"""Why a local Service and its endpoints are never written, whatever the remote asks for."""

LEAVE_MIRROR: Chain[LocalService] = (*OFF_LIMITS, of_another_source)
"""Why a mirror and its endpoints are left. A mirror that is off limits is not judged: it cannot fail the run."""

IGNORE_MIRROR: Chain[LocalService] = (in_an_ignored_namespace, annotated_to_be_ignored)
"""Why a mirror stays as it is, although its endpoints are written. Ignoring is about mirroring, not about endpoints."""

RELEASE_MIRROR: Chain[LocalService] = (has_a_selector, is_an_external_name, is_headless)
"""Why a mirror is released: a user made the mirror a Service of their own."""

LEAVE_UNASKED: Chain[LocalService] = (*IGNORE_MIRROR, *OFF_LIMITS)
"""Why endpoints of ours stay at a Service that does not ask for endpoints any more."""

LEAVE_MANUAL: Chain[LocalService] = (*OFF_LIMITS, served_by_another_source)

UNSERVABLE: Chain[LocalService] = (has_a_selector, is_an_external_name)
"""Why a Service that we do not write must not have endpoints of ours."""

UNCREATABLE_MIRROR: Chain[Mirror] = (in_a_terminating_namespace, in_a_missing_namespace)
