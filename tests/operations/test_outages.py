"""A remote that is gone for a day or was made anew, and a local cluster from a backup, as docs/operations.md says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.controlplane import ControlPlane, Object, wait_until
from lab.controlplane.objects import node
from tests.scenarios.command import Sync
from tests.scenarios.origins import Mode, in_both_modes, served, uid_of, uids, written
from tests.scenarios.views import is_there, mirror_of, node_port, unchanged

pytestmark = pytest.mark.usefixtures("nodes")
BACKED_UP = ("name", "namespace", "labels", "annotations")


@in_both_modes
def test_a_remote_that_is_gone_leaves_everything_as_it_is(
    sync: Sync, remote: ControlPlane, local: ControlPlane, tmp_path: Path, mode: Mode
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(*mode)
    before = written(local, "foo", "bar")
    nowhere = tmp_path / "nowhere.kubeconfig"
    nowhere.touch(mode=0o600)
    nowhere.write_text(sync.remote_kubeconfig.read_text().replace(remote.url, "https://127.0.0.1:9"))
    run = sync.writes_nothing("--remote-kubeconfig", str(nowhere), "--timeout", "5s", *mode, exit_code=1)
    assert "no connection to" in run.stderr
    assert written(local, "foo", "bar") == before

    remote.add(node("n3", "10.0.0.3"))
    sync.converges(*mode)
    assert served(local, "foo", "bar") == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_a_remote_made_anew_takes_over_on_demand(sync: Sync, other: Sync, local: ControlPlane) -> None:
    name = ("--remote-name", "my-cluster")
    sync.remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    other.remote.add(node_port("foo", "bar", 30090))
    sync.converges(*name)
    address = mirror_of(local, "foo", "bar")["spec"]["clusterIP"]
    run = other.writes_nothing(*name, exit_code=1)
    assert "was made anew" in run.stdout
    assert served(local, "foo", "bar") == ["10.0.0.1", "10.0.0.2"]
    adopt = (*name, "--adopt-source", "my-cluster")
    assert "held back" in other.writes_nothing(*adopt, "--max-deletes", "0", "--dry-run").line("foo/gone", "Service")
    held_back = other(*adopt, "--max-deletes", "0")
    assert (held_back.exit_code, is_there(local, "foo", "gone")) == (3, (True, True))
    other.converges(*adopt)
    other.writes_nothing(*name)
    assert (served(local, "foo", "bar"), uids(local, "foo", "bar")) == (["10.0.0.9"], {uid_of(other.remote)})
    assert mirror_of(local, "foo", "bar")["spec"]["clusterIP"] == address
    assert is_there(local, "foo", "gone") == (False, False)


def lose(cluster: ControlPlane, found: list[Object]) -> None:
    """Delete the Services, and wait until Kubernetes has deleted their endpoints."""
    for obj in found:
        if obj["kind"] == "Service":
            cluster.api.delete("Service", obj["metadata"]["name"], obj["metadata"]["namespace"])
    for kind in ("Endpoints", "EndpointSlice"):
        wait_until(lambda: cluster.api.list(kind, "foo") == [], f"the {kind} to go")  # noqa: B023 - called at once


def backup(found: list[Object]) -> list[Object]:
    """Return what a backup tool restores: the objects, but for what a cluster gives them."""
    kept = [{key: value for key, value in obj.items() if key not in ("metadata", "status")} for obj in found]
    metadata = [{key: obj["metadata"][key] for key in BACKED_UP if key in obj["metadata"]} for obj in found]
    return [{**rest, "metadata": data} for rest, data in zip(kept, metadata, strict=True)]


@in_both_modes
def test_mirrors_from_a_backup_are_recognized(
    sync: Sync, remote: ControlPlane, local: ControlPlane, mode: Mode
) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    sync.converges(*mode)
    saved = backup([*written(local, "foo", "bar"), *written(local, "foo", "gone")])
    lose(local, saved)
    remote.api.delete("Service", "gone", "foo")
    remote.add(node("n3", "10.0.0.3"))
    local.add(*saved)
    restored = mirror_of(local, "foo", "bar")
    sync.converges(*mode)
    assert is_there(local, "foo", "gone") == (False, False)
    after = mirror_of(local, "foo", "bar")
    assert (after["metadata"]["uid"], after["spec"]["clusterIP"]) == (
        restored["metadata"]["uid"],
        restored["spec"]["clusterIP"],
    )
    assert served(local, "foo", "bar") == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_without_endpoints_in_the_backup_they_come_with_the_next_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    local.api.delete("Endpoints", "bar", "foo")
    before = mirror_of(local, "foo", "bar")
    sync.converges()
    assert unchanged(before, mirror_of(local, "foo", "bar"))
    assert served(local, "foo", "bar") == ["10.0.0.1", "10.0.0.2"]
