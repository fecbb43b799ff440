"""One cluster of two names, and objects without the uid of their remote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.controlplane import ControlPlane
from tests.scenarios.command import Sync
from tests.scenarios.origins import Mode, context_named, in_both_modes, served, uid_of, uids, without_uid, written
from tests.scenarios.test_ownership import make_original, original
from tests.scenarios.views import (
    SOURCE,
    SOURCE_UID,
    annotations_of,
    is_there,
    labels,
    manual,
    mirror_of,
    node_port,
)
from tests.schema import valid

pytestmark = pytest.mark.usefixtures("nodes")


# --- one cluster of two names ------------------------------------------------------------------------------------


@in_both_modes
def test_a_context_that_was_renamed_is_refused_before_any_write(sync: Sync, tmp_path: Path, mode: Mode) -> None:
    """By default, the name of the context is the name of the remote: the mirrors would be nobody's."""
    remote, local = sync.remote, sync.local
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(*mode)
    remote.add(node_port("foo", "new", 30081))
    renamed = [*context_named(sync, "renamed", tmp_path), *mode]
    said = "give --remote-name remote, or --adopt-source remote to go on as renamed."
    for options in ((), ("--dry-run",)):
        run = sync.writes_nothing(*renamed, *options, exit_code=2)
        assert "This remote is mirrored already, under the name remote" in run.stderr
        assert said in run.stderr
    document = valid(json.loads(sync.writes_nothing(*renamed, "-o", "json", exit_code=2).stdout))
    assert said in document["problems"][0]
    preflight = sync.writes_nothing(*renamed, "--preflight", "--timeout", "20s", exit_code=1)
    assert "FAIL remote cluster: mirrored already, under the name remote" in preflight.stdout
    assert said in preflight.stdout

    assert is_there(local, "foo", "new") == (False, False)
    sync.converges(*renamed, "--remote-name", "remote")
    sync.converges(*renamed, "--adopt-source", "remote")
    sync.writes_nothing(*renamed)
    assert {labels(obj)[SOURCE] for obj in written(local, "foo", "bar")} == {"renamed"}


def test_a_new_name_that_was_given_leaves_what_has_the_old_one(
    sync: Sync, remote: ControlPlane, local: ControlPlane
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges("--remote-name", "old")
    before = written(local, "foo", "bar")
    remote.add(node_port("foo", "new", 30081))
    run = sync.converges("--remote-name", "new")
    assert "from this very cluster under the name old (--adopt-source old takes over)" in run.line("foo/bar")
    assert written(local, "foo", "bar") == before
    assert labels(mirror_of(local, "foo", "new"))[SOURCE] == "new"


@pytest.mark.parametrize(
    ("context", "name"),
    [
        pytest.param("gke_acme_europe-west1_prod", "prod", id="GKE"),
        pytest.param("arn:aws:eks:eu-central-1:123456789012:cluster/prod", "prod", id="EKS"),
    ],
)
def test_a_context_of_gke_or_eks_is_called_as_its_cluster(sync: Sync, tmp_path: Path, context: str, name: str) -> None:
    remote, local = sync.remote, sync.local
    remote.add(node_port("foo", "bar", 30080))
    sync.converges(*context_named(sync, context, tmp_path))
    assert labels(mirror_of(local, "foo", "bar"))[SOURCE] == name
    sync.writes_nothing("--remote-name", name)


@in_both_modes
def test_what_has_the_name_of_the_whole_context_is_taken_over(sync: Sync, tmp_path: Path, mode: Mode) -> None:
    """The default name of versions before the uid."""
    remote, local = sync.remote, sync.local
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    context = "gke_acme_europe-west1_prod"
    sync.converges("--remote-name", context, *mode)
    remote.api.delete("Service", "gone", "foo")
    for name in ("bar", "gone"):
        without_uid(local, "foo", name)
    sync.converges(*context_named(sync, context, tmp_path), *mode)
    assert {labels(obj)[SOURCE] for obj in written(local, "foo", "bar")} == {"prod"}
    assert uids(local, "foo", "bar") == {uid_of(remote)}
    assert is_there(local, "foo", "gone") == (False, False)


# --- objects without a uid ---------------------------------------------------------------------------------------


@in_both_modes
def test_objects_of_versions_before_the_uid_get_it_in_one_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane, mode: Mode
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    local.add(manual("foo", "baz", 30081))
    sync.converges(*mode)
    for name in ("bar", "baz"):
        without_uid(local, "foo", name)
    run = sync.converges(*mode)
    assert len(run.writes) == 3
    assert {annotations_of(obj).get(SOURCE_UID) for obj in written(local, "foo", "bar")} == {uid_of(remote)}
    assert annotations_of(written(local, "foo", "baz")[1])[SOURCE_UID] == uid_of(remote)


@in_both_modes
def test_objects_of_the_original_get_name_and_uid_in_one_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str], mode: Mode
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    make_original(local, *original("foo", "bar", 30080, type="ClusterIP"))
    sync.converges(*mode)
    found = written(local, "foo", "bar")
    assert {(labels(obj)[SOURCE], annotations_of(obj)[SOURCE_UID]) for obj in found} == {("remote", uid_of(remote))}
    assert served(local, "foo", "bar") == nodes
