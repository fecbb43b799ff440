"""The message for every reason: a sentence for people. Programs use the word of the reason, see `planning.reasons`."""

from collections import Counter
from collections.abc import Iterable, Mapping

from barrelman_sync.model.names import LEADER
from barrelman_sync.planning.eligibility import NotEligible
from barrelman_sync.planning.nodes import DRAIN_LABEL, EXCLUDE_LABEL, ZONE_LABEL, NodeChoice
from barrelman_sync.planning.reasons import KEEPING, Answering, Exclusion, NotServing, Reason, Rule, Skip, Why
from barrelman_sync.planning.result import Report
from barrelman_sync.planning.steps import Leave

RULES: Mapping[Rule, str] = {
    Rule.IMPOSSIBLE_NAME: "name that Kubernetes does not allow",
    Rule.OTHER_TYPE: "type",
    Rule.IGNORED_NAMESPACE: "ignored namespace",
    Rule.OTHER_NAMESPACE: "outside --namespace",
    Rule.NOT_SELECTED: "does not match --service-selector",
}

SKIPS: Mapping[Skip, str] = {
    Skip.IGNORED: "the remote Service is annotated to be ignored",
    Skip.MIRROR: "the remote Service is a mirror itself",
    Skip.MANUAL: "the remote Service is a manual service",
    Skip.DELETING: "the remote Service is being deleted",
    Skip.NO_NODE_PORT: "the remote Service has no node port",
    Skip.INVALID_PORT: "a port, or the session affinity, has a value that Kubernetes does not allow",
}

PASSED: Mapping[Rule | Skip, str] = {
    Rule.IMPOSSIBLE_NAME: "a name that Kubernetes allows",
    Rule.OTHER_TYPE: "a type that is mirrored",
    Rule.IGNORED_NAMESPACE: "not in an ignored namespace",
    Rule.OTHER_NAMESPACE: "not outside --namespace",
    Rule.NOT_SELECTED: "matches --service-selector",
    Skip.IGNORED: "not annotated to be ignored",
    Skip.MIRROR: "not a mirror itself",
    Skip.MANUAL: "not a manual service",
    Skip.DELETING: "not being deleted",
    Skip.NO_NODE_PORT: "has a node port",
    Skip.INVALID_PORT: "ports and session affinity that Kubernetes allows",
}
"""What each rule says of a Service that it does not stand against."""

NOT_SERVING: Mapping[NotServing, str] = {
    NotServing.NO_ADDRESS: "no address of the Service's IP families",
    NotServing.NO_ENDPOINT: "no ready endpoint of the Service (externalTrafficPolicy Local)",
    NotServing.NOT_PICKED: "not picked (--max-endpoints)",
    NotServing.UNKNOWN: "not known to have an endpoint of the Service (externalTrafficPolicy Local)",
}

EXCLUSIONS: Mapping[Exclusion, str] = {
    Exclusion.DELETING: "being deleted",
    Exclusion.AUTOSCALER: "about to be removed by the cluster autoscaler",
    Exclusion.NO_NODE_PORTS: "serves no node ports (virtual node)",
    Exclusion.EXCLUDE_LABEL: f"label {EXCLUDE_LABEL}",
    Exclusion.DRAIN_LABEL: f"label {DRAIN_LABEL}=drain",
    Exclusion.NOT_SELECTED: "does not match --node-selector",
    Exclusion.NETWORK_UNAVAILABLE: "network unavailable",
    Exclusion.NO_INTERNAL_IP: "no usable InternalIP",
    Exclusion.METADATA_ADDRESS: "InternalIP of a cloud's metadata service",
    Exclusion.LOCAL_API_SERVER: "InternalIP that is the local API server's address here: overlapping networks?",
    Exclusion.ADDRESS_NOT_ALLOWED: "InternalIP outside --allowed-node-cidr",
    Exclusion.NOT_READY: "not ready",
    Exclusion.READY_UNKNOWN: "readiness unknown",
}

_ANSWERING: Mapping[Answering, str] = {
    Answering.USED_NODE: "used node",
    Answering.SERVING_NODE: "serving node (externalTrafficPolicy Local)",
}

