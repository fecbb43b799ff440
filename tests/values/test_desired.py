"""Which remote Services get a mirror, and what it looks like."""

from __future__ import annotations

from dataclasses import replace

from barrelman_sync.model.names import Affinity, Key, Origin
from barrelman_sync.model.remote import RemoteService
from barrelman_sync.model.selector import parse_selector
from barrelman_sync.model.settings import Scope, Whose
from barrelman_sync.planning.desired import desired_mirrors
from barrelman_sync.planning.eligibility import NotEligible
from barrelman_sync.planning.reasons import Rule
from barrelman_sync.report.messages import not_eligible
from tests.values.builders import CART, PROD, SCOPE, cases, port, remote, service_port

SYSTEM = Key("kube-system", "dns")
LOADBALANCERS = replace(SCOPE, include_loadbalancers=True)
NODEPORTS = replace(SCOPE, nodeports=True)
SELECTED = replace(SCOPE, service_selector=parse_selector("tier in (web,api),!internal"))


@cases(
    "service, reason",
    {
        "annotated to be ignored": (remote(ignored=True), "ignored"),
        "a mirror": (remote(marker="managed-resource"), "mirror"),
        "a mirror that has a selector": (
            remote(marker="managed-resource", has_selector=True),
            "mirror",
        ),
        "a manual service": (remote(marker="true", has_selector=False), "manual"),
        "being deleted": (remote(deleting=True), "deleting"),
        "no node port": (remote(CART, port(node_port=0)), "no_node_port"),
        "no port": (remote(CART, ports=()), "no_node_port"),
        "a port above all": (remote(CART, port(), port(65536)), "invalid_port"),
        "a node port above all": (remote(CART, port(80, 70000)), "invalid_port"),
        "a negative node port": (remote(CART, port(80, -5)), "invalid_port"),
        "a port that is no number of a port": (remote(CART, port(10**30)), "invalid_port"),
        "port 0": (remote(CART, port(0)), "invalid_port"),
        "an unknown protocol": (remote(CART, port(80, 30080, "http", "tcp\x1b[31m")), "invalid_port"),
        "a long name": (remote(CART, port(80, 30080, "x" * 64)), "invalid_port"),
        "a name of a port that is none": (remote(CART, port(name="Foo_Bar")), "invalid_port"),
        "a long appProtocol": (remote(CART, port(app_protocol="x" * 64)), "invalid_port"),
        "an appProtocol with a long domain": (remote(CART, port(app_protocol=f"{'x' * 254}/a")), "invalid_port"),
        "an appProtocol with a space": (remote(CART, port(app_protocol="a b")), "invalid_port"),
        "an appProtocol with half a domain": (remote(CART, port(app_protocol="a..b/c")), "invalid_port"),
        "two ports of one name": (remote(CART, port(80, 30080, "a"), port(81, 30081, "a")), "invalid_port"),
        "two ports, one without a name": (remote(CART, port(80, 30080, "a"), port(81, 30081, "")), "invalid_port"),
        "a port twice": (remote(CART, port(80, 30080, "a"), port(80, 30081, "b")), "invalid_port"),
        "a node port twice": (remote(CART, port(80, 30080, "a"), port(81, 30080, "b")), "invalid_port"),
        "an unknown affinity": (remote(affinity=Affinity("X")), "invalid_port"),
        "an affinity for ever": (remote(affinity=Affinity("ClientIP", 86_401)), "invalid_port"),
        "a timeout without affinity": (remote(affinity=Affinity("None", 60)), "invalid_port"),
        "all at once: the first reason": (
            remote(CART, port(node_port=0), ignored=True, deleting=True, marker="managed-resource"),
            "ignored",
        ),
    },
)
def test_skipped_by_name_with_the_reason(service: RemoteService, reason: str) -> None:
    desired = desired_mirrors([service], SCOPE)
    assert (desired.mirrors, desired.skipped[CART]) == ({}, reason)


