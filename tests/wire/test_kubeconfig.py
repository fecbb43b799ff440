"""Kubeconfigs: what they ask for is done, and what is wrong with them is one clear message and exit code 2."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from barrelman_sync.access.kubeconfig import read_access
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.settings import InCluster, Kubeconfig
from tests.wire.commands import invoke
from tests.wire.kubeconfigs import Section, document, kubeconfig, write
from tests.wire.plugins import execs

# lightkube leaves the temporary files of certificates that it cannot use to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")

SERVER = "http://127.0.0.1:1"
GOOD: Section = {"server": SERVER, "insecure-skip-tls-verify": True}


@pytest.fixture(autouse=True, scope="module")
def collected() -> Iterator[None]:
    """So that its warnings come now, and not in another test."""
    yield
    gc.collect()


def problem(path: Path, *options: str, **environment: str) -> str:
    """What the command says of this kubeconfig for the remote; its own one-line message, exit code 2."""
    local = kubeconfig(path.parent, "local", SERVER, insecure_skip_tls_verify=True)
    options = ("--local-kubeconfig", str(local), "--remote-kubeconfig", str(path), *options)
    result = invoke(*options, **environment)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2
    assert result.stdout == "failed: nothing was planned and nothing written\n"
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr
    return result.stderr


def with_user(**user: object) -> Section:
    return document("remote", GOOD, {key.replace("_", "-"): value for key, value in user.items()})


def with_cluster(**cluster: object) -> Section:
    return document("remote", {**GOOD, **{key.replace("_", "-"): value for key, value in cluster.items()}}, {})


def without(section: str) -> Section:
    return {key: value for key, value in with_user(token="t").items() if key != section}


WRONG: dict[str, tuple[object, str]] = {
    "empty": ("", "is empty"),
    "not YAML": ("a: [", "is not YAML"),
    "not a mapping": ([], "is not a kubeconfig"),
    "not a kubeconfig": ({"a": 1}, "has no current-context"),
    "no context": (without("contexts"), "has no context 'remote' (there are: none)"),
    "no cluster": (without("clusters"), "has no cluster 'remote-cluster' (there are: none)"),
    "no user": (without("users"), "has no user 'remote-user' (there are: none)"),
    "users: null": ({**without("users"), "users": None}, "has no user 'remote-user' (there are: none)"),
    "clusters: text": ({**without("clusters"), "clusters": "text"}, "string indices"),
    "nameless entry": ({**without("users"), "users": [{"user": {}}]}, "'name' is missing"),
    "empty cluster": ({**without("clusters"), "clusters": [{"name": "remote-cluster", "cluster": None}]}, "no cluster"),
    "context without cluster": ({**without("contexts"), "contexts": [{"name": "remote", "context": {}}]}, "'cluster'"),
    "numeric password": (with_user(username="u", password=123), "Expected `str | null`, got `int` - at `$.password`"),
    "numeric token": (with_user(token=123), "the user's token is not a single line of text"),
    "auth-provider": (with_user(auth_provider={"name": "gcp"}), "asks for 'auth-provider', which is not supported"),
    "as-user-extra": (
        with_user(**{"as": "a", "as_user_extra": {"b": ["c"]}}),
        "user remote-user asks for 'as-user-extra', which is not supported",
    ),
    "as-groups alone": (with_user(as_groups=["g"]), "'as-groups' and 'as-uid' need 'as'"),
    "as-uid alone": (with_user(as_uid="1"), "'as-groups' and 'as-uid' need 'as'"),
    "missing tokenFile": (with_user(tokenFile="gone"), "gone not found"),
    "bad base64 CA": (with_cluster(certificate_authority_data="%%%"), "The credentials for the remote cluster"),
    "CA without certificate": (with_cluster(certificate_authority_data="bm8="), "The credentials for the remote"),
    "missing CA": (with_cluster(certificate_authority="gone"), "gone not found"),
    "bad client certificate": (
        with_user(client_certificate_data="bm8=", client_key_data="bm8="),
        "The credentials for the remote cluster",
    ),
    "exec of a missing command": (with_user(exec=execs("no-such-plugin")), "exec command 'no-such-plugin' not found"),
    "bad proxy": (with_cluster(proxy_url="ftp://127.0.0.1"), "proxy-url 'ftp://127.0.0.1' is not an http or https URL"),
}


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_kubeconfig_is_one_message(tmp_path: Path, content: object, said: str) -> None:
    assert said in problem(write(tmp_path / "config", content))


TRACEBACKS: dict[str, Section] = {
    "certificate without key": with_user(client_certificate_data="bm8="),
    "exec is a text": with_user(exec="gcloud"),
    "exec without command": with_user(exec={"apiVersion": "client.authentication.k8s.io/v1"}),
    "bad port": with_cluster(server="https://127.0.0.1:port"),
    "bad IPv6": with_cluster(server="https://[::1"),
    "SOCKS proxy": with_cluster(proxy_url="socks5://127.0.0.1:1"),
}


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("content", TRACEBACKS.values(), ids=TRACEBACKS)
def test_no_kubeconfig_ends_in_a_traceback(tmp_path: Path, content: Section) -> None:
    assert "remote" in problem(write(tmp_path / "config", content))


@pytest.mark.usefixtures("in_process")
def test_a_cluster_without_server(tmp_path: Path) -> None:
    assert "server" in problem(write(tmp_path / "config", document("remote", {"proxy-url": ""}, {})))


@pytest.mark.usefixtures("in_process")
def test_a_missing_certificate_file_is_named(tmp_path: Path) -> None:
    assert "gone.crt" in problem(write(tmp_path / "config", with_cluster(certificate_authority="gone.crt")))


@pytest.mark.usefixtures("in_process")
def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "gone"
    assert problem(path) == f"Error: '--remote-kubeconfig' {path}: {path} not found\n"


@pytest.mark.usefixtures("in_process")
def test_a_folder(tmp_path: Path) -> None:
    assert problem(tmp_path) == f"Error: '--remote-kubeconfig' {tmp_path}: cannot be read: Is a directory\n"


@pytest.mark.usefixtures("in_process")
def test_a_wrong_context(tmp_path: Path) -> None:
    said = problem(write(tmp_path / "config", with_user()), "--remote-context", "other")
    assert said.endswith("has no context 'other' (there are: remote)\n")


@pytest.mark.usefixtures("in_process")
def test_a_name_that_cannot_be_a_label(tmp_path: Path) -> None:
    """The context's name is the default of --remote-name, and EKS's are full of colons."""
    said = problem(write(tmp_path / "config", document("arn:aws:eks", GOOD, {})))
    assert said.startswith("Error: Missing option '--remote-name': ")


def test_a_context_of_the_default_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """~/.kube/config, or what KUBECONFIG names."""
    (tmp_path / ".kube").mkdir()
    write(tmp_path / ".kube" / "config", document("home", GOOD, {}))
    assert read_access(Kubeconfig(context="home"), "remote").config.context_name == "home"
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "other", document("other", GOOD, {}))))
    assert read_access(Kubeconfig(context="other"), "remote").config.context_name == "other"
    with pytest.raises(ConfigurationError, match=r"'--remote-context' in .*/other: has no context 'home'"):
        read_access(Kubeconfig(context="home"), "remote")


def test_several_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]))
    with pytest.raises(ConfigurationError, match="KUBECONFIG names 2 files, which are not merged"):
        read_access(Kubeconfig(context="home"), "local")


def test_a_pod_without_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(ConfigurationError, match=r"The pod's service account in .* cannot be used"):
        read_access(InCluster(), "local")
