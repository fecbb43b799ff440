"""Which nodes of the remote cluster take part, and by which address. Pure.

After Kubernetes' own service controller (cloud-provider controllers/service/controller.go) and
GKE's (ingress-gce pkg/utils/zonegetter): cordoned nodes keep their traffic, leaving ones do not.
"""

import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from barrelman_sync.model.names import Family
from barrelman_sync.model.remote import Node
from barrelman_sync.model.selector import matches
from barrelman_sync.model.settings import IPNetwork, NodeRules
from barrelman_sync.planning.pool import Member, Pool, pool

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
DRAIN_LABEL = "operation.gke.io/type"
AUTOSCALER_TAINT = "ToBeDeletedByClusterAutoscaler"
ZONE_LABEL = "topology.kubernetes.io/zone"
RULE_LABELS = frozenset({EXCLUDE_LABEL, DRAIN_LABEL, ZONE_LABEL})


class Exclusion(StrEnum):
    """Why a node takes no part."""

    DELETING = "being deleted"
    AUTOSCALER = "about to be removed by the cluster autoscaler"
    EXCLUDED = f"label {EXCLUDE_LABEL}"
    DRAINING = f"label {DRAIN_LABEL}=drain"
    NOT_SELECTED = "does not match --node-selector"
    NETWORK = "network unavailable"
    NO_ADDRESS = "no usable InternalIP"
    NOT_ALLOWED = "InternalIP outside --allowed-node-cidr"
    NOT_READY = "not ready"
    UNKNOWN = "readiness unknown"


class Excluded(NamedTuple):
    """A node that takes no part, and why."""

    node: str
    reason: Exclusion


@dataclass(frozen=True, slots=True)
class NodeChoice:
    """The nodes that take part: a pool for each family that any of them has an address of."""

    pools: Mapping[Family, Pool] = field(default_factory=dict)
    excluded: tuple[Excluded, ...] = ()
    listed: int = 0
    names: Mapping[str, str] = field(default_factory=dict)
    """The node of each InternalIP, of all nodes that were listed."""
    assumed_ready: tuple[str, ...] = ()
    """Nodes of unknown readiness that count as ready, because fewer than half of the fit ones are."""

    @property
    def taking_part(self) -> int:
        """How many nodes take part."""
        return self.listed - len(self.excluded)

    @property
    def why(self) -> str:
        """Why the others do not, counted, in brackets after a space; empty where there are none."""
        reasons = Counter(excluded.reason for excluded in self.excluded)
        counted = ", ".join(f"{reason}: {number}" for reason, number in sorted(reasons.items()))
        return f" ({counted})" if counted else ""

    @property
    def is_empty(self) -> bool:
        """Whether no node takes part."""
        return not self.pools


def label_keys(rules: NodeRules) -> frozenset[str]:
    """The labels of nodes that a decision may look at."""
    return RULE_LABELS | {requirement.key for requirement in rules.selector}


def choose_nodes(nodes: Iterable[Node], rules: NodeRules) -> NodeChoice:
    """The nodes that take part.

    Where fewer than half of the otherwise fit ones are Ready, Unknown ones count as ready: the remote control plane has
    probably lost sight of them (node_lifecycle_controller.go stops evicting for the same reason).
    """
    verdicts = [(node, _unfit(node, rules) or _addresses(node, rules)) for node in sorted(nodes, key=_by_name)]
    fit = [node for node, verdict in verdicts if not isinstance(verdict, Exclusion)]
    lost = 2 * sum(node.ready == "True" for node in fit) < len(fit)
    members: dict[Family, list[Member]] = {}
    excluded, assumed = [], []
    for node, fitness in verdicts:
        verdict = fitness if isinstance(fitness, Exclusion) else _unready(node, lost=lost) or fitness
        if isinstance(verdict, Exclusion):
            excluded.append(Excluded(node.name, verdict))
            continue
        if node.ready != "True":
            assumed.append(node.name)
        for family, address in verdict.items():
            members.setdefault(family, []).append(Member(node.name, address, node.labels.get(ZONE_LABEL, "")))
    pools = {family: pool(found) for family, found in members.items()}
    names = {address: node.name for node, _ in verdicts for address in node.addresses}
    return NodeChoice(pools, tuple(excluded), len(verdicts), names, tuple(assumed))


def family_of(address: IPAddress) -> Family:
    """The name that Kubernetes gives the family of an address."""
    return "IPv6" if isinstance(address, ipaddress.IPv6Address) else "IPv4"


def _by_name(node: Node) -> str:
    return node.name


def _unfit(node: Node, rules: NodeRules) -> Exclusion | None:
    checks = (
        (node.deleting, Exclusion.DELETING),
        (AUTOSCALER_TAINT in node.taints, Exclusion.AUTOSCALER),
        (node.labels.get(EXCLUDE_LABEL, "false") != "false", Exclusion.EXCLUDED),
        (node.labels.get(DRAIN_LABEL) == "drain", Exclusion.DRAINING),
        (not matches(rules.selector, node.labels), Exclusion.NOT_SELECTED),
        (node.network_unavailable, Exclusion.NETWORK),
    )
    return next((reason for failed, reason in checks if failed), None)


def _unready(node: Node, *, lost: bool) -> Exclusion | None:
    if node.ready == "True" or (node.ready == "Unknown" and lost):
        return None
    return Exclusion.UNKNOWN if node.ready == "Unknown" else Exclusion.NOT_READY


def _addresses(node: Node, rules: NodeRules) -> dict[Family, str] | Exclusion:
    """The first usable address of each family."""
    usable = [address for text in node.addresses if (address := _usable(text))]
    if not usable:
        return Exclusion.NO_ADDRESS
    allowed = [address for address in usable if _allowed(address, rules.allowed)]
    if not allowed:
        return Exclusion.NOT_ALLOWED
    return {family_of(address): str(address) for address in reversed(allowed)}


def _usable(text: str) -> IPAddress | None:
    """The address, unless the API would refuse it in an endpoint: one such address fails the whole object.

    See ValidateEndpointIP in pkg/apis/core/validation/validation.go.
    That accepts global multicast, where nobody answers.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    refused = address.is_unspecified or address.is_loopback or address.is_link_local or address.is_multicast
    if refused or (isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.scope_id)):
        return None
    return address


def _allowed(address: IPAddress, networks: tuple[IPNetwork, ...]) -> bool:
    return not networks or any(address in network for network in networks)
