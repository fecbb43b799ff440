"""Which proxy leads to a server. Pure: the environment is handed in.

The rules are those of Go (golang.org/x/net/http/httpproxy), and so of kubectl: the names in capitals count first, and
NO_PROXY may hold networks, ports and domains. Unlike in Go, ALL_PROXY
counts, and a server on loopback may be behind a proxy.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

SOCKS = ("socks5", "socks5h")
_SCHEMES = ("http", "https", *SOCKS)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and what names it: a variable of the environment, or the field of a kubeconfig."""

    named_by: str
    url: str

    @property
    def is_socks(self) -> bool:
        return urlsplit(self.url).scheme in SOCKS

    @property
    def is_https(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    @property
    def shown(self) -> str:
        """The host and port. The part of the URL before an @ is not shown: it may be a password."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def checked_proxy(named_by: str, text: str) -> Proxy:
    """The proxy at a URL; without a scheme, `http` is meant. Raises ValueError that names where the URL is from."""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        usable = bool(parts.scheme in _SCHEMES and parts.hostname and parts.port != 0)
        usable = usable and url.isascii() and url.isprintable() and " " not in url
    except ValueError:  # the port is not a number, or a bracket is missing
        usable = False
    if not usable:
        message = f"{named_by} {without_password(text)!r} is not the URL of an http, https or socks5 proxy"
        raise ValueError(message)
    return Proxy(named_by, url)


def proxy_of_environment(server: str, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy that the environment names for a server; None for a direct way. Raises ValueError."""
    parts = urlsplit(server)
    names = (f"{parts.scheme}_proxy", "all_proxy")
    found = next(
        (spelt for name in names for spelt in (name.upper(), name) if environment.get(spelt, "").strip()), None
    )
    if not found or _is_exempt(parts, _no_proxy(environment)):
        return None
    return checked_proxy(found, environment[found].strip())


def _no_proxy(environment: Mapping[str, str]) -> list[str]:
    text = environment.get("NO_PROXY", "").strip() or environment.get("no_proxy", "")
    return [entry.lower() for entry in re.split(r"[,\s]+", text) if entry]


def _is_exempt(server: SplitResult, entries: list[str]) -> bool:
    host = (server.hostname or "").rstrip(".")
    port = server.port or _PORTS.get(server.scheme)
    return any(_matches(entry, host, port) for entry in entries)


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    if (address := _address(host)) and (network := _network(entry)):
        return address in network
    name, only = _with_port(entry)
    if only and only != str(port):
        return False
    if address:
        return address == _address(name)
    if name.startswith(("*.", ".")):
        return host.endswith(name.removeprefix("*"))
    return host == name or host.endswith(f".{name}")


def _with_port(entry: str) -> tuple[str, str]:
    """The name and the port of an entry; the port is empty if there is none."""
    match = re.fullmatch(r"\[(.*)\](?::(\d+))?|([^:]*):(\d+)", entry)
    if match is None:
        return entry, ""
    return match[1] or match[3] or "", match[2] or match[4] or ""


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def without_password(text: str) -> str:
    """A URL as it may be shown."""
    scheme, separator, rest = text.rpartition("://")
    return f"{scheme}{separator}{'...@' if '@' in rest else ''}{rest.rpartition('@')[2]}"
