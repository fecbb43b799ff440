"""The story of one Service as lines of text: the remote, the rules, what is here, the nodes, the plan, the verdict."""

from collections.abc import Iterable, Iterator, Mapping

from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.names import Kind, Origin
from barrelman_sync.model.remote import RemotePort, RemoteService
from barrelman_sync.model.settings import Whose
from barrelman_sync.planning.eligibility import NotEligible
from barrelman_sync.planning.reasons import KEEPING, Exclusion, NotServing, Reason, Rule, Skip, Why
from barrelman_sync.planning.serving import NodeAnswer
from barrelman_sync.planning.steps import HeldBack, Leave, Step, Unchanged
from barrelman_sync.planning.story import Here, Role, Story, Verdict
from barrelman_sync.report.changes import addresses_text, port_text
from barrelman_sync.report.messages import EXCLUSIONS, NOT_SERVING, PASSED, SKIPS, message, not_eligible
from barrelman_sync.report.text import step_line

_MOST_NODES = 10
"""How many nodes of each kind text shows; a document has all."""
_KIND_WIDTH = max(len(kind) for kind in Kind)


def story_lines(story: Story) -> Iterator[str]:
    """The story, and its sum in the last line."""
    yield f"Service {story.key}"
    if story.verdict is not Verdict.NOWHERE:
        yield f"  in the remote {story.source}: {_remote(story.remote)}"
        yield from (_answer(answer.why_not, PASSED[answer.rule]) for answer in story.answers)
        yield f"  in the local cluster: {_here(story.here)}"
        yield from (f"    {_endpoints(found)}" for found in story.here.endpoints)
        yield f"  nodes: {_served(story)}"
        yield from _nodes(story.nodes)
        yield "  plan:" if story.steps else "  plan: nothing"
        yield from _steps(story)
        yield from (f"  warning: {message(why)}" for why in story.warnings)
        yield f"{story.key}: {verdict_text(story)}; a run would {_summary(story.steps)}"
    else:
        yield f"{story.key}: {verdict_text(story)}"


def verdict_text(story: Story) -> str:
    """The verdict as a sentence without a period."""
    match story.verdict:
        case Verdict.NOT_IN_REMOTE if story.here.role is Role.MANUAL:
            return f"a manual service, which needs no Service in the remote{_but(story.steps)}"
        case Verdict.NOT_IN_REMOTE:
            return "the remote has no Service of this name"
        case Verdict.NOWHERE:
            near = ", ".join(map(str, story.near))
            return "neither cluster has a Service of this name" + (f"; near it: {near}" if near else "")
        case _ if story.why_not:
            return f"no mirror: {why_not_text(story.why_not)}"
        case _:
            return f"the remote asks for a mirror{_but(story.steps)}"


def _but(steps: Iterable[Step]) -> str:
    """What stands in the way of a Service that should be served; empty if nothing does."""
    return next((f", but {told}: {message(step.why)}" for step in steps if (told := _in_the_way(step))), "")


def _in_the_way(step: Step) -> str:
    match step:
        case Leave(why=Why(Reason.NOT_COPIED_YET)):  # the Service is served all the same
            return ""
        case Leave() if step.why.reason in KEEPING:
            return "the endpoints are kept"
        case Leave() if step.ref.kind == Kind.SERVICE:
            return "the Service is left"
        case HeldBack() if step.ref.kind == Kind.SERVICE:
            return "the Service is held back"
        case _:
            return ""


def why_not_text(why: NotEligible | Skip) -> str:
    """What stands against a mirror."""
    match why:
        case Skip():
            return SKIPS[why]
        case NotEligible(Rule.OTHER_TYPE, "LoadBalancer"):
            return f"{not_eligible(why)}, see --include-loadbalancers"
        case NotEligible():
            return not_eligible(why)


def not_serving_text(why: Exclusion | NotServing) -> str:
    """Why a node does not serve a Service."""
    return EXCLUSIONS[why] if isinstance(why, Exclusion) else NOT_SERVING[why]


def whose_text(whose: Whose, origin: Origin) -> str:
    """Whose a mirror is, or the endpoints of a manual service are."""
    name = origin.name or f"the cluster with uid {origin.uid}"
    match whose:
        case Whose.THIS_SOURCE:
            return "this remote"
        case Whose.OTHER_CLUSTER:
            return f"another cluster that is called {name}, too (uid {origin.uid})"
        case Whose.OTHER_NAME:
            return f"this very cluster under the name {name}"
        case Whose.OTHER_SOURCE:
            return f"another remote, {name}"


def _remote(service: RemoteService | None) -> str:
    if service is None:
        return "no Service of this name"
    facts = [f"type {service.type}", ", ".join(map(_remote_port, service.ports)) or "no ports"]
    facts += [f"label {key}={value}" for key, value in sorted(service.labels.items())]
    if service.local_traffic:
        facts.append("externalTrafficPolicy Local")
    if service.affinity.mode != "None":
        facts.append(f"session affinity {service.affinity.mode}")
    return "; ".join(facts)


