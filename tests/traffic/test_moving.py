"""A service moves from the remote into the local cluster and back, as docs/migration.md says, while it is called."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from lab.dataplane import Load, Pod
from tests.endpoints.views import SLICES
from tests.migration import cronjob
from tests.migration.page import (
    APPLY,
    APPLY_SERVER_SIDE,
    BACK,
    FORGET_RELEASE,
    HELM,
    MANIFEST,
    START_THE_CHARTS_PODS,
    WAIT_FOR_PODS,
    WAIT_FOR_THE_CHARTS_PODS,
    WRITE_ENDPOINTS,
    WRITE_SLICES,
)
from tests.migration.shell import Shell
from tests.scenarios.origins import Mode
from tests.scenarios.views import edit
from tests.traffic.lab import BAR, HTTP, Lab, serve

REMOTE, LOCAL = {"x1-1", "x2-1", "x3-1"}, {"y1-1"}


@dataclass(frozen=True)
class Way:
    """The blocks in which the ways of the page differ."""

    take: str
    wait: str = WAIT_FOR_PODS
    start: str = ""
    forget: str = ""


WAYS = {
    "client side": Way(APPLY),
    "server side": Way(APPLY_SERVER_SIDE),
    "Helm": Way(HELM, WAIT_FOR_THE_CHARTS_PODS, START_THE_CHARTS_PODS, FORGET_RELEASE),
}


@pytest.fixture(autouse=True)
def files(shell: Shell) -> None:
    """Write the manifest and the chart of the page."""
    shell.write("bar.yaml", MANIFEST)
    shell("helm create bar")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_it_moves_and_comes_back(lab: Lab, shell: Shell, mode: Mode, way: Way) -> None:
    cronjob.install(lab.local.plane)
    there = serve(lab.remote, HTTP, namespace="foo", name="bar")
    next_run(lab, mode)
    with lab.load(BAR) as load:
        answered = [who_answers(load)]
        here = into_the_local_cluster(lab, shell, mode, way)
        stop(lab, *there)
        answered.append(who_answers(load))
        write_endpoints_again(lab, shell, mode)
        serve_again(lab)
        shell(BACK)
        load.go_on()
        next_run(lab, mode)
        shell(way.forget)
        stop(lab, here)
        answered.append(who_answers(load))
    lab.tell("into the local cluster and back", load.tally)
    assert load.tally.failed == 0
    assert answered == [REMOTE, LOCAL, REMOTE]


def into_the_local_cluster(lab: Lab, shell: Shell, mode: Mode, way: Way) -> Pod:
    """Do the steps of the page up to the release, and return the local pod."""
    if SLICES not in mode:
        shell(WRITE_SLICES)
        next_run(lab, mode)
    shell(way.start)
    pod = local_pod(lab)
    shell(way.wait)
    shell(way.take)
    next_run(lab, mode)
    return pod


def local_pod(lab: Lab) -> Pod:
    """Start a pod, of the Deployment if there is one: nothing here does it by itself."""
    pod = lab.local.pod("foo", "bar", on="y1")
    if deployment := lab.local.api.find("Deployment", "bar", "foo"):
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        edit(lab.local.plane, "foo", pod.name, {"metadata": {"labels": labels}}, kind="Pod")
    return pod


def write_endpoints_again(lab: Lab, shell: Shell, mode: Mode) -> None:
    if SLICES not in mode:
        shell(WRITE_ENDPOINTS)
        next_run(lab, mode)


def serve_again(lab: Lab) -> None:
    """Start the remote pods; the Service is still there."""
    for node in lab.remote.nodes:
        lab.remote.pod("foo", "bar", on=node)
    lab.remote.settle()


def stop(lab: Lab, *pods: Pod) -> None:
    for pod in pods:
        pod.leave()
    lab.settle()


def next_run(lab: Lab, mode: Mode) -> None:
    """Let the CronJob run once, with its variables, and wait until callers see it."""
    run = lab.sync(*mode, **cronjob.variables(lab.local.plane))
    assert run.exit_code == 0, run
    lab.local.settle()


def who_answers(load: Load) -> set[str]:
    now = time.time()
    load.go_on()
    return set(load.tally.since(now).by)
