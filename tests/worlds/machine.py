"""Random worlds: clusters, whatever happens to them, and runs in between, after each of which the laws hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from barrelman_sync.planning.result import ExitCode
from tests.worlds import deeds
from tests.worlds.checking import checked_run, settles, state_at_rest
from tests.worlds.cluster import Cluster
from tests.worlds.controllers import settle
from tests.worlds.options import CHOICES, Choice, Options
from tests.worlds.running import NO_FAULT, NOON, Fault, Sides

Pair = tuple[str, str]
NAMES = ("home", "prod", "stage")
PAIRS = (("home", "prod"), ("home", "prod"), ("home", "stage"), ("prod", "home"))
"""Who writes, and whom it reads: two remotes of one cluster, and two clusters that mirror each other."""
PLACE = st.sampled_from(deeds.PLACES)
CLUSTER = st.sampled_from(["prod", "prod", "stage", "home"])
PAIR = st.sampled_from(PAIRS)
OPTIONS = st.fixed_dictionaries({}, optional={topic: st.sampled_from(CHOICES[topic]) for topic in CHOICES})

STATES = st.lists(st.sampled_from(["ready", "in zone a", "unknown", "not ready", None]), min_size=4, max_size=4)


class Happenings(RuleBasedStateMachine):
    """What happens to clusters, simulated or real ones, between runs."""

    def __init__(self, clusters: Mapping[str, deeds.Api]) -> None:
        super().__init__()
        self.apis = clusters
        self.choices: dict[str, Choice] = {}

    def settle(self) -> None:
        """Wait until Kubernetes' controllers have done all that there is to do."""
        raise NotImplementedError

    @initialize(
        services=st.lists(st.tuples(CLUSTER, PLACE, deeds.SERVICES), min_size=1, max_size=6),
        choices=OPTIONS,
        originals=st.lists(st.tuples(PLACE, st.integers(0, 7), deeds.rarely(None, "old", "stage", "prod")), max_size=2),
        gone=deeds.rarely(None, "web"),
    )
    def begin(self, services: Any, choices: dict[str, Choice], originals: Any, gone: str | None) -> None:
        for name in self.apis:
            for number in (0, 1):
                self.change_node(name, deeds.NODES[number], "ready")
        for name, place, wanted in services:
            deeds.put_service(self.apis[name], place, wanted)
        for original in originals:
            deeds.original_was_here(self.apis["home"], *original)
        self.choices = dict(choices)
        self.settle()
        if gone:
            deeds.delete(self.apis["home"], "Namespace", ("", gone))

    @rule(name=CLUSTER, place=PLACE, wanted=deeds.SERVICES)
    def put_service(self, name: str, place: Pair, wanted: Any) -> None:
        deeds.put_service(self.apis[name], place, wanted)

    @rule(name=CLUSTER, place=PLACE)
    def delete_service(self, name: str, place: Pair) -> None:
        deeds.delete(self.apis[name], "Service", place)

    @rule(name=CLUSTER, number=st.integers(0, 7), place=PLACE)
    def rename_service(self, name: str, number: int, place: Pair) -> None:
        deeds.rename_service(self.apis[name], number, place)

    @rule(number=st.integers(0, 7), port=st.sampled_from(["http", "web", ""]))
    def rename_port(self, number: int, port: str) -> None:
        deeds.rename_port(self.apis["prod"], number, port)

    @rule(name=CLUSTER, node=st.sampled_from(deeds.NODES), state=st.one_of(st.none(), st.sampled_from([*deeds.STATES])))
    def change_node(self, name: str, node: str, state: str | None) -> None:
        deeds.put_node(self.apis[name], node, state, NAMES.index(name))

    @rule(name=CLUSTER, states=st.one_of(st.just([None] * 4), STATES))
    def change_all_nodes(self, name: str, states: list[str | None]) -> None:
        for node, state in zip(deeds.NODES, states, strict=True):
            self.change_node(name, node, state)

    @rule(number=st.integers(0, 20), change=st.sampled_from([*deeds.EDITS]), manager=st.sampled_from(deeds.MANAGERS))
    def edit(self, number: int, change: str, manager: str) -> None:
        deeds.edit(self.apis["home"], number, change, manager)
        self.settle()

    @rule(
        kind=st.sampled_from(["Endpoints", "EndpointSlice"]),
        number=st.integers(0, 7),
        how=st.sampled_from([*deeds.MEDDLING]),
    )
    def meddle(self, kind: str, number: int, how: str) -> None:
        deeds.meddle(self.apis["home"], kind, number, how)

    @rule(topic=st.sampled_from([*CHOICES, "mode", "type", "deletes"]), number=st.integers(0, 5))
    def choose(self, topic: str, number: int) -> None:
        self.choices[topic] = CHOICES[topic][number % len(CHOICES[topic])]

    def options(self, pair: Pair) -> Options:
        """Return the options of a run. A name is the name of one remote only."""
        named = pair == ("home", "prod")
        return Options({topic: choice for topic, choice in self.choices.items() if topic != "name" or named})


