"""Credentials from a command. lightkube knows the beta protocol only, without certificates and without a time limit."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.errors import ConfigurationError, RunError
from tests.wire.conftest import Connect
from tests.wire.fakeapi import FakeApi
from tests.wire.plugins import V1, credential, execs, plugin, runs

BETA = "client.authentication.k8s.io/v1beta1"


def read(client: ClusterClient) -> None:
    client.list_all(resources.Node, lambda item: item)


def authorizations(api: FakeApi) -> list[str | None]:
    return [request.headers["Authorization"] for request in api.requests]


@pytest.mark.parametrize("version", [V1, BETA])
def test_a_token(api: FakeApi, connected: Connect, tmp_path: Path, version: str) -> None:
    """The command runs once, however many requests there are."""
    command = plugin(tmp_path, credential(version, token="secret"))
    client = connected(api, exec=execs(command, version))
    read(client)
    read(client)
    assert authorizations(api) == ["Bearer secret", "Bearer secret"]
    assert runs(tmp_path) == [{"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}]


def test_a_run_without_a_near_end(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    """Python counts the milliseconds that it waits for a command in an int: 24 days of them."""
    connected(api, Deadline(1e15), exec=execs(plugin(tmp_path, credential(token="secret"))))
    assert len(runs(tmp_path)) == 1


def test_a_relative_command_is_beside_its_kubeconfig(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    plugin(tmp_path, credential(token="secret"))
    read(connected(api, exec=execs("./plugin")))
    assert authorizations(api) == ["Bearer secret"]


def test_a_bare_command_is_searched_for(
    api: FakeApi, connected: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(tmp_path, credential(token="secret"), "my-plugin")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    read(connected(api, exec=execs("my-plugin")))
    assert authorizations(api) == ["Bearer secret"]


def test_arguments_and_environment(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    script = 'printf \'{"status":{"token":"%s-%s-%s"}}\' "$1" "$2" "$WHO"'
    command = plugin(tmp_path, script)
    read(connected(api, exec=execs(command, args=["a", 1], env=[{"name": "WHO", "value": "me"}])))
    assert authorizations(api) == ["Bearer a-1-me"]


def test_it_is_told_of_the_cluster_if_it_wants(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    command = plugin(tmp_path, credential(token="secret"))
    connected(api, exec=execs(command, provideClusterInfo=True))
    (info,) = runs(tmp_path)
    assert info["spec"]["cluster"]["server"] == api.url


def test_it_is_told_all_of_the_cluster(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    """The fixture's kubeconfig skips the check of certificates, and a plugin may talk to the cluster too."""
    command = plugin(tmp_path, credential(token="secret"))
    connected(api, exec=execs(command, provideClusterInfo=True))
    (info,) = runs(tmp_path)
    assert info["spec"]["cluster"] == {"server": api.url, "insecure-skip-tls-verify": True}


def test_a_refused_token_is_asked_for_once_more(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    """The command says something else the second time."""
    one, two = credential(token="one"), credential(token="two")
    command = plugin(tmp_path, f'if [ $(wc -l < "{tmp_path}/runs") = 1 ]; then\n{one}\nelse\n{two}\nfi')
    api.tokens = {"two"}
    client = connected(api, exec=execs(command))
    read(client)
    read(client)
    assert authorizations(api) == ["Bearer one", "Bearer two", "Bearer two"]
    assert len(runs(tmp_path)) == 2


def test_a_token_that_stays_refused(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    api.tokens = set()
    client = connected(api, exec=execs(plugin(tmp_path, credential(token="secret"))))
    with pytest.raises(ClusterError, match="401 Unauthorized"):
        read(client)
    assert len(api.requests) == len(runs(tmp_path)) == 2


def test_many_refused_at_once_run_the_command_once(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    command = plugin(tmp_path, f'printf \'{{"status":{{"token":"%s"}}}}\' $(wc -l < "{tmp_path}/runs")')
    client = connected(api, exec=execs(command))
    api.tokens = {"2"}
    threads = [threading.Thread(target=read, args=[client]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs(tmp_path)) == 2
    assert authorizations(api).count("Bearer 2") == 8


def test_a_command_that_fails_when_asked_again(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    """Now the run is under way: it fails like any request."""
    script = f'[ $(wc -l < "{tmp_path}/runs") = 1 ] || {{ echo "log in first" >&2; exit 7; }}\n'
    client = connected(api, exec=execs(plugin(tmp_path, script + credential(token="secret"))))
    api.tokens = set()
    with pytest.raises(
        ClusterError, match=r"listing nodes .* exec command '.*plugin' exited with code 7: log in first"
    ):
        read(client)


FAILING = {
    "exit code": ("echo 'log in first' >&2; exit 3", "exited with code 3: log in first"),
    "no JSON": ("echo hello", "returned no credential"),
    "no status": ("echo '{}'", "returned no credential: 'status'"),
    "null status": ("echo '{\"status\":null}'", "returned no credential"),
    "a list": ("echo '[]'", "returned no credential"),
    "no output": ("", "returned no credential"),
}


@pytest.mark.parametrize(("script", "said"), FAILING.values(), ids=FAILING)
def test_a_failing_command(api: FakeApi, connected: Connect, tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        connected(api, exec=execs(plugin(tmp_path, script)))
    assert api.requests == []


def test_a_command_without_any_credential(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    """client-go: `exec plugin didn't return a token or cert/key pair`."""
    with pytest.raises(ConfigurationError, match="returned no credential"):
        connected(api, exec=execs(plugin(tmp_path, credential())))


def test_a_command_that_gives_a_certificate_without_key(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="returned no credential"):
        connected(api, exec=execs(plugin(tmp_path, credential(clientCertificateData="x"))))


def test_a_hanging_command(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    """Ends with the run, and so does what it started."""
    with pytest.raises(RunError, match=r"'.*plugin' did not finish in time"):
        connected(api, Deadline(0.3), exec=execs(plugin(tmp_path, "exec sleep 5")))


def test_a_missing_command(api: FakeApi, connected: Connect) -> None:
    with pytest.raises(ConfigurationError, match=r"exec command 'no-such-plugin' not found\. Get it at example\.com"):
        connected(api, exec=execs("no-such-plugin", installHint="Get it at example.com"))


def test_a_command_that_may_not_run(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    plugin(tmp_path, "").chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"exec command './plugin' cannot be started: Permission denied"):
        connected(api, exec=execs("./plugin"))


def test_a_command_that_wants_a_terminal(api: FakeApi, connected: Connect, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="needs a terminal"):
        connected(api, exec=execs(plugin(tmp_path, ""), interactiveMode="Always"))
    assert runs(tmp_path) == []


@pytest.mark.parametrize("version", [None, "client.authentication.k8s.io/v2", "v1"])
def test_another_version(api: FakeApi, connected: Connect, tmp_path: Path, version: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"--remote-kubeconfig.* has apiVersion .*, not one of client.authentication.k8s.io/v1"
    ):
        connected(api, exec=execs(plugin(tmp_path, ""), version))
