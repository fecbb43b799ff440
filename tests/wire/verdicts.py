"""Servers at 127.0.0.1 and authorities, and whether kubectl trusts the one because of the other."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.wire.certificates import Certificates
from tests.wire.fakeapi import FakeApi


@dataclass(frozen=True)
class Case:
    """A server, what it shows, and the authority that its client has."""

    server: str
    authority: str
    trusted: bool
    between: tuple[str, ...] = ()
    """Authorities that the server sends after its own certificate."""
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    host: str = "127.0.0.1"
    """What its client calls it."""


OLD_TLS = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")  # our server's, not our client's
TLS_1_1, TLS_1_2 = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2
CASES = {
    "an authority with basicConstraints only": Case("of-root", "root", trusted=True),
    "an authority with all extensions": Case("of-full", "full", trusted=True),
    "an intermediate authority as the anchor": Case("of-middle", "middle", trusted=True),
    "an intermediate authority that the server sends": Case("of-middle", "root", trusted=True, between=("middle",)),
    "the certificate of the server as the anchor": Case("of-root", "of-root", trusted=True),
    "a certificate that signed itself, as the anchor": Case("own", "own", trusted=True),
    "TLS 1.2": Case("of-root", "root", trusted=True, newest=TLS_1_2),
    "an RSA key of 2048 bits": Case("rsa-2048", "root", trusted=True),
    "a certificate of ten years": Case("ten-years", "root", trusted=True),
    "a certificate for servers": Case("for-servers", "root", trusted=True),
    "a DNS name": Case("localhost", "root", trusted=True, host="localhost"),
    "another authority": Case("of-root", "full", trusted=False),
    "an intermediate authority that is missing": Case("of-middle", "root", trusted=False),
    "a server as an authority": Case("of-leaf", "root", trusted=False, between=("of-root",)),
    "an authority too many": Case("of-too-many", "short", trusted=False, between=("too-many",)),
    "expired": Case("late", "root", trusted=False),
    "not valid yet": Case("early", "root", trusted=False),
    "an expired authority": Case("of-late-root", "late-root", trusted=False),
    "another address": Case("other", "root", trusted=False),
    "the address as a DNS name": Case("as-a-name", "root", trusted=False),
    "the address as a common name": Case("common", "root", trusted=False),
    "the name as a common name": Case("named-localhost", "root", trusted=False, host="localhost"),
    "a certificate for clients": Case("for-clients", "root", trusted=False),
    "a signature with SHA-1": Case("sha-1", "ca", trusted=False),
    "TLS 1.1": Case("of-root", "root", trusted=False, newest=TLS_1_1),
}
STRICTER = {
    "an RSA key of 1024 bits": Case("rsa-1024", "root", trusted=False),
}
"""What kubectl trusts and we do not: OpenSSL's security level 2, which Python sets. Nobody needs such keys."""


def issue_all(certificates: Certificates) -> Certificates:
    """Make what the cases name."""
    issue = certificates.issue
    issue("root", "root", authority=True)
    issue("full", "full", authority=True, more=_usages())
    issue("middle", "root", authority=True)
    issue("late-root", "late-root", authority=True, days=(-9, -1))
    issue("short", "short", authority=True, path_length=0)
    issue("too-many", "short", authority=True)
    for authority in ("root", "full", "middle", "late-root", "too-many"):
        issue(f"of-{authority}", authority)
    issue("of-leaf", "of-root")
    issue("own", "own")
    issue("ten-years", "root", days=(-1, 3650))
    issue("late", "root", days=(-9, -1))
    issue("early", "root", days=(1, 9))
    issue("other", "root", names=("other.example", "10.9.8.7"))
    issue("common", "root", names=(), common_name="127.0.0.1")
    issue("localhost", "root", names=("localhost",))
    issue("named-localhost", "root", names=(), common_name="localhost")
    issue("as-a-name", "root", names=(), more=(x509.SubjectAlternativeName([x509.DNSName("127.0.0.1")]),))
    issue("for-servers", "root", more=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),))
    issue("for-clients", "root", more=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),))
    certificates.issue_with_sha_1("sha-1", "ca")
    for bits in (1024, 2048):
        issue(f"rsa-{bits}", "root", key=rsa.generate_private_key(65537, bits))
    return certificates


def _usages() -> tuple[x509.ExtensionType, ...]:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    others = dict.fromkeys((*names, "encipher_only", "decipher_only"), False)
    return (x509.KeyUsage(**others, key_cert_sign=True, crl_sign=True),)


@contextmanager
def serving(certificates: Certificates, case: Case) -> Iterator[FakeApi]:
    """The server of the case, which itself accepts everything."""
    shown = certificates.file("shown.crt")
    shown.write_bytes(b"".join(certificates.file(f"{name}.crt").read_bytes() for name in (case.server, *case.between)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(shown, certificates.file(f"{case.server}.key"))
    context.maximum_version = case.newest
    if case.newest < TLS_1_2:
        context.minimum_version = case.newest
    with FakeApi(context) as api:
        api.url = api.url.replace("127.0.0.1", case.host)
        yield api