REASONS: Mapping[Reason, str] = {
    Reason.MISSING: "the object does not exist",
    Reason.DIFFERS: "the object differs",
    Reason.SAME: "the object is as wanted",
    Reason.HAS_SELECTOR: "a selector is set, so Kubernetes manages the endpoints",
    Reason.STALE_TARGET_PORT: (
        "a selector is set, so Kubernetes manages the endpoints; targetPort {port} is still the remote's node port: set"
        " targetPort in your manifest"
    ),
    Reason.EXTERNAL_NAME: "type ExternalName has no endpoints",
    Reason.HEADLESS: "clusterIP is set to None (headless)",
    Reason.NOT_IN_REMOTE: "the remote has no Service of this name",
    Reason.OTHER_TYPE: "the remote Service is of type {type} now",
    Reason.LOAD_BALANCER: "the remote Service is of type LoadBalancer now, see --include-loadbalancers",
    Reason.NOT_SELECTED: "the remote Service no longer matches --service-selector",
    Reason.NODE_PORT_NEEDED: "{why}; deleted without grace, because {service} needs node port {port}",
    Reason.SKIPPED: "{skip}",
    Reason.LABEL_REMOVED: "the label tfw.io/barrelman no longer asks for endpoints",
    Reason.RELEASED: "the mirror is released: {why}",
    Reason.FAMILY_REMOVED: "spec.ipFamilies no longer has {family}",
    Reason.SLICES_TAKE_OVER: "EndpointSlices take over",
    Reason.ENDPOINTS_TAKE_OVER: "Kubernetes' copies of the Endpoints take over",
    Reason.ADDRESSES_MOVED: "the addresses of this slice are in other slices, or gone",
    Reason.LEFT_OVER: "left over from when there was a selector",
    Reason.MARK_IN_FUTURE: "the mark said {mark}, which is in the future, so the grace begins now; {why}",
    Reason.MARK_UNREADABLE: "the mark said {mark!r}, which is no time, so the grace begins now; {why}",
    Reason.ORPHANED: "orphaned since {since}, to be deleted after {until} (--delete-grace): {why}",
    Reason.LOCAL_SERVICE: "a local Service with this name already exists",
    Reason.OTHER_SOURCE: "mirrored from {source}",
    Reason.SERVED_BY_OTHER_SOURCE: "served from {source}",
    Reason.OTHER_CLUSTER: (
        "from another cluster that is called {source}, too (uid {uid}), or {source} was made anew: give this remote"
        " another name (--remote-name), or take over what is there (--adopt-source {source})"
    ),
    Reason.OTHER_NAME: "from this very cluster under the name {source} (--adopt-source {source} takes over)",
    Reason.IGNORED: "annotated to be ignored",
    Reason.IGNORED_NAMESPACE: "in an ignored namespace",
    Reason.OTHER_NAMESPACE: "outside --namespace",
    Reason.DELETING: "being deleted",
    Reason.NAMESPACE_TERMINATING: "namespace {namespace} is terminating",
    Reason.NAMESPACE_MISSING: "namespace {namespace} does not exist (--no-create-namespaces)",
    Reason.NAMED_TARGET_PORT: "targetPort {names} is a name: set a number, because remote nodes have no named ports",
    Reason.NO_NODE: "no node can be used",
    Reason.ONLY_EXCLUDED_NODES: (
        f"no node can be used; {{nodes}} could be used but for the label {EXCLUDE_LABEL}: add --use-excluded-nodes, or"
        " remove the label"
    ),
    Reason.NO_ADDRESS: "no {answering} has an {families} address",
    Reason.REMOTE_SLICES_UNREADABLE: "the remote's EndpointSlices could not be read (externalTrafficPolicy Local)",
    Reason.NO_SERVING_NODE: "no used node has a serving endpoint (externalTrafficPolicy Local)",
    Reason.FAMILY_UNSERVED: "no {answering} has an {families} address",
    Reason.NOT_COPIED_YET: "Kubernetes' endpointslice-mirroring controller has not copied the Endpoints yet",
    Reason.TOO_MANY_DELETES: (
        "{deletes} of {managed} managed services would be removed, more than {limit} (--max-deletes);"
        " if that is right, run once with --allow-mass-delete"
    ),
    Reason.NO_REMOTE_NODE: "the remote lists no node at all; if that is right, run once with --allow-mass-delete",
    Reason.NODE_PORT_HELD_BACK: "needs node port {port} of {service}, whose step is held back",
    Reason.ASSUMED_READY: (
        "fewer than half of the otherwise usable nodes are Ready: the remote control plane has probably lost contact"
        " with its nodes, so {nodes} nodes of unknown readiness are assumed ready; check the remote control plane"
    ),
    Reason.NO_ZONE: (
        f"{{nodes}} of {{used}} used nodes have no zone (label {ZONE_LABEL}), {{node}} among them: kube-proxy does not"
        " heed the zones of a Service that such a node serves (--prefer-same-zone)"
    ),
    Reason.MIRRORING_LIMIT: (
        "a Service gets {limit} of {nodes} nodes: Kubernetes copies no more addresses of an Endpoints object"
        " (--endpoint-slices has no such limit)"
    ),
    Reason.PORT_SKIPPED: "port {port} of Service {service} is skipped: the port has no node port in the remote",
    Reason.NOTHING_COPIED: (
        "Kubernetes has copied none of our Endpoints into EndpointSlices, so kube-proxy does not see the Endpoints: the"
        " endpointslice-mirroring controller of the local cluster is off, or not allowed to write; use"
        " --endpoint-slices, which needs no copies"
    ),
    Reason.ELECTS_LEADER: (
        f"Kubernetes does not copy Endpoints {{service}}, because the annotation {LEADER} says that a leader election"
        " uses the object: remove the annotation if it is left over, or use --endpoint-slices"
    ),
}


