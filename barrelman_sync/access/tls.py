"""The TLS of one cluster: which authorities we trust, and which certificate we show.

What all contexts have in common is in `trust.py`.
"""

import base64
import os
import re
import ssl
from dataclasses import dataclass, field
from typing import NoReturn

import httpx2

from barrelman_sync.access.files import nameless_file, path_of
from barrelman_sync.trust import as_go, for_threads

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""The variables that name other authorities than those of the system. The first one that is set counts."""


@dataclass(frozen=True, slots=True)
class Pem:
    """A text in PEM, and the name of the field or file that it is from."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tls:
    """What the server must prove, and what we prove to the server."""

    authority: Pem | None = None
    """The authorities to trust; None for those that the system trusts."""
    insecure: bool = False
    """Whether any certificate will do. With an authority, the certificate is checked all the same."""
    certificate: Pem | None = None
    key: Pem | None = None
    """The client's certificate and key: both or none."""


def context_for(tls: Tls) -> ssl.SSLContext:
    """The context for connections to the cluster. Raises ValueError that names the field that cannot be used."""
    context = _unchecked() if tls.insecure and not tls.authority else _checked(tls.authority)
    if tls.certificate and tls.key:
        _show(context, tls.certificate, tls.key)
    return context


def context_for_proxy(authority: Pem | None) -> ssl.SSLContext:
    """The context for an https proxy: the system's authorities count and, as with kubectl, that of the cluster."""
    context = _checked(None)
    if authority:
        _trust(context, authority)
    return context


def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return for_threads(context)


def _checked(authority: Pem | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if authority else _of_the_system()
    if authority:
        _trust(context, authority)
    return as_go(context)


def _of_the_system() -> ssl.SSLContext:
    try:
        return httpx2.create_ssl_context()
    except OSError as error:  # an SSLError is one, too
        named = next((f"{name}={os.environ[name]}" for name in _AUTHORITIES if os.environ.get(name)), "the system")
        message = f"the certificate authorities of {named} cannot be read: {_why(error)}"
        raise ValueError(message) from error


def _trust(context: ssl.SSLContext, authority: Pem) -> None:
    """Trusts each certificate in the text. As in Go, what is around them, or cannot be parsed, is passed over."""
    trusted = [_is_trusted(context, match[1]) for match in _CERTIFICATE.finditer(authority.content)]
    if not any(trusted):
        message = f"{authority.name} holds no certificate"
        raise ValueError(message)


def _is_trusted(context: ssl.SSLContext, block: bytes) -> bool:
    try:
        context.load_verify_locations(cadata=base64.b64decode(block))
    except (ssl.SSLError, ValueError):
        return False
    return True


def _show(context: ssl.SSLContext, certificate: Pem, key: Pem) -> None:
    if not _CERTIFICATE.search(certificate.content):
        message = f"{certificate.name} holds no certificate"
        raise ValueError(message)
    if not _KEY.search(key.content):
        message = f"{key.name} holds no private key"
        raise ValueError(message)

    def refuse() -> NoReturn:
        message = f"{key.name} is encrypted, and there is nobody to ask for its password"
        raise ValueError(message)

    with nameless_file() as certificates, nameless_file() as keys:  # Python loads them from files only
        for file, content in ((certificates, certificate.content), (keys, key.content)):
            file.write(content)
            file.seek(0)
        try:
            context.load_cert_chain(path_of(certificates), path_of(keys), refuse)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                message = f"{key.name} does not belong to {certificate.name}"
            else:
                message = f"{certificate.name} and {key.name} cannot be used: {_why(error)}"
            raise ValueError(message) from error


def _why(error: OSError) -> str:
    """What OpenSSL says, in words, or the system."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror or str(error)
