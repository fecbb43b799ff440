"""What each TLS connection of ours asks of a certificate: what Go asks, and so kubectl, on every Python."""

import ssl


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
    return context
