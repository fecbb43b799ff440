"""What is still done after a write that failed, and what is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import pytest

from barrelman_sync.cluster import apply as applying
from barrelman_sync.cluster import crew
from barrelman_sync.cluster.apply import apply
from barrelman_sync.cluster.crew import Crew
from barrelman_sync.cluster.faults import ClusterError, NotTriedError
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.names import Key, Kind
from barrelman_sync.model.settings import EndpointRules
from barrelman_sync.model.wanted import WantedEndpoints, WantedSlice
from barrelman_sync.planning.result import Outcome
from barrelman_sync.planning.steps import Create, Update, Write
from tests.values.builders import (
    ADDRESSES,
    CART,
    NODES,
    TILL,
    World,
    cases,
    endpoints,
    local,
    mirror,
    node,
    port,
    remote,
    service_port,
    word,
)
from tests.values.test_guards import NODEPORTS

NEW_NODE = (node("a", ADDRESSES[0]), node("c", "10.0.0.3"))


class Cluster:
    """Takes all writes but these."""

    def __init__(self, refused: Iterable[str], error: type[ClusterError] = ClusterError) -> None:
        self._refused, self._error = set(refused), error
        self.done: list[str] = []
        self.ports: list[tuple[str, int]] = []

    def write(self, step: Write) -> None:
        if word(step) in self._refused:
            raise self._error("writing", "local cluster", "refused.")
        self.done.append(word(step))
        if isinstance(step, Create | Update) and isinstance(step.wanted, WantedEndpoints | WantedSlice):
            self.ports += [(found.name, found.port) for found in step.wanted.content.ports]

    def uid(self, kind: Kind, key: Key) -> str | None:
        return f"uid of {kind} {key}" if word_of(kind, key) in self.done else None


def word_of(kind: Kind, key: Key) -> str:
    return f"create {kind} {key}"


def after(world: World, *refused: str) -> dict[str, str]:
    """Return what became of each write."""
    outcomes = apply(world.plan(), Cluster(refused), Crew(2), Deadline(45), lambda _: None)
    return {word(outcome.step): outcome.result.value for outcome in outcomes}


def changed(*live: int, wanted: int) -> World:
    """Return a world with a mirror of other ports, and another node."""
    made = [service_port(number, name=f"p{number}") for number in live]
    return World(local(mirror(CART, *made), endpoints()), (remote(CART, port(wanted, name=f"p{wanted}")),), NEW_NODE)


def test_a_mark_that_fails_does_not_stop_the_endpoints() -> None:
    world = World(services=(), nodes=NEW_NODE, grace=60)
    assert after(world, "mark Service shop/cart") == {
        "mark Service shop/cart": "failed",
        "update Endpoints shop/cart": "done",
    }


CALLED_WEB = World(local(mirror(), endpoints()), (remote(CART, port(name="web")),), NEW_NODE)
"""A mirror whose port has another name at the remote."""


def test_the_others_are_done() -> None:
    world = World(local(), (remote(CART), remote(TILL)))
    assert after(world, "create Service shop/cart") == {
        "create Service shop/cart": "failed",
        "create Endpoints shop/cart": "not tried",
        "create Service shop/till": "done",
        "create Endpoints shop/till": "done",
    }


def test_without_its_namespace_nothing_in_it_is_tried() -> None:
    world = World(local(), (remote(Key("new", "s")), remote(CART)))
    assert after(world, "create Namespace new") == {
        "create Namespace new": "failed",
        "create Service new/s": "not tried",
        "create Endpoints new/s": "not tried",
        "create Service shop/cart": "done",
        "create Endpoints shop/cart": "done",
    }


@cases(
    "world, endpoints_are",
    {
        "that fit the Service as it is": (
            World(local(mirror(CART, service_port(81)), endpoints()), (remote(),), NEW_NODE),
            "done",
        ),
        "that have the new name of a port and the old one": (CALLED_WEB, "done"),
        "that lack a port which it has": (changed(80, 81, wanted=80), "failed"),
        "of a port with another protocol": (
            World(local(mirror(CART, service_port(80, protocol="UDP")), endpoints()), (remote(),), NEW_NODE),
            "not tried",
        ),
    },
)
def test_endpoints_after_an_update_that_failed(world: World, endpoints_are: str) -> None:
    """They follow the nodes, unless callers of a port would lose all of theirs."""
    assert after(world, "update Service shop/cart") == {
        "update Service shop/cart": "failed",
        "update Endpoints shop/cart": endpoints_are,
    }


def test_the_endpoints_of_a_service_that_could_not_be_deleted_stay() -> None:
    assert after(World(services=()), "delete Service shop/cart") == {
        "delete Service shop/cart": "failed",
        "delete Endpoints shop/cart": "not tried",
    }


def test_what_was_not_sent_any_more_was_not_tried() -> None:
    outcomes = apply(
        World(services=()).plan(),
        Cluster(["delete Service shop/cart"], NotTriedError),
        Crew(2),
        Deadline(45),
        lambda _: None,
    )
    assert {outcome.result.value for outcome in outcomes} == {"not tried"}


def test_a_new_service_is_the_owner_of_its_endpoints() -> None:
    *_, last = apply(World(local()).plan(), Cluster([]), Crew(2), Deadline(45), lambda _: None)
    assert isinstance(last.step, Create)
    assert isinstance(last.step.wanted, WantedEndpoints)
    assert last.step.wanted.content.owner_uid == "uid of Service shop/cart"


def test_a_service_that_was_made_anew_is_the_owner_of_its_endpoints() -> None:
    """Kubernetes deletes endpoints whose owner is gone."""

    class MadeAnew(Cluster):
        def uid(self, kind: Kind, key: Key) -> str | None:
            return "another uid"

    world = World(local(mirror(CART, service_port(81)), endpoints()), (remote(),), NEW_NODE)
    *_, last = apply(world.plan(), MadeAnew([]), Crew(2), Deadline(45), lambda _: None)
    assert isinstance(last.step, Update)
    assert isinstance(last.step.wanted, WantedEndpoints)
    assert last.step.wanted.content.owner_uid == "another uid"


def test_how_far_it_is() -> None:
    steps: list[int] = []
    apply(World(local(), (remote(CART), remote(TILL))).plan(), Cluster([]), Crew(1), Deadline(45), steps.append)
    assert steps == [2, 2]


def test_those_that_are_there_follow_the_nodes_if_the_new_ones_may_not_come() -> None:
    """A Service that is refused for good must not keep the address of a node that is gone."""
    cluster = Cluster(["update Service shop/cart"])
    world = changed(80, 81, wanted=80)
    outcomes = apply(world.plan(), cluster, Crew(1), Deadline(45), lambda _: None)
    assert cluster.done == ["update Endpoints shop/cart"]
    assert cluster.ports == [("p80", 30080), ("p81", 30080)]
    assert {word(outcome.step): outcome.error for outcome in outcomes} == {
        "update Service shop/cart": "writing in the local cluster failed: refused.",
        "update Endpoints shop/cart": "only the first of two writes is done: Service shop/cart could not be written",
    }


RENAMED = CALLED_WEB.but(rules=EndpointRules(slices=True))
SLICE = "shop/cart-barrelman-ipv4-0"


def test_a_port_that_changes_its_name() -> None:
    """The endpoints have both names before the Service has the new one."""
    cluster = Cluster([])
    outcomes = apply(RENAMED.plan(), cluster, Crew(1), Deadline(45), lambda _: None)
    assert cluster.done == [
        f"create EndpointSlice {SLICE}",
        "update Service shop/cart",
        f"create EndpointSlice {SLICE}",
        "delete Endpoints shop/cart",
    ]
    assert cluster.ports == [("http", 30080), ("web", 30080), ("web", 30080)]
    assert len(outcomes) == 3


@cases(
    "refused, done, others",
    {
        "the endpoints with both names": (f"create EndpointSlice {SLICE}", [], "not tried"),
        "the Service": (
            "update Service shop/cart",
            [f"create EndpointSlice {SLICE}", "delete Endpoints shop/cart"],
            "failed",
        ),
    },
)
def test_a_change_of_name_that_is_refused(refused: str, done: list[str], others: str) -> None:
    cluster = Cluster([refused])
    outcomes = apply(RENAMED.plan(), cluster, Crew(1), Deadline(45), lambda _: None)
    assert cluster.done == done
    failed = {word(outcome.step): outcome.result.value for outcome in outcomes if outcome.error}
    assert failed.pop(refused) == "failed"
    assert set(failed.values()) == {others}
    assert len(outcomes) == 3


def test_without_the_endpoints_that_have_both_names_the_service_keeps_its_port() -> None:
    assert after(CALLED_WEB, "update Endpoints shop/cart") == {
        "update Endpoints shop/cart": "failed",
        "update Service shop/cart": "not tried",
    }


def told(outcomes: Iterable[Outcome]) -> list[tuple[str, str]]:
    return [(word(outcome.step), outcome.result.value) for outcome in outcomes]


@cases("refused, result", {"that is done": ([], "done"), "that fails": (["update Endpoints shop/cart"], "failed")})
def test_the_endpoints_of_a_mirror_that_cannot_be_deleted_follow_the_nodes(refused: list[str], result: str) -> None:
    """The fallback has an outcome of its own, and does not speak for the planned write of the same object."""
    cluster = Cluster(["delete Service shop/cart", *refused])
    outcomes = apply(World(services=(), nodes=NEW_NODE).plan(), cluster, Crew(1), Deadline(45), lambda _: None)
    assert told(outcomes) == [("delete Service shop/cart", "failed"), ("delete Endpoints shop/cart", "not tried")]
    assert [told(outcome.fallback) for outcome in outcomes] == [[("update Endpoints shop/cart", result)], []]
    assert cluster.done == ["update Endpoints shop/cart"] * (result == "done")


def test_a_fallback_that_was_not_tried_is_not_told() -> None:
    cluster = Cluster(["delete Service shop/cart", "update Endpoints shop/cart"], NotTriedError)
    outcomes = apply(World(services=(), nodes=NEW_NODE).plan(), cluster, Crew(1), Deadline(45), lambda _: None)
    assert [outcome.fallback for outcome in outcomes] == [(), ()]


class SecondRefused(Cluster):
    """Refuses the second write of each Service."""

    def write(self, step: Write) -> None:
        super().write(step)
        if self.done.count(word(step)) == 2:
            raise ClusterError("writing", "local cluster", "refused.")


SHARING = World(local(), (remote(CART, port(80), port(8080, 30080, "udp", "UDP")),), scope=NODEPORTS)
"""A new Service that is written twice."""


@cases(
    "cluster, results",
    {
        "that are done": (Cluster([]), ["done", "done"]),
        "of which the first is refused": (Cluster(["create Service shop/cart"]), ["failed", "not tried"]),
        "of which the second is refused: it is there without node ports": (SecondRefused([]), ["failed", "done"]),
    },
)
def test_two_writes_of_a_new_service_have_one_outcome(cluster: Cluster, results: list[str]) -> None:
    steps: list[int] = []
    outcomes = apply(SHARING.plan(), cluster, Crew(1), Deadline(45), steps.append)
    words = ["create Service shop/cart", "create Endpoints shop/cart"]
    assert told(outcomes) == list(zip(words, results, strict=True))
    assert steps == [2]


def test_what_is_left_over_goes_even_if_the_service_is_refused() -> None:
    fine = World(
        local(mirror(CART, service_port(81)), endpoints()), (remote(),), NODES, rules=EndpointRules(slices=True)
    )
    assert after(fine, "update Service shop/cart") == {
        "update Service shop/cart": "failed",
        "create EndpointSlice shop/cart-barrelman-ipv4-0": "done",
        "delete Endpoints shop/cart": "done",
    }


def test_nothing_goes_before_what_replaces_it_is_there() -> None:
    switching = World(rules=EndpointRules(slices=True))
    assert after(switching, "create EndpointSlice shop/cart-barrelman-ipv4-0") == {
        "create EndpointSlice shop/cart-barrelman-ipv4-0": "failed",
        "delete Endpoints shop/cart": "not tried",
    }


class Hung(Cluster):
    """Does not answer these writes."""

    def __init__(self, *hanging: str, refused: Iterable[str] = ()) -> None:
        super().__init__(refused)
        self._hanging = hanging
        self.go_on = threading.Event()
        self.tried = threading.Semaphore(0)

    def write(self, step: Write) -> None:
        if word(step) in self._hanging:
            self.tried.release()
            assert self.go_on.wait(20)
        super().write(step)


@pytest.fixture
def quickly_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "SLOW_SECONDS", 0.05)


NAMES = [f"s{number}" for number in range(20)]


def hangs(world: World, *hanging: str, at_once: int | None = None) -> list[str]:
    """Return what is written, in order, while these writes hang; then they go on, and all is done.

    `at_once` is how many of them are tried at the same time, by default all.
    """
    cluster = Hung(*hanging)
    outcomes: list[Outcome] = []
    run = threading.Thread(
        target=lambda: outcomes.extend(apply(world.plan(), cluster, Crew(2), Deadline(45), lambda _: None))
    )
    run.start()
    for _ in hanging[:at_once]:
        assert cluster.tried.acquire(timeout=20)
    others = {word(step) for step in world.plan().writes if step.ref.service not in hung_services(world, hanging)}
    for _ in range(200):
        if others <= {*cluster.done}:
            break
        time.sleep(0.1)
    written = [*cluster.done]
    cluster.go_on.set()
    run.join(20)
    assert {outcome.result.value for outcome in outcomes} == {"done"}
    return written


def hung_services(world: World, hanging: Iterable[str]) -> set[Key]:
    """Return the Services that wait for these writes: their own, and those in a namespace that does not come."""
    steps = [step.ref for step in world.plan().writes if word(step) in hanging]
    keys = {ref.service for ref in steps}
    return keys | {step.ref.service for step in world.plan().writes if Key("", step.ref.key.namespace) in keys}


@pytest.mark.usefixtures("quickly_slow")
def test_writes_that_hang_do_not_hold_up_the_others() -> None:
    """There are more of them than places."""
    world = World(local(), tuple(remote(Key("shop", name)) for name in NAMES), ())
    hanging = [f"create Service shop/{name}" for name in NAMES[:10]]
    assert {*hangs(world, *hanging)} == {f"create Service shop/{name}" for name in NAMES[10:]}


@pytest.mark.usefixtures("quickly_slow")
def test_a_namespace_with_more_of_them_than_there_may_be_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "MOST_SLOW", 2)
    keys = [Key(namespace, name) for namespace in ("aaa", "bbb") for name in NAMES]
    hanging = [f"create Service aaa/{name}" for name in NAMES]
    written = hangs(World(local(), tuple(map(remote, keys)), ()), *hanging, at_once=4)
    assert {*written} >= {f"create Service bbb/{name}" for name in NAMES}


@pytest.mark.usefixtures("quickly_slow")
def test_a_namespace_that_hangs_holds_up_only_what_is_in_it() -> None:
    world = World(local(), (remote(Key("new", "s")), remote(CART)), ())
    assert hangs(world, "create Namespace new") == ["create Service shop/cart"]


@pytest.mark.usefixtures("quickly_slow")
def test_deletes_do_not_wait_for_what_hangs() -> None:
    world = World(local(mirror(TILL)), (remote(CART),), ())
    assert hangs(world, "create Service shop/cart") == ["delete Service shop/till"]


def test_what_is_in_flight_at_the_end_of_the_run_may_finish() -> None:
    deadline = Deadline(45)

    class Ending(Cluster):
        def write(self, step: Write) -> None:
            deadline.stop("the run was interrupted")
            time.sleep(0.3)  # longer than the run looks away
            super().write(step)

    (outcome,) = apply(World(local(), (remote(),), ()).plan(), Ending(()), Crew(1), deadline, lambda _: None)
    assert outcome.result.value == "done"


def given_up(world: World, cluster: Hung, monkeypatch: pytest.MonkeyPatch) -> tuple[Outcome, ...]:
    """Return the outcomes of a run that ends while the cluster does not answer a write."""
    monkeypatch.setattr(applying, "IN_FLIGHT_SECONDS", 0)
    monkeypatch.setattr(applying, "_MARGIN_SECONDS", 0)
    deadline = Deadline(45)

    def end() -> None:
        assert cluster.tried.acquire(timeout=20)
        deadline.stop("the run was interrupted")

    threading.Thread(target=end).start()
    outcomes = apply(world.plan(), cluster, Crew(1), deadline, lambda _: None)
    cluster.go_on.set()
    return outcomes


NO_ANSWER = "no answer, and the run was interrupted; the server may still do the write"


def test_what_does_not_finish_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = given_up(World(local()), Hung("create Service shop/cart"), monkeypatch)
    assert told(outcomes) == [("create Service shop/cart", "failed"), ("create Endpoints shop/cart", "not tried")]
    assert [outcome.error for outcome in outcomes] == [NO_ANSWER, "the run was interrupted"]


def test_a_fallback_that_does_not_finish_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planned write of the same object was not sent."""
    cluster = Hung("update Endpoints shop/cart", refused=["delete Service shop/cart"])
    outcomes = given_up(World(services=(), nodes=NEW_NODE), cluster, monkeypatch)
    assert told(outcomes) == [("delete Service shop/cart", "failed"), ("delete Endpoints shop/cart", "not tried")]
    assert [outcome.error.partition("failed: ")[2] or outcome.error for outcome in outcomes] == [
        "refused.",
        "the run was interrupted",
    ]
    (fallback,) = outcomes[0].fallback
    assert (word(fallback.step), fallback.error) == ("update Endpoints shop/cart", NO_ANSWER)
