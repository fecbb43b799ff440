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


def test_nobody(api: FakeApi, connected: Connect) -> None:
    read(connected(api))
    assert authorizations(api) == [None]


def test_a_refused_token_is_sent_once(api: FakeApi, connected: Connect) -> None:
    api.tokens = {"other"}
    with pytest.raises(ClusterError, match="The server rejects the credentials") as caught:
        read(connected(api, token="secret"))
    assert "secret" not in str(caught.value)
    assert len(api.requests) == 1


@pytest.mark.parametrize("token", ["secret\n", "se\ncret"])
def test_a_broken_token_is_not_shown(api: FakeApi, connected: Connect, token: str) -> None:
    """`token: |` in YAML ends with a newline, which no header may have; the HTTP library would quote all of it."""
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
