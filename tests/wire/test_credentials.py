"""Who we are to the server: tokens, token files, impersonation, client certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.model.errors import ConfigurationError
from tests.wire import answers
from tests.wire.conftest import Connect, Patient
from tests.wire.fakeapi import Exchange, FakeApi
from tests.wire.plugins import credential, execs, plugin

NODES = "/api/v1/nodes"
IMPERSONATED: dict[str, Any] = {"as": "viewer"}
IMPERSONATION: dict[str, Any] = {**IMPERSONATED, "as-groups": ["a", "b"], "as-uid": "uid-1"}


def read(client: ClusterClient) -> None:
    client.list_all(resources.Node, lambda item: item)


def authorizations(api: FakeApi) -> list[str | None]:
    return [request.headers["Authorization"] for request in api.requests]


def test_a_token(api: FakeApi, connected: Connect) -> None:
    read(connected(api, token="secret"))
    assert authorizations(api) == ["Bearer secret"]


def test_name_and_password(api: FakeApi, connected: Connect) -> None:
    read(connected(api, username="me", password="secret"))
    assert authorizations(api) == ["Basic bWU6c2VjcmV0"]


def test_a_name_without_password(api: FakeApi, connected: Connect) -> None:
    read(connected(api, username="me"))
    assert authorizations(api) == ["Basic bWU6"]


EMPTY: dict[str, Any] = {
    **dict.fromkeys(["token", "tokenFile", "username", "password", "as", "as-uid"], ""),
    **dict.fromkeys(["client-certificate", "client-certificate-data", "client-key", "client-key-data"], ""),
    "as-groups": [],
    "as-user-extra": {},
    "auth-provider": None,
    "exec": None,
    "extensions": None,
}
"""All fields of a user, as generators write them."""
EMPTY_TOO: dict[str, Any] = {
    "exec": {"command": "", "args": None, "env": None, "apiVersion": "", "provideClusterInfo": None},
    "auth-provider": {"name": "", "config": None},
    "as-groups": None,
    "as-user-extra": {"scopes": []},
    "token": " \n",
    "extensions": [],
}
ALMOST_EMPTY: dict[str, tuple[dict[str, Any], str | None]] = {
    "nothing": (EMPTY, None),
    "nothing, in other ways": (EMPTY | EMPTY_TOO, None),
    "null": (dict.fromkeys(EMPTY), None),
    "a token": (EMPTY | {"token": "secret"}, "Bearer secret"),
    "a name and a password": (EMPTY | {"username": "me", "password": "secret"}, "Basic bWU6c2VjcmV0"),
}


@pytest.mark.parametrize(("user", "sent"), ALMOST_EMPTY.values(), ids=ALMOST_EMPTY)
def test_an_empty_field_is_absent(api: FakeApi, connected: Connect, user: dict[str, Any], sent: str | None) -> None:
    read(connected(api, **user))
    (request,) = api.requests
    assert request.headers["Authorization"] == sent
    assert not [name for name in request.headers if name.startswith("Impersonate")]


def test_nobody(api: FakeApi, connected: Connect) -> None:
    read(connected(api))
    assert authorizations(api) == [None]


def test_a_refused_token_is_sent_once(api: FakeApi, connected: Connect) -> None:
    api.tokens = {"other"}
    with pytest.raises(ClusterError, match="The server rejects the credentials") as caught:
        read(connected(api, token="secret"))
    assert "secret" not in str(caught.value)
    assert len(api.requests) == 1


@pytest.mark.parametrize("token", ["secret\n", " secret", "secret\r\n"])
def test_white_space_around_a_token(api: FakeApi, connected: Connect, token: str) -> None:
    """`token: |` in YAML ends with a newline."""
    read(connected(api, token=token))
    assert authorizations(api) == ["Bearer secret"]


@pytest.mark.parametrize("token", ["se\ncret", "se\u00e9cret", "se\x1bcret"])
def test_a_broken_token_is_not_shown(api: FakeApi, connected: Connect, token: str) -> None:
    """No header may have it, and the HTTP library would quote all of it."""
    with pytest.raises(ConfigurationError, match="token") as caught:
        connected(api, token=token)
    assert "cret" not in str(caught.value)


def test_a_broken_token_of_a_file_is_not_shown(
    api: FakeApi, connected: Connect, deadline: Patient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token").write_text("se\ncret")
    with pytest.raises((ClusterError, ConfigurationError)) as caught:
        read(connected(api, tokenFile="token"))
    assert "cret" not in str(caught.value) + caplog.text
    assert deadline.slept == []


def test_a_broken_token_of_a_command_is_not_shown(
    api: FakeApi, connected: Connect, deadline: Patient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    command = plugin(tmp_path, credential(token="se\ncret"))
    with pytest.raises((ClusterError, ConfigurationError)) as caught:
        read(connected(api, exec=execs(command)))
    assert "cret" not in str(caught.value) + caplog.text
    assert deadline.slept == []


def test_a_token_file_is_beside_its_kubeconfig(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    read(connected(api, tokenFile="token"))
    assert authorizations(api) == ["Bearer secret"]


@pytest.mark.parametrize("content", [b"", b" \n", b"se\ncret", b"\xffcret", b"cr\x00et"])
def test_a_token_file_that_holds_no_token(api: FakeApi, connected: Connect, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"the token in {tmp_path}/token is not a single line") as caught:
        connected(api, tokenFile="token")
    assert "cret" not in str(caught.value)


def test_a_token_file_wins_over_a_token(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    """As in client-go."""
    (tmp_path / "token").write_text("from-file")
    read(connected(api, tokenFile=str(tmp_path / "token"), token="secret"))
    assert authorizations(api) == ["Bearer from-file"]


def test_a_token_file_is_read_again_when_refused(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    """The kubelet replaces it while we run."""
    file = tmp_path / "token"
    file.write_text("old")
    client = connected(api, tokenFile="token")
    read(client)
    file.write_text("new")
    api.tokens = {"new"}
    read(client)
    read(client)
    assert authorizations(api) == ["Bearer old", "Bearer old", "Bearer new", "Bearer new"]


@pytest.mark.parametrize("becomes", ["missing", "a folder"])
def test_a_token_file_that_cannot_be_read_again(api: FakeApi, connected: Connect, tmp_path: Path, becomes: str) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    client = connected(api, tokenFile="token")
    api.tokens = set()
    file.unlink()
    if becomes == "a folder":
        file.mkdir()
    with pytest.raises(ClusterError, match="token"):
        read(client)


def test_impersonation(api: FakeApi, connected: Connect) -> None:
    """lightkube ignores it, and would act with all permissions of the user behind it."""
    read(connected(api, token="secret", **IMPERSONATION))
    headers = api.requests[0].headers
    assert headers.get_all("Impersonate-User") == ["viewer"]
    assert headers.get_all("Impersonate-Group") == ["a", "b"]
    assert headers.get_all("Impersonate-Uid") == ["uid-1"]
    assert headers["Authorization"] == "Bearer secret"


WRONG: dict[str, dict[str, Any]] = {
    "groups as a text": {"as": "viewer", "as-groups": "admins"},
    "a line break": {"as": "vie\nwer"},
    "not ASCII": {"as": "viewer", "as-groups": ["\u00e9"]},
    "a number": {"as": 1},
}


@pytest.mark.parametrize("user", WRONG.values(), ids=WRONG)
def test_whom_nobody_can_impersonate(api: FakeApi, connected: Connect, user: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"--remote-kubeconfig.*\bas(-groups)?\b"):
        connected(api, **user)


def test_impersonation_holds_for_every_request(api: FakeApi, connected: Connect) -> None:
    client = connected(api, **IMPERSONATED)
    api.rule("GET", NODES, answers.failure(503))
    read(client)
    assert [request.headers["Impersonate-User"] for request in api.requests] == ["viewer", "viewer"]
    assert "Impersonate-Group" not in api.requests[0].headers


def test_a_redirect_gets_no_credentials(api: FakeApi, connected: Connect) -> None:
    """None is followed, to wherever it leads."""
    with FakeApi() as elsewhere:

        def away(exchange: Exchange) -> None:
            exchange.send(307, b"", None, Location=f"{elsewhere.url}{NODES}")

        api.rule("GET", NODES, away)
        with pytest.raises(ClusterError, match="307 Temporary Redirect"):
            read(connected(api, token="secret"))
        assert elsewhere.requests == []