_HELD_BACK_TOO = "a guard holds deletes back, too: exit code 1 takes precedence over 3"


def message(why: Why) -> str:
    """The message for a reason, with the facts filled in. The message has no period at the end."""
    return REASONS[why.reason].format_map({name: _fact_text(fact) for name, fact in why.facts.items()})


def refused_name(known: str, default: str) -> str:
    """The sentence that refuses the default name of a remote that is mirrored already, under another name."""
    return (
        f"This remote is mirrored already, under the name {known}; {default} is only the default name: give"
        f" --remote-name {known}, or --adopt-source {known} to go on as {default}."
    )


def not_eligible(found: NotEligible) -> str:
    """What makes a remote Service not eligible, such as `type ClusterIP`."""
    return f"{RULES[found.rule]} {found.name}".rstrip()


def nodes_used(nodes: NodeChoice) -> str:
    """How many nodes are used, and why the others are not: `2 of 3 nodes used (not ready: 1)`."""
    return f"{nodes.used} of {nodes.listed} nodes used{_counted(EXCLUSIONS[node.reason] for node in nodes.excluded)}"


def problems(report: Report) -> tuple[str, ...]:
    """Why the run failed, apart from failed writes: the plan was refused or interrupted, or endpoints were kept.

    If a guard held deletes back as well, the last one says so, because the exit code does not.
    """
    counted = Counter((_what_is_left(step), message(step.why)) for step in report.failing)
    refusal = (report.refusal,) if report.refusal else ()
    held = (_HELD_BACK_TOO,) if report.failed and report.held else ()
    return (*refusal, *(f"{what} ({why}: {number})" for (what, why), number in sorted(counted.items())), *held)


def _what_is_left(step: Leave) -> str:
    return "endpoints kept" if step.why.reason in KEEPING else "left"


def _fact_text(fact: str | int | Why) -> str | int:
    """The fact; for a reason, or a fact that is a word of a closed set, the message."""
    match fact:
        case Why():
            return message(fact)
        case Skip():
            return SKIPS[fact]
        case Answering():
            return _ANSWERING[fact]
        case Reason():
            return REASONS[fact]
        case _:
            return fact


def _counted(reasons: Iterable[str]) -> str:
    counted = ", ".join(f"{reason}: {number}" for reason, number in sorted(Counter(reasons).items()))
    return f" ({counted})" if counted else ""
