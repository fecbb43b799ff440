"""The options that name a remote: every problem at once, by the names of the options."""

from __future__ import annotations

import click
import pytest

from barrelman_sync.command.options import ENVIRONMENT_PREFIX, OPTIONS
from barrelman_sync.command.parameters import GroupedCommand
from barrelman_sync.command.settings import settings_of
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.settings import GkeCluster, Kubeconfig, RemoteEndpoint, Settings
from tests.gke.command import REMOTE
from tests.gke.google import CLUSTER, LOCATION, PROJECT


def remote_of(*arguments: str) -> GkeCluster | Kubeconfig:
    def run(**values: object) -> Settings:
        return settings_of(click.get_current_context(), values)

    command = GroupedCommand("barrelman-sync", params=[*OPTIONS], callback=run)
    given = ["--local-context", "here", *arguments]
    settings: Settings = command.main(given, standalone_mode=False, auto_envvar_prefix=ENVIRONMENT_PREFIX)
    return settings.remote


def problems_of(*arguments: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        remote_of(*arguments)
    return [*caught.value.problems]


NO_PROBLEM: dict[str, tuple[tuple[str, ...], GkeCluster | Kubeconfig]] = {
    "GKE": (REMOTE, GkeCluster(PROJECT, LOCATION, CLUSTER)),
    "all of GKE": (
        (*REMOTE, "--remote-endpoint", "dns", "--impersonate-service-account", "a@b.iam.gserviceaccount.com"),
        GkeCluster(PROJECT, LOCATION, CLUSTER, RemoteEndpoint.DNS, "a@b.iam.gserviceaccount.com"),
    ),
    "project of a domain": (
        ("--remote-project", "example.com:shop", *REMOTE[2:]),
        GkeCluster("example.com:shop", LOCATION, CLUSTER),
    ),
    "kubeconfig": (("--remote-kubeconfig", "a"), Kubeconfig("a", None)),
    "context": (("--remote-context", "a"), Kubeconfig(None, "a")),
    "kubeconfig, and nothing of GKE": (
        (*(f"{name}=" for name in REMOTE[::2]), "--impersonate-service-account=", "--remote-context", "a"),
        Kubeconfig(None, "a"),
    ),
    "GKE, and nobody to act as": (
        (*REMOTE, "--impersonate-service-account="),
        GkeCluster(PROJECT, LOCATION, CLUSTER),
    ),
    "kubeconfig, and the default endpoint": (
        ("--remote-kubeconfig", "a", "--remote-endpoint", "auto"),
        Kubeconfig("a", None),
    ),
}


@pytest.mark.parametrize(("arguments", "remote"), NO_PROBLEM.values(), ids=NO_PROBLEM)
def test_a_remote(arguments: tuple[str, ...], remote: GkeCluster | Kubeconfig) -> None:
    assert remote_of(*arguments) == remote


@pytest.mark.parametrize("name", ["--remote-location", "--remote-zone"])
def test_the_zone_of_the_original(name: str) -> None:
    assert remote_of(*REMOTE[:2], name, "europe-west1-b", *REMOTE[4:]) == GkeCluster(PROJECT, "europe-west1-b", CLUSTER)


@pytest.mark.parametrize("name", ["REMOTE_LOCATION", "REMOTE_ZONE"])
def test_all_of_it_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {"REMOTE_PROJECT": PROJECT, name: LOCATION, "REMOTE_CLUSTER_NAME": CLUSTER}.items():
        monkeypatch.setenv(f"BARRELMAN_SYNC_{variable}", value)
    assert remote_of() == GkeCluster(PROJECT, LOCATION, CLUSTER)


THREE = "'--remote-project', '--remote-location' and '--remote-cluster-name'"
PROBLEMS: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "none": (
        (),
        [
            (
                f"Missing remote cluster: give {THREE} for a GKE cluster,"
                " or '--remote-kubeconfig' or '--remote-context' for any other cluster."
            )
        ],
    ),
    "two": (
        (*REMOTE, "--remote-context", "a"),
        [f"Two remote clusters: give either {THREE} or '--remote-context'."],
    ),
    "half": (
        ("--remote-project", "a"),
        [f"Missing '--remote-location' and '--remote-cluster-name': a GKE cluster needs {THREE}."],
    ),
    "nearly": (
        ("--remote-project", "a", "--remote-cluster-name", "b"),
        [f"Missing '--remote-location': a GKE cluster needs {THREE}."],
    ),
    "more of GKE without it": (
        ("--remote-kubeconfig", "a", "--remote-endpoint", "dns", "--impersonate-service-account", "a@b"),
        [
            (
                "'--remote-endpoint' and '--impersonate-service-account' can only be used for a GKE cluster:"
                f" give {THREE}."
            )
        ],
    ),
    "all at once": (
        ("--remote-project", "a/b", "--remote-zone", "$(x)", "--impersonate-service-account", "me"),
        [
            "Invalid value for '--remote-project': 'a/b' is not a valid Google Cloud name.",
            "Invalid value for '--remote-location' / '--remote-zone': '$(x)' is not a valid Google Cloud name.",
            (
                "Invalid value for '--impersonate-service-account': 'me' is not a service account address"
                " such as NAME@PROJECT.iam.gserviceaccount.com."
            ),
            f"Missing '--remote-cluster-name': a GKE cluster needs {THREE}.",
        ],
    ),
}


@pytest.mark.parametrize(("arguments", "problems"), PROBLEMS.values(), ids=PROBLEMS)
def test_no_remote(arguments: tuple[str, ...], problems: list[str]) -> None:
    assert problems_of(*arguments) == problems
