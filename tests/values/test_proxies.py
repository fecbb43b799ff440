"""The proxy that the environment names for a server, by the rules of Go."""

from __future__ import annotations

import pytest

from barrelman_sync.access.proxies import checked_proxy, proxy_of_environment

SERVER = "https://api.shop.example:6443"
PROXY = "http://proxy:3128"


def way(server: str = SERVER, **environment: str) -> str | None:
    proxy = proxy_of_environment(server, environment)
    return f"{proxy.named_by} {proxy.url}" if proxy else None


WAYS: dict[str, tuple[dict[str, str], str | None]] = {
    "none": ({}, None),
    "upper case": ({"HTTPS_PROXY": PROXY}, f"HTTPS_PROXY {PROXY}"),
    "lower case": ({"https_proxy": PROXY}, f"https_proxy {PROXY}"),
    "empty": ({"HTTPS_PROXY": "", "https_proxy": PROXY}, f"https_proxy {PROXY}"),
    "both": ({"https_proxy": "http://other", "HTTPS_PROXY": PROXY}, f"HTTPS_PROXY {PROXY}"),
    "white space only": ({"HTTPS_PROXY": " \n"}, None),
    "white space around it": ({"HTTPS_PROXY": f"{PROXY}\r\n"}, f"HTTPS_PROXY {PROXY}"),
    "for other schemes": ({"HTTP_PROXY": PROXY}, None),
    "for all schemes": ({"ALL_PROXY": PROXY}, f"ALL_PROXY {PROXY}"),
    "the scheme's own wins": ({"ALL_PROXY": "http://other", "HTTPS_PROXY": PROXY}, f"HTTPS_PROXY {PROXY}"),
    "without a scheme": ({"HTTPS_PROXY": "proxy:3128"}, f"HTTPS_PROXY {PROXY}"),
}


@pytest.mark.parametrize(("environment", "expected"), WAYS.values(), ids=WAYS)
def test_which_proxy(environment: dict[str, str], expected: str | None) -> None:
    assert way(**environment) == expected


def test_the_case_of_a_scheme_does_not_matter() -> None:
    assert checked_proxy("HTTPS_PROXY", "HTTPS://proxy").is_https
    assert checked_proxy("ALL_PROXY", "SOCKS5://proxy").is_socks
    assert not checked_proxy("HTTPS_PROXY", "HTTP://proxy").is_https


def test_a_server_by_plain_http() -> None:
    assert way("http://127.0.0.1:8080", HTTP_PROXY=PROXY, HTTPS_PROXY="http://other") == f"HTTP_PROXY {PROXY}"


EXEMPT = [
    ("https://10.1.2.3:6443", "10.0.0.0/8"),
    ("https://10.1.2.3:6443", "192.168.0.0/16, 10.1.2.3"),
    ("https://10.1.2.3:6443", "10.1.2.3:6443"),
    ("https://10.1.2.3", "10.1.2.3:443"),
    ("https://[fd00::1]:6443", "fd00::/8"),
    ("https://[fd00::1]:6443", "fd00:0::1"),
    ("https://[fd00::1]:6443", "[fd00::1]:6443"),
    ("https://kubernetes.default.svc", ".cluster.local,.svc"),
    ("https://kubernetes.default.svc", "*.svc"),
    ("https://KUBERNETES.default.SVC.", "Default.svc"),
    (SERVER, "shop.example"),
    (SERVER, "api.shop.example\n"),
    (SERVER, "a b api.shop.example"),
    (SERVER, "*"),
]


@pytest.mark.parametrize(("server", "no_proxy"), EXEMPT)
def test_exempt(server: str, no_proxy: str) -> None:
    assert way(server, HTTPS_PROXY=PROXY, NO_PROXY=no_proxy) is None
    assert way(server, HTTPS_PROXY=PROXY, no_proxy=no_proxy) is None


NOT_EXEMPT = [
    ("https://11.1.2.3:6443", "10.0.0.0/8"),
    ("https://10.1.2.3:6443", "10.1.2.3:443"),
    ("https://10.1.2.3:6443", "2.3,*.3"),
    ("https://shop.example", ".shop.example"),
    ("https://myshop.example", "shop.example"),
    (SERVER, "api.shop.example:443"),
    (SERVER, "10.0.0.0/99,[::1,://,a:b:c,,-,/,\u00e9"),
    (SERVER, ""),
]


@pytest.mark.parametrize(("server", "no_proxy"), NOT_EXEMPT)
def test_not_exempt(server: str, no_proxy: str) -> None:
    assert way(server, HTTPS_PROXY=PROXY, NO_PROXY=no_proxy) == f"HTTPS_PROXY {PROXY}"


@pytest.mark.parametrize(
    "text", ["ftp://me:secret@proxy", "socks4://me:se/cret@proxy:1", "me:secret@proxy:port", "http://me:secret@"]
)
def test_a_password_is_not_shown(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^HTTPS_PROXY '.*' is not the URL of an http, https or socks5 proxy$"
    ) as caught:
        checked_proxy("HTTPS_PROXY", text)
    assert "cret" not in str(caught.value)
    assert checked_proxy("proxy-url", "http://me:secret@proxy:1").shown == "proxy:1"
