"""Sovereign clouds: all of Google's APIs, and the accounts that use them, belong to another domain."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gke import files
from tests.gke.command import Command
from tests.gke.google import CLUSTER_PATH, METADATA_ACCOUNT, TARGET, Google

UNIVERSE = "apis.sovereign.example"
VARIABLE = "GOOGLE_CLOUD_UNIVERSE_DOMAIN"


@pytest.fixture(autouse=True)
def described(google: Google) -> None:
    """The container API is reached, and that is as far as these tests go."""
    google.cluster = {"status": "STOPPING"}


@pytest.fixture
def sovereign_key(google: Google, private_key: str, tmp_path: Path) -> str:
    content = files.key(google, private_key, universe_domain=UNIVERSE)
    return str(files.write(tmp_path / "sovereign.json", content))


@pytest.mark.parametrize("variable", [{}, {VARIABLE: UNIVERSE}, {VARIABLE: f" {UNIVERSE}\n"}])
def test_a_key_of_it(command: Command, google: Google, sovereign_key: str, variable: dict[str, str]) -> None:
    """The API has another name, to which this proxy leads nobody. Such a key needs no token server."""
    unset = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER": "", "HTTPS_PROXY": google.url}
    problem = command.fails(1, GOOGLE_APPLICATION_CREDENTIALS=sovereign_key, **unset, **variable)
    assert f"no usable answer from container.{UNIVERSE}: Tunnel connection failed: 404" in problem
    assert [asked.method for asked in google.asked] == ["CONNECT"]


def test_a_key_of_it_with_an_address_for_the_api(command: Command, google: Google, sovereign_key: str) -> None:
    """It is sent a token that the key signs itself, which the fake knows nothing of."""
    problem = command.fails(1, GOOGLE_APPLICATION_CREDENTIALS=sovereign_key, **{VARIABLE: UNIVERSE})
    assert "answered 401" in problem
    assert {*google.paths()} == {CLUSTER_PATH}


def test_a_key_of_another_one(command: Command, google: Google) -> None:
    problem = command.fails(2, **{VARIABLE: UNIVERSE})
    assert problem == (
        f"{VARIABLE} is {UNIVERSE}, but the Google credentials are for the universe domain googleapis.com: remove the"
        f" variable, or use credentials of {UNIVERSE}."
    )
    assert google.paths() == []


@pytest.mark.parametrize("options", [(), ("--impersonate-service-account", TARGET)])
def test_a_pod_of_it(command: Command, google: Google, options: tuple[str, ...]) -> None:
    """The metadata server is not asked again for what the variable says."""
    pod = {"NO_GCE_CHECK": "", "GOOGLE_APPLICATION_CREDENTIALS": "", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    addresses = {"GCE_METADATA_HOST": google.address, "GCE_METADATA_IP": google.address}
    assert "STOPPING" in command.fails(1, *options, **pod, **addresses, **{VARIABLE: UNIVERSE})
    asked = {path for path in google.paths() if path.startswith("/computeMetadata")}
    assert asked == {f"{METADATA_ACCOUNT}/", f"{METADATA_ACCOUNT}/token"}


def test_google_s_own(command: Command) -> None:
    assert "STOPPING" in command.fails(1, **{VARIABLE: "googleapis.com"})


@pytest.mark.parametrize("value", ["https://x.example/", "localhost", "a b.example"])
def test_a_domain_that_is_none(command: Command, google: Google, value: str) -> None:
    problem = command.fails(2, **{VARIABLE: value})
    assert problem == f"{VARIABLE}={value} is not a domain such as googleapis.com."
    assert google.paths() == []
