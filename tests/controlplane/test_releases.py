"""Which releases of Kubernetes the control planes are of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.golang import required
from lab.controlplane.releases import FOLDER, Release, UnknownRelease, all_releases, chosen

ROOT = Path(__file__).parents[2]
RELEASES = all_releases()
OLDEST, NEWEST = RELEASES[0], RELEASES[-1]


def test_the_newest_is_the_default() -> None:
    assert chosen({}) == chosen({"KUBERNETES": ""}) == chosen({"KUBERNETES": str(NEWEST)})
    assert chosen({}).of("local") == NEWEST


def test_one_is_for_all_clusters() -> None:
    found = chosen({"KUBERNETES": str(OLDEST)})
    assert {found.of(name) for name in ("local", "remote", "third")} == {OLDEST}


def test_two_are_local_and_remote() -> None:
    found = chosen({"KUBERNETES": f"{NEWEST}/{OLDEST}"})
    assert [found.of(name) for name in ("local", "third", "remote")] == [NEWEST, NEWEST, OLDEST]


@pytest.mark.parametrize("text", ["1.9", "1.37.2", "v1.37", "1.37/", "/1.37", "1.37/1.9", "1.37/1.31/1.37", "newest"])
def test_another_is_refused_with_what_there_is(text: str) -> None:
    told = f"KUBERNETES={text}: say one of {', '.join(map(str, RELEASES))}, or LOCAL/REMOTE, such as {NEWEST}/{OLDEST}"
    with pytest.raises(UnknownRelease, match=f"^{re.escape(told)}$"):
        chosen({"KUBERNETES": text})


def test_numbers_are_in_order() -> None:
    assert Release((1, 9)) < Release((1, 10))


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_all_modules_of_a_release_are_of_one_patch(release: Release) -> None:
    """A folder has the modules of its own release, and no module of another patch gets into the binary."""
    text = (release.module / "go.mod").read_text()
    replaced = re.findall(r"=> k8s\.io/\S+ v0\.(\S+)$", text, re.MULTILINE)
    assert release.version.startswith(f"{release}.")
    assert {f"1.{version}" for version in replaced} == {release.version}
    assert (release.module / "main.go").resolve() == FOLDER.parent / "main.go"


@pytest.mark.parametrize("program", ["clients", "dataplane"])
@pytest.mark.parametrize("library", ["api", "apimachinery", "client-go"])
def test_other_programs_have_the_libraries_of_the_newest(program: str, library: str) -> None:
    """Go compiles these libraries, hundreds of packages, again for each version."""
    wanted = NEWEST.version.replace("1.", "0.", 1)
    assert required(ROOT / "lab" / program, f"k8s.io/{library}") == wanted


def test_ci_runs_the_oldest_too() -> None:
    assert re.findall(r"KUBERNETES=(\S+)", (ROOT / ".ci/run").read_text()) == [str(OLDEST)]


def test_a_server_is_of_the_chosen_release(remote: ControlPlane, local: ControlPlane) -> None:
    versions = [plane.api.request("GET", "/version")["gitVersion"] for plane in (local, remote)]
    assert versions == [f"v{release.version}" for release in (chosen().local, chosen().remote)]
