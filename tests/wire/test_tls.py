"""Which server we talk to, and whom it sees. Which certificates are trusted: `test_certificates.py`."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from lightkube.config.kubeconfig import KubeConfig

from barrelman_sync.access.http import connect
from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.model.settings import InCluster
from tests.wire.certificates import SERVER_NAME, Certificates
from tests.wire.conftest import ConnectTo, Patient
from tests.wire.fakeapi import FakeApi
from tests.wire.plugins import credential, execs, plugin
from tests.wire.proxy import Proxy


@pytest.fixture
def asking(certificates: Certificates) -> Iterator[FakeApi]:
    """A server that lets nobody in without a certificate of our authority."""
    with FakeApi(certificates.server(ask_client=True)) as api:
        yield api


def read(client: ClusterClient) -> None:
    client.list_all(resources.Node, lambda item: item)


def is_not_trusted(client: ClusterClient, deadline: Patient) -> None:
    with pytest.raises(ClusterError, match=r"the certificate of https://.* is not trusted: "):
        read(client)
    assert deadline.slept == []


def test_the_authority_of_the_kubeconfig(server: FakeApi, to: ConnectTo) -> None:
    read(to(server.url))
    assert len(server.requests) == 1


def test_an_authority_file_is_beside_its_kubeconfig(
    server: FakeApi, to: ConnectTo, tmp_path: Path, certificates: Certificates
) -> None:
    (tmp_path / "ca.crt").write_bytes(certificates.file("ca.crt").read_bytes())
    read(to(server.url, certificate_authority="ca.crt", certificate_authority_data=None))


def test_another_authority(server: FakeApi, to: ConnectTo, deadline: Patient) -> None:
    """At once, without another try: it would be the same again."""
    is_not_trusted(to(server.url, certificate_authority_data=None), deadline)
    assert server.requests == []


def test_another_name(named: FakeApi, to: ConnectTo, deadline: Patient) -> None:
    is_not_trusted(to(named.url), deadline)


def test_unchecked_on_request_only(named: FakeApi, to: ConnectTo) -> None:
    read(to(named.url, certificate_authority_data=None, insecure_skip_tls_verify=True))


@pytest.mark.parametrize(
    "cluster",
    [{}, {"certificate_authority_data": None, "insecure_skip_tls_verify": True}],
    ids=["checked", "unchecked"],
)
def test_a_connection_changes_nothing_for_other_threads(
    server: FakeApi, to: ConnectTo, cluster: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """httpx2 would name the protocols again: a use after free while another thread connects (python/cpython#141012)."""
    client = to(server.url, None, **cluster)
    named: list[object] = []
    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", lambda *given: named.append(given))
    read(client)
    assert (named, len(server.requests)) == ([], 1)


def test_tls_server_name(named: FakeApi, to: ConnectTo) -> None:
    """lightkube ignores it."""
    read(to(named.url, tls_server_name=SERVER_NAME))
    assert len(named.requests) == 1


def test_tls_server_name_is_checked(server: FakeApi, to: ConnectTo, deadline: Patient) -> None:
    is_not_trusted(to(server.url, tls_server_name=SERVER_NAME), deadline)


@pytest.mark.usefixtures("opened")
def test_a_pod_goes_by_no_proxy(
    server: FakeApi, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deadline: Patient
) -> None:
    """By its service account's token, straight to its own API server."""
    (tmp_path / "ca.crt").write_bytes(certificates.file("ca.crt").read_bytes())
    (tmp_path / "token").write_text("of-the-pod")
    (tmp_path / "namespace").write_text("default")
    by_files = partial(KubeConfig.from_service_account, service_account=str(tmp_path))
    monkeypatch.setattr(KubeConfig, "from_service_account", by_files)
    host, _, port = server.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    with Proxy(server.url) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        read(connect(InCluster(), "local", deadline))
    assert proxy.asked == []
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer of-the-pod"]


def test_no_certificate(asking: FakeApi, to: ConnectTo) -> None:
    with pytest.raises(ClusterError, match="no connection to"):
        read(to(asking.url))
    assert asking.requests == []


def test_a_client_certificate(asking: FakeApi, to: ConnectTo, certificates: Certificates) -> None:
    data = {
        "client-certificate-data": certificates.data("client.crt"),
        "client-key-data": certificates.data("client.key"),
    }
    read(to(asking.url, data))
    assert len(asking.requests) == 1


def test_client_certificate_files(asking: FakeApi, to: ConnectTo, certificates: Certificates, tmp_path: Path) -> None:
    for name in ("client.crt", "client.key"):
        (tmp_path / name).write_bytes(certificates.file(name).read_bytes())
    read(to(asking.url, {"client-certificate": "client.crt", "client-key": str(tmp_path / "client.key")}))
    assert len(asking.requests) == 1


def test_a_client_certificate_of_a_command(
    asking: FakeApi, to: ConnectTo, certificates: Certificates, tmp_path: Path
) -> None:
    """With a token beside it or without."""
    files = {key: certificates.file(name).read_text() for key, name in _CREDENTIAL.items()}
    for status in (files, {**files, "token": "secret"}):
        read(to(asking.url, {"exec": execs(plugin(tmp_path, credential(**status)))}))
    assert [request.headers["Authorization"] for request in asking.requests] == [None, "Bearer secret"]


def test_a_command_that_gives_a_token_beside_a_client_certificate(
    asking: FakeApi, to: ConnectTo, certificates: Certificates, tmp_path: Path
) -> None:
    user = {
        "client-certificate-data": certificates.data("client.crt"),
        "client-key-data": certificates.data("client.key"),
        "exec": execs(plugin(tmp_path, credential(token="secret"))),
    }
    read(to(asking.url, user))
    assert [request.headers["Authorization"] for request in asking.requests] == ["Bearer secret"]


def test_a_command_is_told_the_authority(
    server: FakeApi, to: ConnectTo, certificates: Certificates, tmp_path: Path
) -> None:
    command = plugin(tmp_path, credential(token="secret"))
    to(server.url, {"exec": execs(command, provideClusterInfo=True)})
    told = (tmp_path / "runs").read_text()
    assert base64.b64encode(certificates.file("ca.crt").read_bytes()).decode() in told


_CREDENTIAL = {"clientCertificateData": "client.crt", "clientKeyData": "client.key"}
