"""The new version is tried first, and the old one can come back, as docs/operations.md says."""

from __future__ import annotations

import re

import pytest

from lab.controlplane import ControlPlane, Object
from tests.docs.typed import typed
from tests.migration import cronjob
from tests.migration.shell import Shell
from tests.operations.page import APPLY_THE_PLAN, RESUME, SUSPEND, TRY_NEW_VERSION
from tests.scenarios.command import Sync
from tests.scenarios.origins import in_both_modes, uid_of, uids, without_uid
from tests.scenarios.views import is_there, node_port

pytestmark = pytest.mark.usefixtures("nodes")
NEW = "registry.example.com/barrelman-sync:0.2.0"
NOW = "2026-01-01T00:00:00Z"
FINGERPRINT = "5c1f0e9a7b3d2468"


def job(local: ControlPlane, name: str) -> Object:
    return local.api.get("Job", name, cronjob.NAMESPACE)


def container(of: Object) -> Object:
    (found,) = of["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def end(local: ControlPlane, job: Object) -> None:
    """Let the Job end well, as its controller would."""
    conditions = [{"type": kind, "status": "True"} for kind in ("SuccessCriteriaMet", "Complete")]
    local.api.replace_status({**job, "status": {"conditions": conditions, "startTime": NOW, "completionTime": NOW}})


def test_the_plan_of_the_new_version_is_tried_and_applied_by_jobs(
    sync: Sync, remote: ControlPlane, local: ControlPlane, shell: Shell
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    shell(SUSPEND)
    assert cronjob.spec(local)["suspend"] is True
    for _ in range(2):  # a second time, too
        shell(TRY_NEW_VERSION)
    tried = job(local, "try")
    assert (container(tried)["image"], container(tried)["args"]) == (NEW, ["--dry-run"])
    end(local, tried)
    shell(typed("kubectl --namespace barrelman-sync wait --for=condition=complete --timeout=60s job/try"))
    assert "ownerReferences" not in tried["metadata"], "or the CronJob would delete the job, and its log, with its own"
    original = cronjob.spec(local)["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container(tried)["envFrom"] == original["envFrom"]

    plan = re.findall(r"^dry run: .* plan (\w+)$", sync.writes_nothing(*container(tried)["args"]).stdout, re.MULTILINE)
    shell(APPLY_THE_PLAN.replace(FINGERPRINT, *plan))
    applied = job(local, "apply")
    assert (container(applied)["image"], container(applied)["args"]) == (NEW, ["--expect-plan", *plan])
    sync.writes_nothing("--expect-plan", FINGERPRINT, exit_code=1)
    assert sync(*container(applied)["args"]).exit_code == 0
    assert is_there(local, "foo", "bar") == (True, True)
    shell(RESUME)
    assert cronjob.spec(local)["suspend"] is False


def test_an_option_of_a_newer_version_is_ignored_or_stops_an_older_one(sync: Sync) -> None:
    sync.writes_nothing(BARRELMAN_SYNC_OF_THE_NEXT_VERSION="1")
    run = sync.writes_nothing(BARRELMAN_SYNC_DELETE_GRACES="1", exit_code=2)
    assert "Unknown environment variable" in run.stderr


@in_both_modes
def test_what_an_older_version_took_off_is_put_back_by_one_write_for_each_object(
    sync: Sync, remote: ControlPlane, local: ControlPlane, mode: tuple[str, ...]
) -> None:
    """An older version's update takes off what it does not know, such as the annotation with the uid."""
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(*mode)
    without_uid(local, "foo", "bar")
    run = sync.converges(*mode)
    assert {write.split()[0] for write in run.writes} == {"patch"}
    assert len(run.writes) == 2
    assert uids(local, "foo", "bar") == {uid_of(remote)}


def test_a_mirror_that_waits_is_deleted_without_the_option(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    """As by a version that does not know --delete-grace."""
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    remote.api.delete("Service", "bar", "foo")
    assert "marked" in sync.converges("--delete-grace", "1h").line("foo/bar")
    sync.converges()
    assert is_there(local, "foo", "bar") == (False, False)
