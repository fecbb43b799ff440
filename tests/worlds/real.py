"""Random worlds on two real control planes, with the command as a user runs it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import rule

from barrelman_sync.report.fingerprint import plan_fingerprint
from lab.controlplane import ControlPlane
from tests.scenarios.command import Run, Sync
from tests.worlds import deeds, laws
from tests.worlds.cluster import NAMESPACES, Cluster, Name, Objects, name_of
from tests.worlds.contract import REPLACES, SLICE_MANAGER, Contract, labels
from tests.worlds.machine import Happenings, Pair
from tests.worlds.options import Options
from tests.worlds.running import Sides
from tests.worlds.running import run as simulated_run

KINDS = ("Namespace", "Node", "Service", "Endpoints", "EndpointSlice")
PLURALS = {f"{kind.lower()}s": kind for kind in KINDS} | {"endpoints": "Endpoints"}
CONTROLLERS = {"endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io", "endpoint-controller"}
PAIRS: tuple[Pair, ...] = (("home", "prod"), ("home", "prod"), ("prod", "home"))
Step = Mapping[str, Any]


class RealWorlds(Happenings):
    """Both clusters are emptied before each world."""

    def __init__(self, remote: ControlPlane, local: ControlPlane, folder: Path) -> None:
        self._planes = {"home": local, "prod": remote}
        for plane in self._planes.values():
            plane.reset()
            for name in NAMESPACES:
                plane.ensure_namespace(name)
        folder.mkdir()
        self._syncs = {
            ("home", "prod"): Sync(remote, local, folder / "sync"),
            ("prod", "home"): Sync(local, remote, folder / "back"),
        }
        apis = {name: plane.api for name, plane in self._planes.items()}
        super().__init__({**apis, "stage": remote.api})

    def settle(self) -> None:
        for plane in self._planes.values():
            plane.settle()

    @rule()
    def run(self) -> None:
        self._run(("home", "prod"))

    @rule(pair=st.sampled_from(PAIRS))
    def run_of_any(self, pair: Pair) -> None:
        self._run(pair)

    def _run(self, pair: Pair) -> None:
        self.settle()
        options, sync = self.options(pair), self._syncs[pair]
        contract = self._contract(pair, options)
        arguments = ["--remote-name", pair[1], *options.arguments, "-o", "json"]
        planned = sync(*arguments, "--dry-run")
        assert planned.writes == []
        expected = [] if planned.exit_code == 2 else ["--expect-plan", planned.document["fingerprint"]]
        run = sync(*arguments, *expected)
        note(f"exit code {run.exit_code}: {run.writes}")
        after = _objects(self._planes[pair[0]])
        if run.exit_code == 2:
            assert (planned.exit_code, run.writes) == (2, []), run
            return
        _does_what_it_said(planned, run)
        _keeps_the_laws(contract, run, after)
        _is_as_simulated(contract, run, after)
        self.settle()
        laws.callers_stay_connected(contract, _objects(self._planes[pair[0]]))
        self._settles(sync, arguments, options, run)

    def _contract(self, pair: Pair, options: Options) -> Contract:
        home, away = (_objects(self._planes[name]) for name in pair)
        source = options.value("--remote-name") or pair[1]
        uid = away[Name("Namespace", "", "kube-system")]["metadata"]["uid"]
        return Contract(home, away, options, source, uid, int(time.time()))

    def _settles(self, sync: Sync, arguments: list[str], options: Options, first: Run) -> None:
        """Check that later runs write nothing, but for the exceptions of `checking.settles`."""
        again = sync(*arguments)
        failed = {_place(step) for step in _steps(first) if step.get("result", "done") != "done"}
        late = [step for step in _steps(again) if "result" in step and _place(step) not in failed]
        assert all(_may_come_later(step, options, first) for step in late), (first, again)
        if late:
            self.settle()
            assert sync(*arguments).writes == [], again


RESULTS = {"result", "error", "fallback"}
"""What a document tells of a write that a dry run does not."""


def _objects(plane: ControlPlane) -> dict[Name, Any]:
    """Return what is in the namespaces of the worlds, and all nodes and namespaces."""
    found = [obj for kind in KINDS for obj in plane.api.list(kind)]
    inside = [obj for obj in found if obj["metadata"].get("namespace", "shop") in deeds.NAMESPACES]
    return {name_of(obj): obj for obj in inside}


def _steps(run: Run) -> list[Step]:
    steps: list[Step] = run.document["steps"]
    return steps


def _place(step: Step) -> Name:
    return Name(step["kind"], step.get("namespace") or "", step["name"])


def _does_what_it_said(planned: Run, run: Run) -> None:
    """Check that the run has the plan of the dry run, and sent no other write."""
    assert planned.document["fingerprint"] == run.document["fingerprint"]
    told = [{name: value for name, value in step.items() if name not in RESULTS} for step in _steps(run)]
    assert told == _steps(planned)
    writes = {_place(step) for step in _steps(run) if "result" in step}
    sent = {_written(write) for write in run.writes}
    fallbacks = any(step.get("result") == "failed" for step in _steps(run))
    assert sent <= writes or fallbacks, f"not in the plan: {sent - writes}"


def _written(write: str) -> Name:
    """Return the object of a write as `Run.writes` tells it."""
    _, plural, place, _ = write.split()
    inside, _, name = place.partition("/")
    return Name(PLURALS[plural], "" if plural == "namespaces" else inside, name)


def _keeps_the_laws(contract: Contract, run: Run, after: Objects) -> None:
    laws.foreign_objects_stay(contract, after, but=_is_of_controllers)
    laws.guards_hold(contract, after)
    laws.grace_holds(contract, after)
    laws.callers_stay_connected(contract, after)
    if run.exit_code == 0:
        laws.converged(contract, after)


def _is_as_simulated(contract: Contract, run: Run, after: Objects) -> None:
    """Check the simulator: it makes of the same clusters the same plan, and of the same writes the same objects."""
    home, away = Cluster("home", contract.home), Cluster(contract.source, contract.away)
    named = Options({**contract.options.chosen, "source": ("--remote-name", contract.source)})
    report = simulated_run(Sides(home, away, contract.now), named)
    assert report is not None
    assert plan_fingerprint(report.plan) == run.document["fingerprint"]
    assert (report.exit_code, laws.looks(home.objects)) == (run.exit_code, laws.looks(after))


def _is_of_controllers(obj: Any) -> bool:
    """Return whether Kubernetes' controllers write an object, at a time of their own."""
    managers = {labels(obj).get(label) for label in (SLICE_MANAGER, "endpoints.kubernetes.io/managed-by")}
    return bool(managers & CONTROLLERS)


def _may_come_later(step: Step, options: Options, first: Run) -> bool:
    """Return whether a step is one of the exceptions of `checking.settles`."""
    before = {_place(other): str(other["action"]) for other in _steps(first)}
    slices = options.has("--endpoint-slices")
    service = Name("Service", step["namespace"], step["name"].partition("-barrelman-")[0])
    if step["action"] == "update":
        late = _only_replaces(step) or before.get(service) == "update"
        return step["kind"] == "Endpoints" and not slices and late
    if step["action"] != "delete":
        return False
    if before.get(service, "").startswith("hold back"):
        return "%" in (options.value("--max-deletes") or "30%")
    return bool(step["reason"] == "endpoints_take_over" and not slices)


def _only_replaces(step: Step) -> bool:
    fields = {change["path"] for change in step["changes"]}
    return fields == {f"metadata.annotations[{REPLACES}]"}


def real_worlds(remote: ControlPlane, local: ControlPlane, folder: Path) -> type[RealWorlds]:
    """Return the machine for two control planes. Each world has a folder of its own for the files of its runs."""
    numbers = count()

    class Worlds(RealWorlds):
        def __init__(self) -> None:
            super().__init__(remote, local, folder / f"world-{next(numbers)}")

    return Worlds
