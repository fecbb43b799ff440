"""The connections to one cluster, with or without a proxy."""

import httpx2

from barrelman_sync.access.proxies import Proxy
from barrelman_sync.access.tls import Tls, context_for, context_for_proxy
from barrelman_sync.cluster.bounds import BoundedTransport

_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
"""Without a limit: each write that waits for its answer has a connection, and reads must not wait for slow writes."""


def transport_for(tls: Tls, proxy: Proxy | None) -> httpx2.BaseTransport:
    """The connections, whose answers are bounded.

    Raises ValueError that names the field or variable that cannot be used.
    """
    return BoundedTransport(_transport_for(tls, proxy))


def _transport_for(tls: Tls, proxy: Proxy | None) -> httpx2.HTTPTransport:
    context = context_for(tls)
    if proxy is None:
        return httpx2.HTTPTransport(verify=context, limits=_LIMITS)
    own = context_for_proxy(tls.authority) if proxy.is_https else None
    kind = _SocksTransport if proxy.is_socks else httpx2.HTTPTransport
    try:
        return kind(verify=context, limits=_LIMITS, proxy=httpx2.Proxy(proxy.url, ssl_context=own))
    except (httpx2.InvalidURL, ValueError) as error:
        message = f"{proxy.named_by} is not the URL of a proxy"
        raise ValueError(message) from error
    except ImportError as error:
        message = f"{proxy.named_by} is a SOCKS proxy, which needs the Python package socksio"
        raise ValueError(message) from error


class _SocksTransport(httpx2.HTTPTransport):
    """By a SOCKS proxy. What httpcore2 raises about a server that speaks no SOCKS is turned into an error of HTTP."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return super().handle_request(request)
        except (httpx2.HTTPError, OSError, RuntimeError):
            raise
        except Exception as error:  # assertions, and errors of socksio that are nothing but exceptions
            message = "the answer of the proxy is not SOCKS 5"
            raise httpx2.ProxyError(message, request=request) from error
