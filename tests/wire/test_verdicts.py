"""Each TLS connection of ours has the same verdict on the same certificate, on every Python: that of kubectl.

`tests/migration/test_certificates.py` asks kubectl itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from google.auth.exceptions import TransportError

from barrelman_sync.access.gke.transport import Http
from barrelman_sync.access.http import connect
from barrelman_sync.cluster import resources
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.deadline import Deadline
from barrelman_sync.metrics.pushgateway import push
from barrelman_sync.model.settings import Kubeconfig
from tests.metrics.reports import run
from tests.wire import answers
from tests.wire.certificates import Certificates, make_certificates
from tests.wire.conftest import Patient
from tests.wire.fakeapi import FakeApi
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.proxy import Proxy
from tests.wire.verdicts import CASES, OLD_TLS, STRICTER, issue_all, serving

pytestmark = pytest.mark.usefixtures("opened")


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


def test_google_by_way_of_a_proxy(
    issued: Certificates, to_google: Callable[[FakeApi, Path], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(issued, CASES["an authority with basicConstraints only"]) as api, Proxy(api.url) as proxy:
        api.rule_for_ever("GET", "/", answers.plain(200))
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert to_google(api, issued.file("root.crt"))
        assert proxy.asked == [api.url.removeprefix("https://")]


def test_a_proxy_by_https_for_google(issued: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy's certificate is trusted, so the proxy gets the request, which it refuses."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(issued.file("root.crt")))
    with serving(issued, CASES["an authority with basicConstraints only"]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        http = Http(Deadline(9), patient=False)
        with pytest.raises(TransportError, match="Tunnel connection failed: 501"):
            http("https://google.example/")
        http.session.close()
