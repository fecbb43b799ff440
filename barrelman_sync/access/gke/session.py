"""A session of `requests` for Google's libraries, whose TLS is ours."""

import re
import ssl
from collections import defaultdict
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from barrelman_sync.trust import as_go

_MUTUAL = re.compile(r"https://[^/]*\b(mtls|mtls\.sandbox|p)\.googleapis\.com(:\d+)?/")
"""The endpoints to which google-auth may show a client's certificate."""


def new_session() -> requests.Session:
    """A session that has the same verdict on a certificate on every Python."""
    session = _Session()
    session.mount("https://", _Adapter())
    return session


class _Session(requests.Session):
    """Leaves mutual TLS to google-auth, which mounts an adapter of its own, but only where it finds a plain one."""

    def get_adapter(self, url: str) -> BaseAdapter:
        if (origin := _MUTUAL.match(url)) and origin[0] not in self.adapters:
            self.mount(origin[0], HTTPAdapter())
        return super().get_adapter(url)


class _Adapter(HTTPAdapter):
    """Connections with contexts of ours. `requests` adds the authorities to them, but not to that of a proxy."""

    def __init__(self) -> None:
        super().__init__()
        # One for each certificate of a client: the context keeps it, and no other server should see it.
        self._contexts: defaultdict[object, ssl.SSLContext] = defaultdict(_context)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**pool, "ssl_context": self._contexts[cert]}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        if proxy.startswith("https:"):  # a SOCKS proxy takes no such option
            options["proxy_ssl_context"] = _context()
        return super().proxy_manager_for(proxy, **options)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        super().cert_verify(conn, url, verify, cert)
        if conn.proxy_config and (context := conn.proxy_config.ssl_context):
            context.load_verify_locations(conn.ca_certs, conn.ca_cert_dir)


def _context() -> ssl.SSLContext:
    return as_go(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
