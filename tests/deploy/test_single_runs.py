"""A single run, as docs/install.md starts it: any number of times, and its log stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.controlplane import ControlPlane, Object, wait_until
from tests.deploy.page import FOLLOW, SINGLE_RUN
from tests.docs.typed import typed
from tests.migration.shell import Shell
from tests.scenarios.command import NAMESPACE

CONTROLLERS = ("job-controller", "cronjob-controller")


@pytest.fixture
def start(shell: Shell, local: ControlPlane, installed: list[Object]) -> Callable[[], str]:
    """Start a single run and return the name of its Job. The CronJob is suspended, so that it makes none itself."""
    local.api.patch(next(obj for obj in installed if obj["kind"] == "CronJob"), {"spec": {"suspend": True}})
    local.start_controllers(*CONTROLLERS)
    assert FOLLOW
    script = SINGLE_RUN.replace(FOLLOW[0], 'echo "$job"')
    return lambda: shell(script).strip().removeprefix("job.batch/")


def names(local: ControlPlane) -> set[str]:
    return {job["metadata"]["name"] for job in local.api.list("Job", NAMESPACE)}


def finish(local: ControlPlane, expected: int) -> None:
    """Let the Jobs' pods end well, as a kubelet would."""
    wait_until(lambda: len(local.api.list("Pod", NAMESPACE)) == expected, "the pods of the Jobs")
    for pod in local.api.list("Pod", NAMESPACE):
        local.api.replace_status({**pod, "status": {"phase": "Succeeded"}})


def test_its_log_stays_where_that_of_the_cronjob_s_own_goes(
    local: ControlPlane, shell: Shell, start: Callable[[], str]
) -> None:
    """The CronJob keeps one successful Job of its own, and kubectl's `create job --from` makes such."""
    ours = {start(), start()}
    theirs = {"a", "b"}
    for name in theirs:
        shell(f"kubectl -n {NAMESPACE} create job {name} --from=cronjob/barrelman-sync")
    assert (len(ours), names(local)) == (2, ours | theirs)
    finish(local, 4)
    wait_until(lambda: len(names(local) & theirs) == 1, "the CronJob to remove a Job of its own")
    assert names(local) > ours


def test_it_has_the_options_that_the_block_gives_it(local: ControlPlane, start: Callable[[], str]) -> None:
    name = start()
    wait_until(lambda: local.api.list("Pod", NAMESPACE), "the pod")
    (pod,) = local.api.list("Pod", NAMESPACE)
    assert pod["spec"]["containers"][0]["args"] == ["--preflight"]
    assert pod["metadata"]["labels"]["job-name"] == name


def test_it_is_described_and_deleted(shell: Shell, local: ControlPlane, start: Callable[[], str]) -> None:
    name = start()
    for describe in (
        typed('kubectl -n barrelman-sync describe "$job"'),
        typed("kubectl -n barrelman-sync describe job"),
    ):
        described = shell(f"job=job.batch/{name}\n{describe}")
        assert name in described
        assert "--preflight" in described
    delete = typed('kubectl -n barrelman-sync delete "$job"')
    shell(f"job=job.batch/{name}\n{delete}")
    assert names(local) == set()


def test_without_a_cronjob_it_ends(shell: Shell, installed: list[Object]) -> None:
    shell(f"kubectl -n {NAMESPACE} delete cronjob barrelman-sync")
    shell(f"set +e\n{SINGLE_RUN}")  # as in the shell of a user, where the lines after one that failed run too
