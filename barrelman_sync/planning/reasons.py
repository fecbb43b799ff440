"""Every reason that a decision can have: closed sets of stable words, for documents and metrics. Pure.

The message of each reason, a sentence for people, is in `report.messages`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Rule(StrEnum):
    """Why a remote Service is not eligible."""

    IMPOSSIBLE_NAME = "impossible_name"
    OTHER_TYPE = "other_type"
    IGNORED_NAMESPACE = "ignored_namespace"
    OTHER_NAMESPACE = "other_namespace"
    NOT_SELECTED = "not_selected"


class Skip(StrEnum):
    """Why a remote Service is skipped although it is eligible."""

    IGNORED = "ignored"
    MIRROR = "mirror"
    MANUAL = "manual"
    DELETING = "deleting"
    NO_NODE_PORT = "no_node_port"
    INVALID_PORT = "invalid_port"


class Exclusion(StrEnum):
    """Why a remote node is excluded."""

    DELETING = "deleting"
    AUTOSCALER = "autoscaler"
    NO_NODE_PORTS = "no_node_ports"
    EXCLUDE_LABEL = "exclude_label"
    DRAIN_LABEL = "drain_label"
    NOT_SELECTED = "not_selected"
    NETWORK_UNAVAILABLE = "network_unavailable"
    NO_INTERNAL_IP = "no_internal_ip"
    METADATA_ADDRESS = "metadata_address"
    LOCAL_API_SERVER = "local_api_server"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    NOT_READY = "not_ready"
    READY_UNKNOWN = "ready_unknown"


class NotServing(StrEnum):
    """Why a used node does not serve a Service. Only the story of the Service tells it."""

    NO_ADDRESS = "no_address"
    NO_ENDPOINT = "no_endpoint"
    NOT_PICKED = "not_picked"
    HELD_BACK = "held_back"
    UNKNOWN = "unknown"


class Answering(StrEnum):
    """Which nodes answer for a Service: all used ones, or with externalTrafficPolicy Local those with an endpoint."""

    USED_NODE = "used_node"
    SERVING_NODE = "serving_node"


class Reason(StrEnum):
    """Why a step is what it is, or what a warning is about."""

    # create, update, unchanged
    MISSING = "missing"
    DIFFERS = "differs"
    SAME = "same"

    # a Service that Kubernetes or a user serves: released if it was a mirror, without our endpoints if it is manual
    HAS_SELECTOR = "has_selector"
    STALE_TARGET_PORT = "stale_target_port"
    EXTERNAL_NAME = "external_name"
    HEADLESS = "headless"

    # delete
    NOT_IN_REMOTE = "not_in_remote"
    OTHER_TYPE = "other_type"
    LOAD_BALANCER = "load_balancer"
    NOT_SELECTED = "not_selected"
    NODE_PORT_NEEDED = "node_port_needed"
    SKIPPED = "skipped"
    LABEL_REMOVED = "label_removed"
    RELEASED = "released"
    FAMILY_REMOVED = "family_removed"
    SLICES_TAKE_OVER = "slices_take_over"
    ENDPOINTS_TAKE_OVER = "endpoints_take_over"
    ADDRESSES_MOVED = "addresses_moved"
    LEFT_OVER = "left_over"

    # mark again
    MARK_IN_FUTURE = "mark_in_future"
    MARK_UNREADABLE = "mark_unreadable"

    # leave
    ORPHANED = "orphaned"
    LOCAL_SERVICE = "local_service"
    OTHER_SOURCE = "other_source"
    SERVED_BY_OTHER_SOURCE = "served_by_other_source"
    OTHER_CLUSTER = "other_cluster"
    OTHER_NAME = "other_name"
    IGNORED = "ignored"
    IGNORED_NAMESPACE = "ignored_namespace"
    OTHER_NAMESPACE = "other_namespace"
    DELETING = "deleting"
    NAMESPACE_TERMINATING = "namespace_terminating"
    NAMESPACE_MISSING = "namespace_missing"
    NAMED_TARGET_PORT = "named_target_port"
    FAMILY_UNSERVED = "family_unserved"

    # keep endpoints
    NO_NODE = "no_node"
    ONLY_EXCLUDED_NODES = "only_excluded_nodes"
    NO_ADDRESS = "no_address"
    REMOTE_SLICES_UNREADABLE = "remote_slices_unreadable"
    NO_SERVING_NODE = "no_serving_node"
    NOT_COPIED_YET = "not_copied_yet"

    # hold back
    TOO_MANY_DELETES = "too_many_deletes"
    NO_REMOTE_NODE = "no_remote_node"
    NODE_PORT_HELD_BACK = "node_port_held_back"

    # warn
    ASSUMED_READY = "assumed_ready"
    NO_ZONE = "no_zone"
    MIRRORING_LIMIT = "mirroring_limit"
    PORT_SKIPPED = "port_skipped"
    NOTHING_COPIED = "nothing_copied"
    ELECTS_LEADER = "elects_leader"


GUARDED = frozenset(
    {
        Reason.NOT_IN_REMOTE,
        Reason.OTHER_TYPE,
        Reason.LOAD_BALANCER,
        Reason.NOT_SELECTED,
        Reason.NODE_PORT_NEEDED,
        Reason.SKIPPED,
        Reason.LABEL_REMOVED,
        Reason.HAS_SELECTOR,
        Reason.EXTERNAL_NAME,
    }
)
"""A delete with one of these reasons takes something from callers. Guards count such deletes, and may hold them back.
"""

UNGUARDED = frozenset(
    {
        Reason.RELEASED,
        Reason.FAMILY_REMOVED,
        Reason.SLICES_TAKE_OVER,
        Reason.ENDPOINTS_TAKE_OVER,
        Reason.ADDRESSES_MOVED,
        Reason.LEFT_OVER,
    }
)
"""A delete with one of these reasons takes nothing from callers. Each reason to delete is in this set or in GUARDED."""

_UNKNOWN = frozenset({Reason.NO_NODE, Reason.ONLY_EXCLUDED_NODES, Reason.NO_ADDRESS, Reason.REMOTE_SLICES_UNREADABLE})

FAILING = _UNKNOWN | {Reason.OTHER_CLUSTER}
"""An object that is left for one of these reasons should have been written, so the run fails."""

KEEPING = _UNKNOWN | {Reason.NO_SERVING_NODE, Reason.NOT_COPIED_YET}
"""A Leave with one of these reasons keeps endpoints, because no better ones are known."""

LEAVING = KEEPING | {
    Reason.ORPHANED,
    Reason.LOCAL_SERVICE,
    Reason.OTHER_SOURCE,
    Reason.SERVED_BY_OTHER_SOURCE,
    Reason.OTHER_CLUSTER,
    Reason.OTHER_NAME,
    Reason.IGNORED,
    Reason.IGNORED_NAMESPACE,
    Reason.OTHER_NAMESPACE,
    Reason.DELETING,
    Reason.NAMESPACE_TERMINATING,
    Reason.NAMESPACE_MISSING,
    Reason.NAMED_TARGET_PORT,
    Reason.HAS_SELECTOR,
    Reason.EXTERNAL_NAME,
    Reason.FAMILY_UNSERVED,
}
"""Every reason for which a local object is left."""

WARNING = frozenset(
    {
        Reason.ASSUMED_READY,
        Reason.NO_ZONE,
        Reason.MIRRORING_LIMIT,
        Reason.PORT_SKIPPED,
        Reason.NOTHING_COPIED,
        Reason.ELECTS_LEADER,
    }
)
"""The reasons that only warnings have, and no step."""


@dataclass(frozen=True, slots=True)
class Why:
    """A reason, and the facts (names, numbers, other reasons) that the message of the reason contains."""

    reason: Reason
    facts: "Mapping[str, str | int | Why]" = field(default_factory=dict)


def because(reason: Reason, **facts: str | int | Why) -> Why:
    """The reason with its facts."""
    return Why(reason, facts)