def _remote_port(port: RemotePort) -> str:
    name = f"{port.name}:" if port.name else ""
    return f"{name}{port.port}/{port.protocol} " + (f"nodePort {port.node_port}" if port.node_port else "no nodePort")


def _answer(why: NotEligible | Skip | None, passed: str) -> str:
    return f"    no  {why_not_text(why)}" if why else f"    ok  {passed}"


def _here(here: Here) -> str:
    if here.service is None:
        if here.namespace is None:
            return "no Service of this name, and no such namespace"
        return "no Service of this name" + (", and the namespace is terminating" if here.namespace.terminating else "")
    ports = ", ".join(map(port_text, here.service.ports)) or "no ports"
    return "; ".join([_role(here), f"type {here.service.type}", ports, *_marks(here.service)])


def _role(here: Here) -> str:
    match here.role:
        case Role.MIRROR if here.whose:
            return f"a mirror of {whose_text(here.whose, here.origin)}"
        case Role.MANUAL if here.whose and here.whose is not Whose.THIS_SOURCE:
            return f"a manual service, served from {whose_text(here.whose, here.origin)}"
        case Role.MANUAL:
            return "a manual service"
        case _:
            return "a Service that barrelman-sync does not manage"


def _marks(service: LocalService) -> Iterator[str]:
    """What else decides about the Service."""
    if service.has_selector:
        yield "has a selector"
    if service.headless:
        yield "headless"
    if service.ignored:
        yield "annotated to be ignored"
    if service.deleting:
        yield "being deleted"
    if service.mark:
        yield f"orphaned since {service.mark}"


def _endpoints(found: LocalEndpoints | LocalSlice) -> str:
    ports = ", ".join(f"{port.port}/{port.protocol}" for port in found.ports)
    manager = f"managed by {found.manager}" if found.manager else "managed by nobody"
    told = f"{addresses_text(found.addresses)} : {ports}" if found.addresses else "no addresses"
    return f"{found.ref.kind} {found.key.name}  {told}  ({manager})"


def _served(story: Story) -> str:
    if not story.listed:
        return "the remote lists no node"
    if not story.nodes:
        return "a run gives the Service no endpoints"
    serving = sum(answer.why_not is None for answer in story.nodes)
    passed_over = any(answer.why_not is NotServing.NOT_PICKED for answer in story.nodes)
    each = " for each IP family" if serving > story.limit else ""
    limit = f", at most {story.limit}{each} (see --max-endpoints)" if passed_over else ""
    is_kept = not serving and any(found.addresses for found in story.here.endpoints)
    kept = "; its endpoints are kept" if is_kept else ""
    return f"{serving} of {len(story.nodes)} serve the Service{limit}{kept}"


def _nodes(answers: Iterable[NodeAnswer]) -> Iterator[str]:
    """The nodes that serve, then the others by reason: the first few of each."""
    groups: dict[Exclusion | NotServing | None, list[NodeAnswer]] = {None: []}
    for answer in answers:
        groups.setdefault(answer.why_not, []).append(answer)
    for why, group in groups.items():
        yield from (_node(answer) for answer in group[:_MOST_NODES])
        if (more := len(group) - _MOST_NODES) > 0:
            yield f"    {'no' if why else 'ok'}  {more} more" + (f"  {not_serving_text(why)}" if why else "")


def _node(answer: NodeAnswer) -> str:
    addresses, zone = " ".join(answer.addresses), f"zone {answer.zone}" if answer.zone else ""
    facts = "  ".join(fact for fact in (answer.node, addresses, zone) if fact)
    return f"    no  {facts}  {not_serving_text(answer.why_not)}" if answer.why_not else f"    ok  {facts}"


def _steps(story: Story) -> Iterator[str]:
    names: Mapping[str, str] = {address: found.node for found in story.nodes for address in found.addresses}
    for step in story.steps:
        line = step_line(step, names) or f"= {step.ref.kind:<{_KIND_WIDTH}} {step.ref.key}  {message(step.why)}"
        yield f"    {line}"


def _summary(steps: Iterable[Step]) -> str:
    """What a run would write: `create the Service and the Endpoints, delete the EndpointSlice`."""
    kinds: dict[str, dict[str, None]] = {}
    for step in steps:
        if deed := _deed(step):
            kinds.setdefault(deed, {})[f"the {step.ref.kind}"] = None
    return ", ".join(f"{deed} {_listed(*found)}" for deed, found in kinds.items()) or "change nothing"


def _deed(step: Step) -> str:
    match step:
        case HeldBack():
            return f"hold back the {step.step.action} of"
        case Leave() | Unchanged():
            return ""
        case _:
            return step.action


def _listed(*words: str) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
