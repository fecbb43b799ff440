"""What two remotes do to each other, as docs/operations.md says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.controlplane import ControlPlane
from tests.endpoints.watching import watched
from tests.migration.shell import Shell
from tests.operations.page import MOVE_TO_B
from tests.scenarios.command import Sync
from tests.scenarios.origins import Mode, in_both_modes, served, uid_of, uids, written
from tests.scenarios.views import SOURCE, is_there, labels, mirror_of, node_port

pytestmark = pytest.mark.usefixtures("nodes")
A, B = ("--remote-name", "a"), ("--remote-name", "b")


@pytest.fixture(autouse=True)
def both_have_it(sync: Sync, other: Sync) -> None:
    sync.remote.add(node_port("foo", "bar", 30080))
    other.remote.add(node_port("foo", "bar", 30090))


def test_the_first_remote_keeps_the_name_and_the_second_takes_over_when_it_is_free(
    sync: Sync, other: Sync, local: ControlPlane
) -> None:
    sync.converges(*A)
    assert "mirrored from a" in other.writes_nothing(*B).line("foo/bar", "left")
    sync.remote.api.delete("Service", "bar", "foo")
    assert "left" in other.writes_nothing(*B).line("foo/bar")
    sync.converges(*A)
    assert is_there(local, "foo", "bar") == (False, False)
    other.converges(*B)
    assert labels(mirror_of(local, "foo", "bar"))[SOURCE] == "b"
    sync.writes_nothing(*A)


def test_a_remote_that_is_gone_keeps_its_names(sync: Sync, other: Sync, local: ControlPlane) -> None:
    sync.converges(*A)
    gone = sync("--remote-kubeconfig", str(nowhere(sync)), "--timeout", "1s", *A)
    assert (gone.exit_code, gone.writes) == (1, [])
    other.writes_nothing(*B)
    assert served(local, "foo", "bar") == ["10.0.0.1", "10.0.0.2"]


def nowhere(sync: Sync) -> Path:
    """Write a kubeconfig for an address where nobody listens."""
    path = sync.remote_kubeconfig.with_name("nowhere.kubeconfig")
    path.touch(mode=0o600)
    path.write_text(sync.remote_kubeconfig.read_text().replace(sync.remote.url, "https://127.0.0.1:9"))
    return path


@in_both_modes
def test_one_service_moves_to_the_other_remote_without_a_gap(
    sync: Sync, other: Sync, local: ControlPlane, shell: Shell, mode: Mode
) -> None:
    sync.converges(*A, *mode)
    local.settle()
    address = mirror_of(local, "foo", "bar")["spec"]["clusterIP"]
    with watched(local, "foo", "bar") as seen:
        shell(MOVE_TO_B)
        assert "left" in sync.writes_nothing(*A, *mode).line("foo/bar")
        other.converges(*B, *mode)
        local.settle()
    assert all(seen.states)
    assert served(local, "foo", "bar") == ["10.0.0.9"]
    assert {labels(obj)[SOURCE] for obj in written(local, "foo", "bar")} == {"b"}
    assert uids(local, "foo", "bar") == {uid_of(other.remote)}
    assert mirror_of(local, "foo", "bar")["spec"]["clusterIP"] == address
    sync.writes_nothing(*A, *mode)
