"""Each TLS connection of ours has the same verdict on the same certificate, on every Python: that of kubectl.

`tests/migration/test_certificates.py` asks kubectl itself.
"""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.auth.exceptions import TransportError
from google.auth.transport.requests import _MutualTlsAdapter

from barrelman_sync.access.gke.transport import Http
from barrelman_sync.access.http import connect
from barrelman_sync.cluster import resources
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.deadline import Deadline
from barrelman_sync.metrics.pushgateway import push
from barrelman_sync.model.settings import Kubeconfig
from barrelman_sync.trust import as_go
from tests.metrics.reports import run
from tests.wire import answers
from tests.wire.certificates import Certificates, make_certificates
from tests.wire.conftest import Patient
from tests.wire.fakeapi import FakeApi
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.proxy import Proxy
from tests.wire.verdicts import CASES, OLD_TLS, STRICTER, issue_all, serving

pytestmark = pytest.mark.usefixtures("opened")

TRUSTED_BY_SOME = ("an authority with basicConstraints only", "an intermediate authority as the anchor")
"""What the contexts of `requests` refuse from Python 3.13 on, and before it."""
trusted_by_some = pytest.mark.parametrize("kind", TRUSTED_BY_SOME)


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return issue_all(make_certificates(tmp_path_factory.mktemp("issued")))


@pytest.fixture
def to_a_cluster(tmp_path: Path, deadline: Patient) -> Callable[[FakeApi, Path], bool]:
    def trusts(api: FakeApi, authority: Path) -> bool:
        path = kubeconfig(tmp_path, "remote", api.url, certificate_authority=str(authority))
        try:
            connect(Kubeconfig(str(path)), "remote", deadline).list_all(resources.Node, lambda item: item)
        except ClusterError as error:
            assert "certificate" in str(error) or "TLS" in str(error) or "SSL" in str(error)  # noqa: PT017
            return False
        return True

    return trusts


@pytest.fixture
def to_a_pushgateway(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeApi, Path], bool]:
    def trusts(api: FakeApi, authority: Path) -> bool:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        problem = push(api.url, run(exit_code=1), Deadline(9))
        assert problem is None or "SSL" in problem
        return problem is None

    return trusts


@pytest.fixture
def to_google(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeApi, Path], bool]:
    def trusts(api: FakeApi, authority: Path) -> bool:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        http = Http(Deadline(9), patient=False)
        try:
            http(f"{api.url}/")
        except TransportError as error:
            assert "SSL" in str(error)  # noqa: PT017
            return False
        finally:
            http.session.close()
        return True

    return trusts


@OLD_TLS
@pytest.mark.parametrize("way", ["to_a_cluster", "to_a_pushgateway", "to_google"])
@pytest.mark.parametrize("kind", [*CASES, *STRICTER])
def test_the_verdict(issued: Certificates, kind: str, way: str, request: pytest.FixtureRequest) -> None:
    case = {**CASES, **STRICTER}[kind]
    trusts = request.getfixturevalue(way)
    with serving(issued, case) as api:
        api.rule_for_ever("PUT", "/metrics/job/barrelman-sync/source/prod", answers.plain(200))
        api.rule_for_ever("GET", "/", answers.plain(200))
        assert trusts(api, issued.file(f"{case.authority}.crt")) == case.trusted
        assert bool(api.requests) == case.trusted


