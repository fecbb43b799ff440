"""A session of `requests` for Google's libraries, whose TLS is ours."""

import os
import ssl
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from barrelman_sync.trust import as_go

_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables that name other authorities than those of `requests`. The first one that is set counts."""


def new_session() -> requests.Session:
    """A session that has the same verdict on a certificate on every Python."""
    session = requests.Session()
    session.mount("https://", _Adapter())
    return session


class _Adapter(HTTPAdapter):
    """Connections with contexts of ours. `requests` adds the authorities to them, but not to that of a proxy."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, ssl_context=_context(), **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        own = _context_for_proxy() if proxy.startswith("https:") else None
        return super().proxy_manager_for(proxy, ssl_context=_context(), proxy_ssl_context=own, **options)


def _context() -> ssl.SSLContext:
    return as_go(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _context_for_proxy() -> ssl.SSLContext:
    named = next((path for name in _AUTHORITIES if (path := os.environ.get(name))), DEFAULT_CA_BUNDLE_PATH)
    context = _context()
    if Path(named).is_dir():
        context.load_verify_locations(capath=named)
    else:
        context.load_verify_locations(named)
    return context
