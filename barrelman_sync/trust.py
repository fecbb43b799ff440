"""What our TLS connections have in common, on every Python. They ask of a certificate what Go and kubectl ask."""

import ssl
from collections.abc import Iterable


def as_go(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context itself, no stricter and no laxer than Go.

    An intermediate authority may be the anchor (before Python 3.13, OpenSSL insists on the root). An authority may lack
    extensions that RFC 5280 asks for (from 3.13 on, Python's own contexts insist on them, and the authorities of EKS
    and MicroK8s lack some). A name counts only if it is a subject alternative name. TLS is 1.2 or newer, or what the
    settings of OpenSSL on this machine ask for, if that is newer.
    """
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.hostname_checks_common_name = False
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    return for_threads(context)


def for_threads(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context itself, for HTTP/1.1, with which several threads may connect at a time.

    httpx2 and urllib3 name the protocols before each connection. Then Python frees the old names, which another thread
    may be sending in its first message (python/cpython#141012). So the protocols are named here, and never again.
    """
    context.set_alpn_protocols(["http/1.1"])
    context.set_alpn_protocols = _keep  # type: ignore[method-assign]  # of this context only
    return context


def _keep(alpn_protocols: Iterable[str]) -> None:
    """Keeps the protocols that are set."""
