"""By which proxy we go, and what is said of one that does not work."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.model.errors import ConfigurationError
from tests.wire.certificates import SERVER_NAME
from tests.wire.commands import invoke
from tests.wire.conftest import ConnectTo
from tests.wire.fakeapi import FakeApi
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.proxy import Proxy, SocksProxy


def read(client: ClusterClient) -> None:
    client.list_all(resources.Node, lambda item: item)


def test_proxy_url(server: FakeApi, to: ConnectTo) -> None:
    """lightkube ignores it."""
    with Proxy(server.url) as proxy:
        read(to(server.url, proxy_url=proxy.url))
    assert proxy.asked == [server.url.removeprefix("https://")]
    assert len(server.requests) == 1


def test_proxy_url_and_tls_server_name(named: FakeApi, to: ConnectTo) -> None:
    """The proxy is asked for the server of the URL, the server's certificate for the other name."""
    with Proxy(named.url) as proxy:
        read(to("https://10.255.255.1:6443", proxy_url=proxy.url, tls_server_name=SERVER_NAME))
    assert proxy.asked == ["10.255.255.1:6443"]
    assert len(named.requests) == 1


def test_a_dead_proxy(server: FakeApi, to: ConnectTo) -> None:
    """Never around it."""
    with Proxy(server.url) as proxy:
        url = proxy.url
    with pytest.raises(ClusterError, match=r"no connection to .* through the proxy-url 127\.0\.0\.1:[0-9]+\."):
        read(to(server.url, proxy_url=url))
    assert server.requests == []


def test_a_password_of_the_proxy_is_not_told(server: FakeApi, to: ConnectTo) -> None:
    with Proxy(server.url) as proxy:
        url = proxy.url.replace("://", "://me:my-password@")
    with pytest.raises(ClusterError) as caught:
        read(to(server.url, proxy_url=url))
    assert "my-password" not in str(caught.value)


def test_the_proxy_of_the_environment(server: FakeApi, to: ConnectTo, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(server.url) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        read(to(server.url))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        read(to(server.url))
    assert proxy.asked == [server.url.removeprefix("https://")]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("password", ["", "my-password"])
def test_a_socks_proxy_of_the_kubeconfig(server: FakeApi, to: ConnectTo, scheme: str, password: str) -> None:
    with SocksProxy(server.url, password) as proxy:
        read(to(server.url, proxy_url=proxy.url.replace("socks5", scheme)))
    assert proxy.asked == [server.url.removeprefix("https://")]
    assert len(server.requests) == 1


def test_a_socks_proxy_looks_up_the_name(named: FakeApi, to: ConnectTo) -> None:
    """As with kubectl: what the proxy can reach may have no name here."""
    with SocksProxy(named.url) as proxy:
        read(to(f"https://{SERVER_NAME}:6443", proxy_url=proxy.url))
    assert proxy.asked == [f"{SERVER_NAME}:6443"]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_socks_proxy_of_the_environment(
    server: FakeApi, to: ConnectTo, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SocksProxy(server.url) as proxy:
        monkeypatch.setenv(variable, f"{proxy.url}\n")
        read(to(server.url))
        monkeypatch.setenv("NO_PROXY", "10.0.0.0/8, 127.0.0.0/8,.svc")
        read(to(server.url))
    assert proxy.asked == [server.url.removeprefix("https://")]
    assert len(server.requests) == 2


def test_a_proxy_by_https(server: FakeApi, to: ConnectTo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its certificate is checked: here it has none at all."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=_refuse, args=[listener], daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(
            ClusterError, match=r"no connection to .* through the proxy 127\.0\.0\.1:\d+ of HTTPS_PROXY"
        ):
            read(to(server.url))
    assert server.requests == []


@pytest.fixture
def collected() -> Iterator[None]:
    """httpcore2 leaves the socket of a SOCKS proxy that misbehaves to the garbage collector."""
    yield
    gc.collect()


@pytest.mark.filterwarnings("ignore:Exception ignored (in|while finalizing):pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("collected")
def test_a_proxy_that_speaks_no_socks(server: FakeApi, to: ConnectTo) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=_refuse, args=[listener], daemon=True).start()
        url = f"socks5://me:my-password@127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ClusterError) as caught:
            read(to(server.url, proxy_url=url))
    said = str(caught.value)
    assert "the answer of the proxy is not SOCKS 5" in said
    assert "through the proxy-url 127.0.0.1:" in said
    assert "my-password" not in said


def _refuse(listener: socket.socket) -> None:
    """Answer every client with what is neither TLS nor SOCKS."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        client.recv(4096)
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        client.close()


WRONG = ["ftp://127.0.0.1:1", "socks4://127.0.0.1:1", "http://127.0.0.1:port", "http://", "http://[::1", "http://a b"]


@pytest.mark.parametrize("url", WRONG)
def test_what_is_no_proxy(to: ConnectTo, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    url = url.replace("://", "://me:my-password@")
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(
        ConfigurationError, match=r"^HTTPS_PROXY '.*' is not the URL of an http, https or socks5"
    ) as caught:
        to("https://127.0.0.1:1")
    assert "my-password" not in str(caught.value)


@pytest.mark.usefixtures("in_process")
def test_what_is_no_proxy_is_one_message_for_both_clusters(tmp_path: Path) -> None:
    arguments = [
        f"--{side}-kubeconfig={kubeconfig(tmp_path, side, 'https://127.0.0.1:1')}" for side in ("local", "remote")
    ]
    result = invoke(*arguments, HTTPS_PROXY="socks4://127.0.0.1:1")
    assert result.exit_code == 2
    said = "Error: HTTPS_PROXY 'socks4://127.0.0.1:1' is not the URL of an http, https or socks5 proxy\n"
    assert result.stderr == said


def test_what_is_no_proxy_does_not_matter_for_an_exempt_server(to: ConnectTo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    to("https://127.0.0.1:1")
