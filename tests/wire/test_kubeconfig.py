"""Kubeconfigs: what they ask for is done, and what is wrong with them is one clear message and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from barrelman_sync.access.kubeconfig import read_access
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.settings import InCluster, Kubeconfig
from tests.wire.commands import invoke
from tests.wire.kubeconfigs import Section, document, kubeconfig, write
from tests.wire.plugins import execs

SERVER = "http://127.0.0.1:1"
GOOD: Section = {"server": SERVER, "insecure-skip-tls-verify": True}


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
    "clusters: text": ({**without("clusters"), "clusters": "text"}, "clusters is not a list of entries with a name"),
    "nameless entry": ({**without("users"), "users": [{"user": {}}]}, "'name' is missing"),
    "empty cluster": (
        {**without("clusters"), "clusters": [{"name": "remote-cluster", "cluster": None}]},
        "cluster 'remote-cluster' is empty",
    ),
    "context without cluster": ({**without("contexts"), "contexts": [{"name": "remote", "context": {}}]}, "'cluster'"),
    "numeric password": (with_user(username="u", password=123), "password is not a text; if it looks like a number"),
    "numeric token": (with_user(token=123), "token is not a text; if it looks like a number"),
    "auth-provider": (with_user(auth_provider={"name": "gcp"}), "asks for 'auth-provider', which is not supported"),
    "as-user-extra": (
        with_user(**{"as": "a", "as_user_extra": {"b": ["c"]}}),
        "user remote-user asks for 'as-user-extra', which is not supported",
    ),
    "as-groups alone": (with_user(as_groups=["g"]), "'as-groups' and 'as-uid' need 'as'"),
    "as-uid alone": (with_user(as_uid="1"), "'as-groups' and 'as-uid' need 'as'"),
    "missing tokenFile": (with_user(tokenFile="gone"), "gone not found"),
    "bad base64 CA": (with_cluster(certificate_authority_data="%%%"), "certificate-authority-data is not base64"),
    "CA without certificate": (
        with_cluster(certificate_authority_data="bm8="),
        "certificate-authority-data holds no certificate",
    ),
    "missing CA": (with_cluster(certificate_authority="gone"), "gone not found"),
    "bad client certificate": (
        with_user(client_certificate_data="bm8=", client_key_data="bm8="),
        "client-certificate-data holds no certificate",
    ),
    "exec of a missing command": (with_user(exec=execs("no-such-plugin")), "exec command 'no-such-plugin' not found"),
    "bad proxy": (
        with_cluster(proxy_url="ftp://127.0.0.1"),
        "proxy-url 'ftp://127.0.0.1' is not the URL of an http, https or socks5 proxy",
    ),
}


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_kubeconfig_is_one_message(tmp_path: Path, content: object, said: str) -> None:
    assert said in problem(write(tmp_path / "config", content))


WRONG_FIELDS: dict[str, tuple[Section, str]] = {
    "server without a scheme": (with_cluster(server="api.example:6443"), "such as https://api.example:6443"),
    "server of another scheme": (with_cluster(server="ftp://api.example"), "is not an http or https URL"),
    "server with a bad port": (with_cluster(server="https://me:secret@a:port"), "'https://...@a:port' is not an http"),
    "server as a number": (with_cluster(server=1), "server is not a text"),
    "server as a list": (with_cluster(server=["a"]), "server is not a text"),
    "server with port 0": (with_cluster(server="https://a:0"), "is not an http or https URL"),
    "server without a host": (with_cluster(server="https://"), "is not an http or https URL"),
    "a key for a certificate that is missing": (
        with_user(client_key_data="bm8="),
        "the user has client-key-data, but neither client-certificate nor client-certificate-data",
    ),
    "a folder as an authority": (with_cluster(certificate_authority="."), "cannot be read: Is a directory"),
    "a folder as a key": (
        with_user(client_certificate_data="bm8=", client_key="/"),
        "client-key / cannot be read: Is a directory",
    ),
    "a NUL in a path": (with_cluster(certificate_authority="a\0b"), "certificate-authority is not a path"),
    "a path without end": (with_cluster(certificate_authority="a" * 5000), "cannot be read: File name too long"),
    "insecure as a text": (with_cluster(insecure_skip_tls_verify="yes"), "insecure-skip-tls-verify is neither true"),
    "a server name with a space": (with_cluster(tls_server_name="a b"), "tls-server-name 'a b' is neither a name"),
    "PEM where base64 belongs": (
        with_cluster(certificate_authority_data="-----BEGIN CERTIFICATE-----"),
        "certificate-authority-data is not base64",
    ),
    "proxy as a number": (with_cluster(proxy_url=8080), "proxy-url is not a text"),
    "exec as a list": (with_user(exec=["gcloud"]), "exec section names no command"),
    "an entry that is a text": ({**without("users"), "users": ["remote-user"]}, "users is not a list of entries"),
    "a user that is a text": ({**without("users"), "users": [{"name": "remote-user", "user": "me"}]}, "list of fields"),
}


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(("content", "said"), WRONG_FIELDS.values(), ids=WRONG_FIELDS)
def test_a_wrong_field_is_one_message(tmp_path: Path, content: Section, said: str) -> None:
    path = write(tmp_path / "config", content)
    told = problem(path)
    assert told.startswith(f"Error: '--remote-kubeconfig' {path}: ")
    assert said in told


RIGHT: dict[str, Section] = {
    "empty fields": with_cluster(
        **dict.fromkeys(["certificate_authority", "certificate_authority_data", "proxy_url", "tls_server_name"], ""),
        extensions=None,
    ),
    "null fields": with_cluster(insecure_skip_tls_verify=None, proxy_url=None, disable_compression=None),
    "white space": with_cluster(server=f" {SERVER}/\n"),
    "no user": {
        **without("contexts"),
        "contexts": [{"name": "remote", "context": {"cluster": "remote-cluster", "user": "", "namespace": ""}}],
    },
    "a user of nothing": {**without("users"), "users": [{"name": "remote-user", "user": None}]},
    "an entry that nobody names": {**with_user(), "users": [*with_user()["users"], {"user": {"token": "x"}}]},
    "an empty entry": {**with_user(), "users": [*with_user()["users"], None]},
    "more than there should be": {**with_user(), "users": [*with_user()["users"], {"name": "x", "user": {"exec": 1}}]},
}


@pytest.mark.parametrize("content", RIGHT.values(), ids=RIGHT)
def test_what_is_no_mistake(tmp_path: Path, content: Section) -> None:
    found = read_access(Kubeconfig(str(write(tmp_path / "config", content))), "remote")
    assert found.server.rstrip("/") == SERVER
    assert (found.proxy, found.server_name, found.token, found.exec) == (None, None, None, None)


TRACEBACKS: dict[str, Section] = {
    "certificate without key": with_user(client_certificate_data="bm8="),
    "exec is a text": with_user(exec="gcloud"),
    "exec without command": with_user(exec={"apiVersion": "client.authentication.k8s.io/v1"}),
    "bad port": with_cluster(server="https://127.0.0.1:port"),
    "bad IPv6": with_cluster(server="https://[::1"),
    "SOCKS 4 proxy": with_cluster(proxy_url="socks4://127.0.0.1:1"),
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


def test_a_pod_without_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(ConfigurationError, match=r"The pod's service account in .* cannot be used"):
        read_access(InCluster(), "local")