@cases(
    "service, scope",
    {
        "as it is": (remote(), SCOPE),
        "the last port": (remote(CART, port(65535, 65535, "x" * 63, "SCTP", f"{'x.' * 126}x/{'X' * 63}")), SCOPE),
        "two protocols at one port": (
            remote(CART, port(53, 30053, "a", "TCP", "kubernetes.io/h2c"), port(53, 30053, "b", "UDP", "HTTP_2")),
            SCOPE,
        ),
        "the longest affinity": (remote(affinity=Affinity("ClientIP", 86_400)), SCOPE),
        "a long name": (remote(Key("n" * 63, "s" * 63)), SCOPE),
        "a name that begins with a digit": (remote(Key("2", "1-a")), SCOPE),
        "label true with a selector, so no manual service": (remote(marker="true"), SCOPE),
        "label with another value": (remote(marker="false", has_selector=False), SCOPE),
        "without selector, without label": (remote(has_selector=False), SCOPE),
        "a load balancer, if included": (remote(type="LoadBalancer"), LOADBALANCERS),
        "NodePort, if load balancers are included": (remote(), LOADBALANCERS),
        "labels that match": (remote(labels={"tier": "web"}), SELECTED),
        "labels that match, among others": (remote(labels={"tier": "api", "team": "shop"}), SELECTED),
        "kube-system, if not ignored": (remote(SYSTEM), replace(SCOPE, ignored_namespaces=frozenset())),
    },
)
def test_mirrored(service: RemoteService, scope: Scope) -> None:
    desired = desired_mirrors([service], scope)
    assert list(desired.mirrors) == [service.key]
    assert (desired.skipped, desired.not_eligible, desired.skipped_ports) == ({}, {}, ())


@cases(
    "service, scope, reason",
    {
        "type ClusterIP": (remote(type="ClusterIP"), SCOPE, "type ClusterIP"),
        "type ExternalName": (remote(type="ExternalName"), SCOPE, "type ExternalName"),
        "a load balancer": (remote(type="LoadBalancer"), SCOPE, "type LoadBalancer"),
        "ClusterIP even with load balancers": (remote(type="ClusterIP"), LOADBALANCERS, "type ClusterIP"),
        "another namespace": (remote(), replace(SCOPE, namespaces=frozenset({"web"})), "outside --namespace"),
        "ignored namespace": (remote(SYSTEM), SCOPE, "ignored namespace kube-system"),
        "no labels": (remote(), SELECTED, "does not match --service-selector"),
        "another label": (remote(labels={"tier": "db"}), SELECTED, "does not match --service-selector"),
        "one requirement of two": (
            remote(labels={"tier": "web", "internal": ""}),
            SELECTED,
            "does not match --service-selector",
        ),
        "the type before the labels": (remote(type="ClusterIP"), SELECTED, "type ClusterIP"),
        "the ignored namespace before the labels": (remote(SYSTEM), SELECTED, "ignored namespace kube-system"),
        "--namespace before the labels": (
            remote(),
            replace(SELECTED, namespaces=frozenset({"web"})),
            "outside --namespace",
        ),
        "the labels before the annotation": (remote(ignored=True), SELECTED, "does not match --service-selector"),
        "an unknown type": (remote(type="\x1b[31m"), SCOPE, "type unknown"),
        **{
            f"name {name[:20]!r}": (remote(key), SCOPE, "name that Kubernetes does not allow")
            for name in ("", "..", "../../kube-system/services/dns", "a/b", "a.b", "A", "-a", "a-", "a,b)", "x" * 64)
            for key in (Key("shop", name), Key(name, "cart"))
        },
        "type before anything else": (remote(SYSTEM, type="ClusterIP", ignored=True), SCOPE, "type ClusterIP"),
        "namespace before the annotation": (remote(SYSTEM, ignored=True), SCOPE, "ignored namespace kube-system"),
    },
)
def test_what_is_not_eligible_is_counted_only(service: RemoteService, scope: Scope, reason: str) -> None:
    desired = desired_mirrors([service], scope)
    assert (desired.mirrors, desired.skipped) == ({}, {})
    assert {not_eligible(why): keys for why, keys in desired.not_eligible.items()} == {reason: (service.key,)}


def test_what_is_not_eligible_is_sorted_by_reason_and_key() -> None:
    inner = [Key("shop", f"s{n}") for n in range(3)]
    services = [remote(key, type="ClusterIP") for key in reversed(inner)] + [remote(SYSTEM)]
    assert list(desired_mirrors(services, SCOPE).not_eligible.items()) == [
        (NotEligible(Rule.IGNORED_NAMESPACE, "kube-system"), (SYSTEM,)),
        (NotEligible(Rule.OTHER_TYPE, "ClusterIP"), tuple(inner)),
    ]


def test_what_is_no_longer_eligible_has_a_local_service() -> None:
    services = [remote(key, type="ClusterIP") for key in (CART, Key("shop", "other"))]
    desired = desired_mirrors(services, SCOPE, {CART})
    assert desired.no_longer_eligible == {CART: NotEligible(Rule.OTHER_TYPE, "ClusterIP")}


