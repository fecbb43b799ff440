"""What must hold after a broken run, and after the runs that follow it."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lab.controlplane import Object
from tests.scenarios.command import READS, Run
from tests.schema import valid
from tests.sweep.faults import Case
from tests.sweep.history import History, Target
from tests.sweep.relay import Position
from tests.sweep.stage import Stage
from tests.sweep.state import Name, Objects, State, differences, state, untouched
from tests.sweep.worlds import FOREIGN, WORLDS, World

MOST_RUNS = 4
JSON = ("-o", "json")


@dataclass(frozen=True)
class Undisturbed:
    """What the runs of a world do if nothing goes wrong."""

    positions: tuple[Position, ...]
    """The requests of the first run."""
    states: tuple[State, ...]
    """The state after each run that writes."""
    untouched: frozenset[Name]
    """What nobody writes in these runs, among it all that belongs to others."""
    served: frozenset[Target]
    """What callers can reach before, at every moment, and at the end."""


@dataclass
class Broken:
    """What is left to look at after a broken run."""

    case: Case
    run: Run
    before: Objects
    after: Objects

    def changed(self, name: Name) -> bool:
        """Say whether the object is not the same, byte for byte."""
        return self.after.get(name) != self.before.get(name)


def undisturbed(stage: Stage, name: str) -> Undisturbed:
    """Play a world in which nothing goes wrong."""
    world = WORLDS[name]
    before, history = _begin(stage, world)
    stage.switch.begin()
    runs = [stage.run_by_relay(*world.options)]
    positions = _certain(stage.switch.recorded)
    found: list[Objects] = []
    while runs[-1].writes:
        assert runs[-1].exit_code == 0, runs[-1]
        assert len(runs) < MOST_RUNS, f"{name} does not converge: {runs[-1]}"
        stage.settle()
        found.append(stage.snapshot())
        runs.append(stage.run(*world.options))
    assert _labeled_by_others(before) & found[-1].keys() <= _labeled_by_others(found[-1])
    moments = history.moments()
    kept = frozenset.intersection(*(frozenset(untouched(before, after)) for after in found))
    assert kept >= FOREIGN
    served = moments[0] & moments[-1]
    lost = served - frozenset.intersection(*moments)
    assert not lost, f"undisturbed runs of {name} take away for a while: {sorted(lost)}"
    return Undisturbed(positions, tuple(state(after, before) for after in found), kept, served)


def _certain(recorded: Sequence[Position]) -> tuple[Position, ...]:
    """Return the requests of every run: a look at a written object is only there if Kubernetes deleted it first."""
    written = {at.path for at in recorded if not at.reads}
    return tuple(at for at in recorded if not (at.reads and at.path in written))


def _labeled_by_others(found: Objects) -> set[Name]:
    return {name for name, obj in found.items() if "team" in obj["metadata"].get("labels", {})}


def play(stage: Stage, case: Case, wanted: Undisturbed) -> None:
    """Break one request, and see what is left, and what the next runs make of it. Raises AssertionError."""
    world = WORLDS[case.world]
    mark = stage.remote.mark()
    before, history, run = _break(stage, world, case)
    after = stage.snapshot()
    if after != before:
        stage.settle()
        after = stage.snapshot()
    problems = list(_after_broken(Broken(case, run, before, after), wanted))
    if after == before:
        stage.ready = world  # nothing is written, so the next run is the undisturbed one
    else:
        problems += _after_next(stage, world, before, wanted)
        problems += [f"touched: {name}" for name in sorted(wanted.untouched - untouched(before, stage.snapshot()))]
        lost = wanted.served - frozenset.intersection(*history.moments())
        problems += [f"callers lost {target}" for target in sorted(lost)]
    asked = stage.remote.requests("barrelman-sync", since=mark)
    problems += [f"written at the remote: {ask}" for ask in asked if ask.verb not in READS]
    assert not problems, "\n".join([*problems, f"the broken run: {run.exit_code} {run.writes}", run.stderr])


def _break(stage: Stage, world: World, case: Case) -> tuple[Objects, History, Run]:
    """Run until the request is broken: on a busy machine, the first timeout may be over before the request."""
    for timeout in case.way.timeouts:
        before, history = _begin(stage, world)
        stage.switch.begin(case.at, case.way.fault, always=case.way.always)
        run = stage.run_by_relay(*world.options, "--timeout", timeout, *JSON)
        if stage.switch.broken:
            return before, history, run
    raise AssertionError(f"no run sent the request: {stage.switch.recorded}")


def _begin(stage: Stage, world: World) -> tuple[Objects, History]:
    """Make the world, unless the last case has left it as it was."""
    if stage.ready is not world:
        stage.ready = None
        stage.clear()
        world.prepare(stage)
        stage.settle()
    stage.ready = None
    return stage.snapshot(), History(stage.local)


def _after_broken(broken: Broken, wanted: Undisturbed) -> Iterator[str]:
    case, run = broken.case, broken.run
    if run.exit_code not in case.exit_codes:
        yield f"exit code {run.exit_code}"
    if case.way.passes and run.exit_code != 0:
        yield f"exit code {run.exit_code}, though the fault passes"
    if "Traceback" in run.stderr or "Traceback" in run.stdout:
        yield "a traceback"
    if run.exit_code == 0:
        for difference in differences(wanted.states[0], state(broken.after, broken.before)):
            yield f"exit code 0, but {difference}"
    if run.exit_code >= 0:
        yield from _told(broken, wanted)


def _told(broken: Broken, wanted: Undisturbed) -> Iterator[str]:
    """Compare the document on stdout with what the server holds."""
    document = valid(json.loads(broken.run.stdout))
    if document["exitCode"] != broken.run.exit_code:
        yield f"the document says exit code {document['exitCode']}"
    steps = document.get("steps", ())
    fallbacks = {_name(entry): entry for step in steps for entry in step.get("fallback", ())}
    yield from _steps_told(steps, fallbacks, broken, wanted)
    for name, entry in fallbacks.items():
        if entry["result"] == "done" and not broken.changed(name):
            yield f"told as done instead, but not written: {entry}"


def _steps_told(
    steps: Iterable[Object], fallbacks: Container[Name], broken: Broken, wanted: Undisturbed
) -> Iterator[str]:
    now = state(broken.after, broken.before)
    for step in steps:
        name = _name(step)
        match step.get("result"):
            case "done" if step["action"] == "delete" and name in broken.after:
                yield f"told as deleted: {name}"
            case "done":
                found = differences(*({name: held.get(name)} for held in (wanted.states[0], now)))
                yield from (f"told as done: {difference}" for difference in found)
            case "not tried" if broken.changed(name) and name not in fallbacks and not _went(name, broken):
                yield f"told as not tried, but written: {step}"


def _name(step: Object) -> Name:
    return step["kind"], step["namespace"], step["name"]


def _went(name: Name, broken: Broken) -> bool:
    """Say whether Kubernetes itself has deleted the endpoints, together with their Service."""
    kind, namespace, own = name
    owners = broken.before.get(name, {}).get("metadata", {}).get("ownerReferences", ())
    services = [own] if kind == "Endpoints" else [owner["name"] for owner in owners]
    return name not in broken.after and any(("Service", namespace, each) not in broken.after for each in services)


def _after_next(stage: Stage, world: World, before: Objects, wanted: Undisturbed) -> Iterator[str]:
    """Run undisturbed until nothing is left to write, at most as often as in an undisturbed world."""
    for _ in wanted.states:
        stage.settle()
        run = stage.run(*world.options)
        if run.exit_code != 0:
            yield f"the next run fails: {run}"
        if not run.writes:
            break
    else:
        stage.settle()
        run = stage.run(*world.options)
        if run.writes or run.exit_code != 0:
            yield f"the last run still writes: {run}"
    yield from differences(wanted.states[-1], state(stage.snapshot(), before))
