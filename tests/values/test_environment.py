"""What becomes of the variables that Google's libraries read."""

from __future__ import annotations

import pytest

from barrelman_sync.access.environment import prepare_for_google
from barrelman_sync.model.errors import ConfigurationError


def prepared(**environment: str) -> dict[str, str]:
    prepare_for_google(environment)
    return environment


def test_white_space_is_no_part_of_a_value() -> None:
    assert prepared(
        GOOGLE_APPLICATION_CREDENTIALS="/key.json\n",
        CLOUDSDK_CONFIG=" /config\r\n",
        https_proxy="http://proxy:1\n",
        NO_PROXY=" \n",
        OTHER=" kept ",
    ) == {
        "GOOGLE_APPLICATION_CREDENTIALS": "/key.json",
        "CLOUDSDK_CONFIG": "/config",
        "https_proxy": "http://proxy:1",
        "OTHER": " kept ",
    }


OVERRIDE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_socks_proxy_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is a SOCKS proxy, which Google's libraries do not support"):
        prepared(**{name: "socks5h://me:secret@proxy:1"})


def test_what_is_no_proxy_is_refused_by_name() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^HTTPS_PROXY 'proxy:port' is not the URL of an http, https or socks5"
    ):
        prepared(HTTPS_PROXY="proxy:port")


USABLE = [
    {"HTTPS_PROXY": "http://proxy:1"},
    {"ALL_PROXY": "socks5://proxy:1", OVERRIDE: "http://[::1/"},
    {"HTTPS_PROXY": "socks5://proxy:1", "NO_PROXY": ".googleapis.com"},
    {"HTTPS_PROXY": "socks5://proxy:1", OVERRIDE: "http://127.0.0.1:1/"},
    {"ALL_PROXY": "socks5://proxy:1", OVERRIDE: "http://127.0.0.1:1/", "NO_PROXY": "127.0.0.0/8"},
]


@pytest.mark.parametrize("environment", USABLE)
def test_usable(environment: dict[str, str]) -> None:
    assert prepared(**environment) == environment