class Worlds(Happenings):
    """Simulated clusters: a world is what one test case makes of them."""

    tally: ClassVar[Counter[str]] = Counter()
    """How many runs there were, and how many writes they planned."""

    def __init__(self) -> None:
        self.clusters = {name: Cluster(name) for name in NAMES}
        self.controllers = True
        self.now = NOON
        super().__init__(self.clusters)

    def settle(self) -> None:
        if self.controllers:
            for cluster in self.clusters.values():
                settle(cluster)

    @rule(on=deeds.rarely(True, False))  # noqa: FBT003
    def controllers_work(self, on: bool) -> None:  # noqa: FBT001
        self.controllers = on
        self.settle()

    @rule(seconds=st.sampled_from([1, 300, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def run(self) -> None:
        self._run(("home", "prod"), NO_FAULT)

    @rule(place=PLACE, seconds=st.sampled_from([300, 3600]), back=st.booleans())
    def service_goes_for_a_while(self, place: Pair, seconds: int, back: bool) -> None:  # noqa: FBT001
        """A world that comes by chance too rarely: a mirror is orphaned, time passes, and it may be wanted again."""
        service = self.clusters["prod"].find("Service", place[1], place[0])
        if service is None:
            return
        self._run(("home", "prod"), NO_FAULT)
        self.choices["grace"] = CHOICES["grace"][1]
        self.delete_service("prod", place)
        self._run(("home", "prod"), NO_FAULT)
        self.now += seconds
        if back:
            self.clusters["prod"].create(deeds.anew(service))
        self._run(("home", "prod"), NO_FAULT)

    @rule(pair=PAIR, twice=st.booleans())
    def run_of_any(self, pair: Pair, twice: bool) -> None:  # noqa: FBT001
        self._run(pair, Fault(twice=twice))

    @rule(pair=PAIR, writes=st.integers(0, 6))
    def run_that_is_cut_off(self, pair: Pair, writes: int) -> None:
        """The runs after it come to the very state that they come to without it, unless a guard holds back its rest.

        Without controllers they need not: nobody deletes the endpoints of a Service whose delete was the last write.
        """
        self.settle()
        sides, options = self._sides(pair), self.options(pair)
        undisturbed = sides._replace(home=sides.home.copy())
        expected = state_at_rest(undisturbed, options) if self.controllers else ExitCode.USAGE
        checked_run(sides, options, controllers=self.controllers, fault=Fault(writes))
        if not isinstance(expected, ExitCode):
            assert state_at_rest(sides, options) in (expected, ExitCode.HELD_BACK)

    def _run(self, pair: Pair, fault: Fault) -> None:
        self.settle()
        sides, options = self._sides(pair), self.options(pair)
        report = checked_run(sides, options, controllers=self.controllers, fault=fault)
        self.tally["runs"] += 1
        if report is not None:
            self.tally["planned writes"] += len(report.plan.writes)
            self.tally[f"exit code {report.exit_code}"] += 1
            note(f"exit code {report.exit_code}, {len(report.plan.writes)} writes")
            settles(sides, options, report, controllers=self.controllers)

    def _sides(self, pair: Pair) -> Sides:
        home, away = pair
        return Sides(self.clusters[home], self.clusters[away], self.now)