def test_the_mirror_of_a_service() -> None:
    affinity = Affinity("ClientIP", 600)
    web, dns = port(80, 30080, "web", "TCP", "http"), port(53, 30053, "dns", "UDP")
    found = desired_mirrors([remote(CART, web, dns, affinity=affinity)], SCOPE).mirrors[CART]
    assert (found.key, found.origin, found.type, found.affinity) == (CART, PROD, "ClusterIP", affinity)
    assert found.ports == (
        service_port(53, 30053, "dns", "UDP"),
        service_port(80, 30080, "web", "TCP", app_protocol="http"),
    )
    assert found.node_ports == frozenset()


def test_with_node_ports_the_mirror_has_those_of_the_remote() -> None:
    dns = port(53, 30053, "dns", "UDP"), port(53, 30053, "dns-tcp", "TCP")
    found = desired_mirrors([remote(CART, *dns)], NODEPORTS).mirrors[CART]
    assert found.type == "NodePort"
    assert found.node_ports == {30053}
    assert {item.node_port for item in found.ports} == {30053}


def test_ports_without_node_port_are_skipped_by_name() -> None:
    ports = port(80, 30080), port(81, 0, "admin"), port(82, 0, "", "UDP")
    desired = desired_mirrors([remote(CART, *ports)], SCOPE)
    assert desired.mirrors[CART].ports == (service_port(),)
    assert desired.skipped_ports == ((CART, ports[1]), (CART, ports[2]))


def test_a_skipped_service_warns_of_no_ports() -> None:
    assert desired_mirrors([remote(CART, port(node_port=0))], SCOPE).skipped_ports == ()


def test_everything_comes_in_the_order_of_the_keys() -> None:
    keys = [Key("b", "x"), Key("a", "z"), Key("c", "a"), Key("a", "b"), Key("b", "a")]
    ports = port(), port(81, 0, "admin")
    desired = desired_mirrors([remote(key, *ports) for key in keys], SCOPE)
    skipping = desired_mirrors([remote(key, ignored=True) for key in keys], SCOPE)
    assert list(desired.mirrors) == list(skipping.skipped) == sorted(keys)
    assert [key for key, _ in desired.skipped_ports] == sorted(keys)


ADOPTING = replace(SCOPE, adopted_source="old")
AGAIN = replace(SCOPE, adopted_source="prod")
BY_DEFAULT = replace(SCOPE, default_name="gke_p_l_prod")
HERE, ELSEWHERE = "uid of prod", "another uid"


@cases(
    "origin, scope, whose",
    {
        "our own": (Origin("prod", HERE), SCOPE, Whose.THIS_SOURCE),
        "our own of a version before the uid": (Origin("prod"), SCOPE, Whose.THIS_SOURCE),
        "the original's": (Origin(), SCOPE, Whose.THIS_SOURCE),
        "our own without its label": (Origin(None, HERE), SCOPE, Whose.THIS_SOURCE),
        "the adopted one": (Origin("old", HERE), ADOPTING, Whose.THIS_SOURCE),
        "the adopted one before the uid": (Origin("old"), ADOPTING, Whose.THIS_SOURCE),
        "the adopted one of another cluster": (Origin("old", ELSEWHERE), ADOPTING, Whose.THIS_SOURCE),
        "our name taken over": (Origin("prod", ELSEWHERE), AGAIN, Whose.THIS_SOURCE),
        "the context as a name, before the uid": (Origin("gke_p_l_prod"), BY_DEFAULT, Whose.THIS_SOURCE),
        "the context as a name": (Origin("gke_p_l_prod", HERE), BY_DEFAULT, Whose.THIS_SOURCE),
        "our name, another cluster": (Origin("prod", ELSEWHERE), SCOPE, Whose.OTHER_CLUSTER),
        "our name, another cluster, another adopted": (Origin("prod", ELSEWHERE), ADOPTING, Whose.OTHER_CLUSTER),
        "another name, this cluster": (Origin("stage", HERE), SCOPE, Whose.OTHER_NAME),
        "another": (Origin("stage"), SCOPE, Whose.OTHER_SOURCE),
        "another, another cluster": (Origin("stage", ELSEWHERE), SCOPE, Whose.OTHER_SOURCE),
        "another beside the adopted one": (Origin("stage"), ADOPTING, Whose.OTHER_SOURCE),
        "another cluster's without its label": (Origin(None, ELSEWHERE), SCOPE, Whose.OTHER_SOURCE),
        "the context as a name, another cluster": (Origin("gke_p_l_prod", ELSEWHERE), BY_DEFAULT, Whose.OTHER_SOURCE),
        "empty is a name too": (Origin(""), SCOPE, Whose.OTHER_SOURCE),
    },
)
def test_whose_it_is(origin: Origin, scope: Scope, whose: Whose) -> None:
    assert scope.whose(origin) is whose