@trusted_by_some
def test_google_by_way_of_a_proxy(
    issued: Certificates, to_google: Callable[[FakeApi, Path], bool], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[kind]
    with serving(issued, case) as api, Proxy(api.url) as proxy:
        api.rule_for_ever("GET", "/", answers.plain(200))
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert to_google(api, issued.file(f"{case.authority}.crt"))
        assert proxy.asked == [api.url.removeprefix("https://")]


@pytest.fixture
def http() -> Iterator[Http]:
    http = Http(Deadline(9), patient=False)
    yield http
    http.session.close()


@pytest.fixture
def folder(issued: Certificates, tmp_path: Path) -> Path:
    """A folder of authorities, as OpenSSL wants it: the root."""
    (tmp_path / "root.pem").write_bytes(issued.file("root.crt").read_bytes())
    subprocess.run(["openssl", "rehash", tmp_path], check=True)
    return tmp_path


@pytest.mark.parametrize("kind", [*TRUSTED_BY_SOME, "another authority", "another address"])
def test_a_proxy_by_https_for_google(
    issued: Certificates, http: Http, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the proxy's certificate is trusted, the proxy gets the request, which it refuses."""
    case = CASES[kind]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(issued.file(f"{case.authority}.crt")))
    with serving(issued, case) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(TransportError, match="failed: 501" if case.trusted else "CERTIFICATE_VERIFY_FAILED"):
            http("https://google.example/")


def test_a_proxy_by_https_and_a_folder_of_authorities(
    issued: Certificates, folder: Path, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder))
    with serving(issued, CASES["an authority with basicConstraints only"]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(TransportError, match="failed: 501"):
            http("https://google.example/")


@pytest.mark.parametrize("proxy", ["", "https://127.0.0.1:9"])
def test_authorities_for_google_that_are_missing(http: Http, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(OSError, match="/no/such/file"):
        http("https://google.example/")


def test_a_folder_of_authorities_for_google(
    issued: Certificates, folder: Path, to_google: Callable[[FakeApi, Path], bool]
) -> None:
    with serving(issued, CASES["an authority with basicConstraints only"]) as api:
        api.rule_for_ever("GET", "/", answers.plain(200))
        assert to_google(api, folder)


def test_the_certificate_of_a_client_is_shown_to_one_server(
    issued: Certificates, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    """google-auth gives such a certificate to the token server, and to none of the servers that it asks later."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(issued.file("ca.crt")))
    with FakeApi(issued.server(ask_client=True)) as sts, FakeApi(issued.server(ask_client=True)) as other:
        sts.rule_for_ever("GET", "/", answers.plain(200))
        assert http(f"{sts.url}/", cert=(str(issued.file("client.crt")), str(issued.file("client.key")))).status == 200
        with pytest.raises(TransportError):
            http(f"{other.url}/")
        assert not other.requests


@pytest.mark.parametrize(
    ("host", "mutual"),
    [
        ("sts.mtls.googleapis.com", True),
        ("gke.p.googleapis.com", True),
        ("sts.googleapis.com", False),
        ("sts.mtls.googleapis.com.example", False),
    ],
)
def test_mutual_tls_is_left_to_google_auth(
    issued: Certificates, http: Http, host: str, *, mutual: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {"cert_path": str(issued.file("client.crt")), "key_path": str(issued.file("client.key"))}
    config = issued.file("certificate_config.json")
    config.write_text(json.dumps({"cert_configs": {"workload": paths}}))
    monkeypatch.setenv("GOOGLE_API_CERTIFICATE_CONFIG", str(config))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    for _ in range(2):
        with pytest.raises(TransportError):
            http(f"https://{host}/v1/token")
        assert isinstance(http.session.get_adapter(f"https://{host}/"), _MutualTlsAdapter) == mutual


@pytest.mark.parametrize(("before", "after"), [("MINIMUM_SUPPORTED", "TLSv1_2"), ("TLSv1_3", "TLSv1_3")])
def test_the_oldest_tls(before: str, after: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion[before]
    assert as_go(context).minimum_version == ssl.TLSVersion[after]


def test_the_protocol_is_set_for_good() -> None:
    """urllib3 names the protocols before each connection, as httpx2 does (see `for_threads`)."""
    context = as_go(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.set_alpn_protocols(["h2"])
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    assert b"\x00\x0b\x00\x09\x08http/1.1" in out.read()  # the extension, its list and the only name in it
