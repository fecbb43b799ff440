"""Which nodes of the remote cluster are used, and by which address. Pure.

The rules follow Kubernetes' service controller (cloud-provider controllers/service/controller.go) and GKE's
(ingress-gce pkg/utils/zonegetter): a cordoned node keeps its traffic, a node that is about to be removed does not.
"""

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from barrelman_sync.model.names import Family
from barrelman_sync.model.remote import Node
from barrelman_sync.model.selector import is_label_value, keys, matches
from barrelman_sync.model.settings import IPNetwork, NodeRules
from barrelman_sync.planning.pool import Member, Pool, pool
from barrelman_sync.planning.reasons import Exclusion, Reason, Why, because

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
DRAIN_LABEL = "operation.gke.io/type"
NODE_PORTLESS = {
    "eks.amazonaws.com/compute-type": "fargate",
    "type": "virtual-kubelet",
    "alpha.service-controller.kubernetes.io/exclude-balancer": "true",
}
"""Labels of nodes on which no kube-proxy answers at node ports. Virtual-kubelet sets the last two."""
AUTOSCALER_TAINT = "ToBeDeletedByClusterAutoscaler"
ZONE_LABEL = "topology.kubernetes.io/zone"
RULE_LABELS = frozenset({EXCLUDE_LABEL, DRAIN_LABEL, ZONE_LABEL, *NODE_PORTLESS})


METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            *("fd00:ec2::254", "fd00:ec2::23"),  # AWS: instance metadata, EKS Pod Identity
            "fd20:ce::254",  # Google Cloud
            *("192.0.0.192", "fd00:c1::a9fe:a9fe"),  # Oracle Cloud
            "fd00:42::42",  # Scaleway
            "168.63.129.16",  # Azure: its host, which serves the secrets of the VM's extensions
            *("100.100.100.200", "fd00:100::100:200"),  # Alibaba Cloud
        ),
    )
)
"""The addresses at which clouds give credentials to a machine, apart from link-local ones, which no node may have.

Callers would send requests there that a remote chose. Other projects block the same addresses; no list is complete, so
SECURITY.md advises `--allowed-node-cidr`.
"""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Addresses of this network end in an IPv4 address, to which gateways translate them (RFC 6052)."""


class Excluded(NamedTuple):
    """A node that is not used, and why."""

    node: str
    reason: Exclusion


@dataclass(frozen=True, slots=True)
class NodeChoice:
    """Which remote nodes are used, and why the other nodes are not."""

    pools: Mapping[Family, Pool] = field(default_factory=dict)
    """By IP family. A family of which no used node has an address has no pool."""
    excluded: tuple[Excluded, ...] = ()
    listed: int = 0
    names: Mapping[str, str] = field(default_factory=dict)
    """The names of all listed nodes, by InternalIP."""
    zones: Mapping[str, str] = field(default_factory=dict)
    """The zones of the used nodes, by the address that is used. Without the nodes that have no zone."""
    assumed_ready: tuple[str, ...] = ()
    """The used nodes whose readiness is unknown (panic mode)."""
    usable_with_option: int = 0
    """If no node is used: how many nodes `--use-excluded-nodes` would add."""

    @property
    def used(self) -> int:
        """How many nodes are used."""
        return self.listed - len(self.excluded)

    @property
    def is_empty(self) -> bool:
        """Whether no node is used."""
        return not self.pools

    @property
    def why_empty(self) -> Why:
        """Why no node is used, if none is."""
        if self.usable_with_option:
            return because(Reason.ONLY_EXCLUDED_NODES, nodes=self.usable_with_option)
        return Why(Reason.NO_NODE)


def label_keys(rules: NodeRules) -> frozenset[str]:
    """The keys of the node labels that a decision looks at. Other labels need not be read."""
    return RULE_LABELS | keys(rules.selector)


def choose_nodes(nodes: Iterable[Node], rules: NodeRules, api_server: Collection[str] = ()) -> NodeChoice:
    """Decides which nodes are used. `api_server` are the addresses of the local API server.

    If fewer than half of the otherwise usable nodes are Ready, nodes whose Ready is Unknown are assumed ready: the
    remote control plane has probably lost contact with its nodes. (Then node_lifecycle_controller.go stops evicting.)
    With three nodes that meet all other rules:

        Ready of the nodes                 used
        True     True     Unknown          the first two
        True     Unknown  Unknown          all three, two of them assumed ready
        True     False    Unknown          the first and the last, which is assumed ready
        False    False    False            none
    """
    # A verdict is the reason why the node is excluded, or the node's address in each family.
    ordered = sorted(nodes, key=_by_name)
    verdicts = [(node, _unfit(node, rules) or _addresses(node, rules, api_server)) for node in ordered]
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
    choice = NodeChoice(pools, tuple(excluded), len(verdicts), names, _zones(pools), tuple(assumed))
    if pools or rules.use_excluded:
        return choice
    with_option = choose_nodes(ordered, replace(rules, use_excluded=True), api_server)
    return replace(choice, usable_with_option=with_option.used)


def _zones(pools: Mapping[Family, Pool]) -> dict[str, str]:
    """The zones by address. Of two nodes that have one address, the zone that comes last in the alphabet counts.

    What no label can be is no zone: the server would refuse the whole slice (validateHints in
    pkg/apis/discovery/validation).
    """
    found = [(zone, entries) for pool in pools.values() for zone, entries in pool.zones.items()]
    return {address: zone for zone, entries in found if zone and is_label_value(zone) for _, address in entries}


def family_of(address: IPAddress) -> Family:
    """The name that Kubernetes gives the family of an address."""
    return "IPv6" if isinstance(address, ipaddress.IPv6Address) else "IPv4"


def _by_name(node: Node) -> str:
    return node.name


def _unfit(node: Node, rules: NodeRules) -> Exclusion | None:
    checks = (
        (node.deleting, Exclusion.DELETING),
        (AUTOSCALER_TAINT in node.taints, Exclusion.AUTOSCALER),
        (any(node.labels.get(label) == value for label, value in NODE_PORTLESS.items()), Exclusion.NO_NODE_PORTS),
        (not rules.use_excluded and node.labels.get(EXCLUDE_LABEL, "false") != "false", Exclusion.EXCLUDE_LABEL),
        (node.labels.get(DRAIN_LABEL) == "drain", Exclusion.DRAIN_LABEL),
        (not matches(rules.selector, node.labels), Exclusion.NOT_SELECTED),
        (node.network_unavailable, Exclusion.NETWORK_UNAVAILABLE),
    )
    return next((reason for failed, reason in checks if failed), None)


def _unready(node: Node, *, lost: bool) -> Exclusion | None:
    if node.ready == "True" or (node.ready == "Unknown" and lost):
        return None
    return Exclusion.READY_UNKNOWN if node.ready == "Unknown" else Exclusion.NOT_READY


def _addresses(node: Node, rules: NodeRules, api_server: Collection[str]) -> dict[Family, str] | Exclusion:
    """The first usable and allowed address of each family, or why there is none."""
    found = [address for text in node.addresses if (address := _usable(text))]
    if not found:
        return Exclusion.NO_INTERNAL_IP
    # What is left after each rule; the rule that leaves nothing is the reason.
    if not (found := [address for address in found if _reached(address) not in METADATA]):
        return Exclusion.METADATA_ADDRESS
    if not (found := [address for address in found if str(_reached(address)) not in api_server]):
        return Exclusion.LOCAL_API_SERVER
    if not (found := [address for address in found if _allowed(address, rules.allowed)]):
        return Exclusion.ADDRESS_NOT_ALLOWED
    # Reversed, because the last entry of a dict wins, and the first address of a family should.
    return {family_of(address): str(address) for address in reversed(found)}


def _usable(text: str) -> IPAddress | None:
    """The address; None if it cannot be an endpoint. One address that the API refuses fails the whole object.

    See ValidateEndpointIP in pkg/apis/core/validation/validation.go, which accepts global multicast. We do not: no node
    answers there.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    reached = _reached(address)
    refused = reached.is_unspecified or reached.is_loopback or reached.is_link_local or reached.is_multicast
    if refused or (isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.scope_id)):
        return None
    return address


def _reached(address: IPAddress) -> IPAddress:
    """The address that answers: that of a NAT64 address is an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address) and address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _allowed(address: IPAddress, networks: tuple[IPNetwork, ...]) -> bool:
    return not networks or any(address in network for network in networks)
