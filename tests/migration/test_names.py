"""The mirrors of one name of a remote go to another, as docs/migration.md says."""

from __future__ import annotations

import shlex

from lab.controlplane import ControlPlane, Object
from tests.endpoints.views import OURS, slices
from tests.endpoints.watching import watched
from tests.migration.page import RENAME
from tests.migration.views import REMOTE, bar
from tests.scenarios.command import Sync
from tests.scenarios.views import SOURCE, ips, labels

Mode = tuple[str, ...]

COMMAND, *RENAMING = shlex.split(RENAME)
OLD, NEW = (f"--remote-name={name}" for name in ("old", "new"))


def written(local: ControlPlane) -> list[Object]:
    """All objects that we wrote for foo/bar."""
    endpoints = local.api.find("Endpoints", "bar", "foo")
    return [bar(local), *slices(local, "foo", "bar", OURS), *([endpoints] if endpoints else [])]


def test_one_run_with_both_names(sync: Sync, local: ControlPlane, mirror: Mode) -> None:
    assert COMMAND == "barrelman-sync"
    sync.converges(*mirror, OLD, "--adopt-source=remote")
    address = bar(local)["spec"]["clusterIP"]
    with watched(local, "foo", "bar") as seen:
        run = sync.converges(*mirror, *RENAMING)
        local.settle()
    assert seen.always == REMOTE
    assert len(run.writes) == len(written(local)) == 2
    assert [labels(obj)[SOURCE] for obj in written(local)] == ["new", "new"]
    assert bar(local)["spec"]["clusterIP"] == address
    sync.writes_nothing(*mirror, NEW)
    sync.writes_nothing(*mirror, *RENAMING)


def test_without_the_old_name_the_mirrors_are_left(sync: Sync, local: ControlPlane, mirror: Mode) -> None:
    sync.converges(*mirror, OLD, "--adopt-source=remote")
    run = sync.writes_nothing(*mirror, NEW)
    assert "left" in run.line("! Service", "foo/bar")
    assert ips(local, "foo", "bar") or slices(local, "foo", "bar", OURS)
