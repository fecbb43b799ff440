"""Which nodes are used: each rule beside what looks like it and is none."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from barrelman_sync.model.names import Family
from barrelman_sync.model.remote import Node
from barrelman_sync.model.selector import parse_selector
from barrelman_sync.model.settings import NodeRules
from barrelman_sync.planning.nodes import NodeChoice, choose_nodes, label_keys
from barrelman_sync.planning.reasons import Exclusion, Reason, Why, because
from tests.values.builders import cases, node

EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"
DRAIN = "operation.gke.io/type"
ANY = NodeRules()
ALL = NodeRules(use_excluded=True)
FARGATE, VIRTUAL = {"eks.amazonaws.com/compute-type": "fargate"}, {"type": "virtual-kubelet"}
NO_BALANCER = {"alpha.service-controller.kubernetes.io/exclude-balancer": "true"}
POOL = NodeRules(selector=parse_selector("pool=a"))


def reason_for(asked: Node, rules: NodeRules = ANY) -> Exclusion | None:
    """Return why a node is excluded, next to two Ready nodes, so that the rule of panic mode does not apply."""
    sound = (node("sound 1", "10.9.9.1", labels={"pool": "a"}), node("sound 2", "10.9.9.2", labels={"pool": "a"}))
    excluded = dict(choose_nodes((*sound, asked), rules).excluded)
    return excluded.get(asked.name)


@cases(
    "asked, reason",
    {
        "being deleted": (node(deleting=True), Exclusion.DELETING),
        "the autoscaler's taint": (node(taints=frozenset({"ToBeDeletedByClusterAutoscaler"})), Exclusion.AUTOSCALER),
        "label excluded, true": (node(labels={EXCLUDE: "true"}), Exclusion.EXCLUDE_LABEL),
        "label excluded, without a value": (node(labels={EXCLUDE: ""}), Exclusion.EXCLUDE_LABEL),
        "label excluded, some value": (node(labels={EXCLUDE: "False"}), Exclusion.EXCLUDE_LABEL),
        "a Fargate node": (node(labels=FARGATE), Exclusion.NO_NODE_PORTS),
        "a virtual-kubelet": (node(labels=VIRTUAL), Exclusion.NO_NODE_PORTS),
        "another virtual node": (node(labels=NO_BALANCER), Exclusion.NO_NODE_PORTS),
        "a virtual node with the label excluded": (
            node(labels={EXCLUDE: "true", **VIRTUAL}),
            Exclusion.NO_NODE_PORTS,
        ),
        "draining on GKE": (node(labels={DRAIN: "drain"}), Exclusion.DRAIN_LABEL),
        "network unavailable": (node(network_unavailable=True), Exclusion.NETWORK_UNAVAILABLE),
        "not ready": (node(ready="False"), Exclusion.NOT_READY),
        "no condition Ready at all": (node(ready=None), Exclusion.NOT_READY),
        "readiness unknown": (node(ready="Unknown"), Exclusion.READY_UNKNOWN),
        "no address": (Node("a", ready="True"), Exclusion.NO_INTERNAL_IP),
    },
)
def test_the_node_is_excluded(asked: Node, reason: Exclusion) -> None:
    assert reason_for(asked) is reason


@cases(
    "asked",
    {
        "as it is": node(),
        "label excluded, false": node(labels={EXCLUDE: "false"}),
        "EKS, but no Fargate": node(labels={"eks.amazonaws.com/compute-type": "ec2"}),
        "another type": node(labels={"type": "virtual"}),
        "kept at the balancer": node(labels={next(iter(NO_BALANCER)): "false"}),
        "another operation on GKE": node(labels={DRAIN: "upgrade"}),
        "cordoned": node(taints=frozenset({"node.kubernetes.io/unschedulable"})),
        "the autoscaler's other taint": node(taints=frozenset({"DeletionCandidateOfClusterAutoscaler"})),
        "a taint of the user": node(taints=frozenset({"dedicated"})),
        "labels that no rule asks for": node(labels={"pool": "b"}),
    },
)
def test_the_node_is_used(asked: Node) -> None:
    assert reason_for(asked) is None


@cases(
    "asked, reason",
    {
        "label excluded": (node(labels={EXCLUDE: "true"}), None),
        "label excluded, without a value": (node(labels={EXCLUDE: ""}), None),
        "no label": (node(), None),
        "not ready as well": (node(labels={EXCLUDE: "true"}, ready="False"), Exclusion.NOT_READY),
        "draining as well": (node(labels={EXCLUDE: "true", DRAIN: "drain"}), Exclusion.DRAIN_LABEL),
        "a node that serves no node port": (node(labels=NO_BALANCER), Exclusion.NO_NODE_PORTS),
    },
)
def test_excluded_nodes_are_used_if_the_user_says_so(asked: Node, reason: Exclusion | None) -> None:
    assert reason_for(asked, ALL) is reason


LABELED = node("a", labels={EXCLUDE: "true"})
BROKEN = node("b", labels={EXCLUDE: "true"}, ready="False")
NO_NODE = Why(Reason.NO_NODE)


@cases(
    "nodes, rules, why",
    {
        "only excluded ones": ((LABELED, BROKEN), ANY, because(Reason.ONLY_EXCLUDED_NODES, nodes=1)),
        "excluded ones that are of no use": ((BROKEN,), ANY, NO_NODE),
        "excluded ones that serve no node port": ((node(labels={EXCLUDE: "true", **FARGATE}),), ANY, NO_NODE),
        "excluded ones that are not selected": ((LABELED,), POOL, NO_NODE),
        "excluded ones with the option": ((BROKEN,), ALL, NO_NODE),
        "others of no use": ((node(ready="False"),), ANY, NO_NODE),
        "no node": ((), ANY, NO_NODE),
    },
)
def test_why_no_node_is_used(nodes: tuple[Node, ...], rules: NodeRules, why: Why) -> None:
    choice = choose_nodes(nodes, rules)
    assert choice.is_empty
    assert choice.why_empty == why


def test_the_option_is_of_no_interest_as_long_as_a_node_is_used() -> None:
    assert choose_nodes((node("a"), replace(LABELED, name="b")), ANY).usable_with_option == 0


@cases(
    "asked, reason",
    {
        "it has the label": (node(labels={"pool": "a"}), None),
        "it has the label and others": (node(labels={"pool": "a", "zone": "x"}), None),
        "it has another value": (node(labels={"pool": "b"}), Exclusion.NOT_SELECTED),
        "it has no such label": (node(), Exclusion.NOT_SELECTED),
    },
)
def test_node_selector(asked: Node, reason: Exclusion | None) -> None:
    assert reason_for(asked, POOL) is reason


def test_the_first_reason_that_applies_is_told() -> None:
    everything = node(
        "a",
        "127.0.0.1",
        deleting=True,
        taints=frozenset({"ToBeDeletedByClusterAutoscaler"}),
        labels={EXCLUDE: "true", DRAIN: "drain"},
        network_unavailable=True,
        ready="False",
    )
    assert reason_for(everything, POOL) is Exclusion.DELETING


# --- addresses --------------------------------------------------------------------------------------------------

NOT_USABLE = {
    "loopback": "127.0.0.1",
    "link-local": "169.254.10.1",
    "multicast of the link": "224.0.0.1",
    "global multicast": "239.1.2.3",
    "unspecified": "0.0.0.0",  # noqa: S104
    "IPv6 loopback": "::1",
    "IPv6 link-local": "fe80::1",
    "IPv6 multicast": "ff02::1",
    "IPv6 unspecified": "::",
    "IPv4 in IPv6": "::ffff:10.0.0.1",
    "metadata in IPv6": "::ffff:169.254.169.254",
    "metadata by NAT64": "64:ff9b::169.254.169.254",
    "loopback by NAT64": "64:ff9b::7f00:1",
    "with a zone": "fd00::1%eth0",
    "a name": "node-a.internal",
    "leading zeros": "010.0.0.1",
    "empty": "",
}


@cases("address", NOT_USABLE)
def test_an_address_that_the_api_refuses_is_none(address: str) -> None:
    assert reason_for(node("a", address)) is Exclusion.NO_INTERNAL_IP


@cases("address", NOT_USABLE)
def test_a_usable_address_behind_it_counts(address: str) -> None:
    assert chosen(node("a", address, "10.0.0.7")) == {"IPv4": "10.0.0.7"}


def addresses(choice: NodeChoice, family: Family) -> tuple[str, ...]:
    return choice.pools[family].addresses if family in choice.pools else ()


def chosen(asked: Node, *allowed: str) -> dict[Family, str]:
    choice = choose_nodes([asked], NodeRules(allowed=tuple(ipaddress.ip_network(text) for text in allowed)))
    return {family: found.addresses[0] for family, found in choice.pools.items()}


@cases(
    "asked, expected",
    {
        "the only one": (node("a", "10.0.0.1"), {"IPv4": "10.0.0.1"}),
        "the first of two": (node("a", "10.0.0.2", "10.0.0.1"), {"IPv4": "10.0.0.2"}),
        "the first of each family": (
            node("a", "10.0.0.2", "fd00::2", "10.0.0.1", "fd00::1"),
            {"IPv4": "10.0.0.2", "IPv6": "fd00::2"},
        ),
        "the family that comes second": (
            node("a", "fd00::2", "10.0.0.2", "fd00::1"),
            {"IPv4": "10.0.0.2", "IPv6": "fd00::2"},
        ),
        "written canonically": (node("a", "FD00:0:0:0:0:0:0:1"), {"IPv6": "fd00::1"}),
        "a public one": (node("a", "203.0.113.7"), {"IPv4": "203.0.113.7"}),
    },
)
def test_the_address_of_a_node(asked: Node, expected: dict[Family, str]) -> None:
    assert chosen(asked) == expected


@cases(
    "allowed, expected",
    {
        "no network means any": ((), {"IPv4": "192.168.0.5", "IPv6": "fd00::5"}),
        "the first one inside": (("10.0.0.0/8",), {"IPv4": "10.0.0.5"}),
        "one network a family": (("10.0.0.0/8", "fd00::/8"), {"IPv4": "10.0.0.5", "IPv6": "fd00::5"}),
        "two networks of a family": (("10.0.0.0/8", "192.168.0.0/16"), {"IPv4": "192.168.0.5"}),
        "a network of one address": (("10.0.0.5/32",), {"IPv4": "10.0.0.5"}),
        "a network of all": (("0.0.0.0/0",), {"IPv4": "192.168.0.5"}),
    },
)
def test_allowed_networks(allowed: tuple[str, ...], expected: dict[Family, str]) -> None:
    assert chosen(node("a", "192.168.0.5", "10.0.0.5", "fd00::5"), *allowed) == expected


def test_a_node_outside_the_allowed_networks_is_excluded() -> None:
    rules = NodeRules(allowed=(ipaddress.ip_network("172.16.0.0/12"),))
    assert reason_for(node("a", "192.168.0.5"), rules) is Exclusion.ADDRESS_NOT_ALLOWED


def test_a_node_without_usable_address_is_not_called_outside_the_allowed_networks() -> None:
    rules = NodeRules(allowed=(ipaddress.ip_network("172.16.0.0/12"),))
    assert reason_for(node("a", "127.0.0.1"), rules) is Exclusion.NO_INTERNAL_IP


# --- addresses that callers must not be sent to -----------------------------------------------------------------

METADATA = {
    "AWS": "fd00:ec2::254",
    "AWS, written otherwise": "FD00:0EC2:0:0:0:0:0:0254",
    "EKS Pod Identity": "fd00:ec2::23",
    "Google Cloud": "fd20:ce::254",
    "Oracle Cloud": "fd00:c1::a9fe:a9fe",
    "Oracle Cloud, formerly": "192.0.0.192",
    "Azure": "168.63.129.16",
    "Azure by NAT64": "64:ff9b::168.63.129.16",
    "Alibaba Cloud": "100.100.100.200",
    "Alibaba Cloud in IPv6": "fd00:100::100:200",
    "Scaleway": "fd00:42::42",
}
API_SERVER = ("10.96.0.1", "10.0.0.1", "fd00::1")


@cases("address", METADATA)
def test_a_metadata_service_is_no_node(address: str) -> None:
    assert reason_for(node("a", address)) is Exclusion.METADATA_ADDRESS
    assert chosen(node("a", address, "10.0.0.7")) == {"IPv4": "10.0.0.7"}


@cases("address", {"beside it": "fd00:ec2::255", "beside Azure's": "168.63.129.17", "by NAT64": "64:ff9b::10.0.0.1"})
def test_an_address_beside_a_metadata_service_is_used(address: str) -> None:
    assert reason_for(node("a", address)) is None


@cases(
    "asked, reason",
    {
        "its Service": (node("a", "10.96.0.1"), Exclusion.LOCAL_API_SERVER),
        "what is behind it": (node("a", "10.0.0.1"), Exclusion.LOCAL_API_SERVER),
        "in IPv6, written otherwise": (node("a", "FD00:0:0:0:0:0:0:1"), Exclusion.LOCAL_API_SERVER),
        "by NAT64": (node("a", "64:ff9b::10.0.0.1"), Exclusion.LOCAL_API_SERVER),
        "one more address": (node("a", "10.0.0.1", "10.0.0.7"), None),
        "another address": (node("a", "10.0.0.2"), None),
    },
)
def test_the_local_api_server_is_no_node(asked: Node, reason: Exclusion | None) -> None:
    sound = (node("sound 1", "10.9.9.1"), node("sound 2", "10.9.9.2"))
    choice = choose_nodes((*sound, asked), ANY, frozenset(API_SERVER))
    assert dict(choice.excluded).get("a") is reason
    assert not {*API_SERVER, "64:ff9b::a00:1"}.intersection(*(pool.addresses for pool in choice.pools.values()))


def test_the_option_for_excluded_nodes_does_not_reach_the_local_api_server() -> None:
    choice = choose_nodes([node("a", "10.0.0.1", labels={EXCLUDE: "true"})], ANY, frozenset(API_SERVER))
    assert (choice.used, choice.usable_with_option) == (0, 0)


# --- many nodes that are not ready ------------------------------------------------------------------------------

STATUS = {"T": "True", "F": "False", "U": "Unknown", "-": None}


def fleet(statuses: str) -> list[Node]:
    return [node(f"n{n}", f"10.0.0.{n + 1}", ready=STATUS[status]) for n, status in enumerate(statuses)]


@cases(
    "statuses, used, assumed",
    {
        "all ready": ("TTT", "n0 n1 n2", ""),
        "most ready: unknown stays out": ("TTU", "n0 n1", ""),
        "exactly half ready: unknown stays out": ("TTUU", "n0 n1", ""),
        "fewer than half ready: unknown counts": ("TUU", "n0 n1 n2", "n1 n2"),
        "none ready: unknown counts": ("UU", "n0 n1", "n0 n1"),
        "fewer than half ready: not ready stays out": ("TUFF", "n0 n1", "n1"),
        "fewer than half ready, no condition: stays out": ("TU--", "n0 n1", "n1"),
        "fewer than half ready, none unknown": ("TFF", "n0", ""),
        "none ready and none unknown": ("FF-", "", ""),
        "no nodes": ("", "", ""),
    },
)
def test_fewer_than_half_ready(statuses: str, used: str, assumed: str) -> None:
    choice = choose_nodes(fleet(statuses), ANY)
    assert [found.name for found in fleet(statuses) if found.name not in dict(choice.excluded)] == used.split()
    assert addresses(choice, "IPv4") == tuple(f"10.0.0.{int(name[1:]) + 1}" for name in used.split())
    assert list(choice.assumed_ready) == assumed.split()
    assert choice.is_empty == (not used)
    assert choice.listed == len(statuses)


@cases(
    "unfit",
    {
        "being deleted": node("x", deleting=True, ready="Unknown"),
        "excluded": node("x", labels={EXCLUDE: "true"}, ready="Unknown"),
        "without network": node("x", network_unavailable=True, ready="Unknown"),
        "without address": Node("x", ready="Unknown"),
    },
)
def test_unfit_nodes_are_not_counted_as_lost(unfit: Node) -> None:
    others = [replace(unfit, name=f"x{n}") for n in range(5)]
    assert choose_nodes([*fleet("TTU"), *others], ANY).assumed_ready == ()


def test_addresses_are_unique_and_sorted() -> None:
    fleet = [node(f"n{n}", address) for n, address in enumerate(["10.0.0.9", "10.0.0.10", "10.0.0.9", "10.0.0.1"])]
    assert addresses(choose_nodes(fleet, ANY), "IPv4") == ("10.0.0.1", "10.0.0.10", "10.0.0.9")


def test_a_family_without_nodes_has_no_addresses() -> None:
    assert addresses(choose_nodes([node()], ANY), "IPv6") == ()


def test_exclusions_come_in_the_order_of_the_names() -> None:
    names = ["n7", "n3", "n9", "n1", "n5"]
    excluded = choose_nodes([node(name, ready="False") for name in names], ANY).excluded
    assert [name for name, _ in excluded] == sorted(names)


def test_the_labels_that_rules_ask_for_are_known() -> None:
    assert label_keys(NodeRules(parse_selector("pool=a,!spot"))) >= {EXCLUDE, DRAIN, "pool", "spot"}
