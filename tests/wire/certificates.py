"""A certificate authority with a server's and a client's certificate, made by the `openssl` command.

`Certificates.issue` makes others, with as few extensions as real clusters have.
"""

from __future__ import annotations

import base64
import ipaddress
import shutil
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

SERVER_NAME = "kubernetes.example"
"""A name that the second server certificate carries, and no URL of ours."""

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

# Complete enough for OpenSSL's strict checks, which are Python's default from 3.13 on.
_EXTENSIONS = f"""
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
subjectAltName = IP:127.0.0.1
authorityKeyIdentifier = keyid
extendedKeyUsage = serverAuth
[named]
subjectAltName = DNS:{SERVER_NAME}
authorityKeyIdentifier = keyid
extendedKeyUsage = serverAuth
[client]
authorityKeyIdentifier = keyid
extendedKeyUsage = clientAuth
"""


@dataclass(frozen=True)
class Certificates:
    folder: Path

    def file(self, name: str) -> Path:
        return self.folder / name

    def data(self, name: str) -> str:
        """The content in base64, as a kubeconfig has it."""
        return base64.b64encode(self.file(name).read_bytes()).decode()

    def server(self, name: str = "server", *, ask_client: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file(f"{name}.crt"), self.file(f"{name}.key"))
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file("ca.crt"))
        return context

    def issue(
        self,
        name: str,
        by: str,
        *,
        names: tuple[str, ...] = ("127.0.0.1",),
        authority: bool = False,
        path_length: int | None = None,
        days: tuple[int, int] = (-1, 2),
        common_name: str | None = None,
        key: PrivateKey | None = None,
        more: tuple[x509.ExtensionType, ...] = (),
    ) -> None:
        """Make NAME.crt and NAME.key. The extensions are basicConstraints for an authority, else the names, and `more`.

        `by` is the authority that signs; its own name for a root. `days` are the first and the last day, from today.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name or name)])
        signer = x509.load_pem_x509_certificate(self.file(f"{by}.crt").read_bytes()).subject if by != name else subject
        today = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(signer, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(today + timedelta(days=days[0]))
            .not_valid_after(today + timedelta(days=days[1]))
        )
        for extension in more:
            builder = builder.add_extension(extension, critical=False)
        if authority:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        elif names:
            builder = builder.add_extension(x509.SubjectAlternativeName([*map(_general, names)]), critical=False)
        signing = self._key(by) if by != name else key
        self.file(f"{name}.crt").write_bytes(builder.sign(signing, hashes.SHA256()).public_bytes(_PEM))
        form = serialization.PrivateFormat.PKCS8
        self.file(f"{name}.key").write_bytes(key.private_bytes(_PEM, form, serialization.NoEncryption()))

    def issue_with_sha_1(self, name: str, by: str) -> None:
        """Make NAME.crt and NAME.key of a server, with a signature that nobody should trust."""
        _openssl(self.folder, *_request(name))
        authority = ["-CA", f"{by}.crt", "-CAkey", f"{by}.key", "-CAcreateserial"]
        options = ["-days", "2", "-extfile", "extensions", "-extensions", "server", "-out", f"{name}.crt"]
        _openssl(self.folder, "x509", "-req", "-sha1", "-in", f"{name}.csr", *authority, *options)

    def _key(self, name: str) -> PrivateKey:
        key = serialization.load_pem_private_key(self.file(f"{name}.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
        return key


_PEM = serialization.Encoding.PEM


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def make_certificates(folder: Path) -> Certificates:
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make certificates")
    (folder / "extensions").write_text(_EXTENSIONS)
    _openssl(folder, *_request("ca"))
    _openssl(folder, "x509", "-req", "-in", "ca.csr", "-signkey", "ca.key", *_extensions("ca"))
    for name in ("server", "named", "client"):
        _openssl(folder, *_request(name))
        authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *authority, *_extensions(name))
    return Certificates(folder)


def _request(name: str) -> list[str]:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]
    return ["req", "-new", *key, "-subj", f"/CN={name}", "-out", f"{name}.csr"]


def _extensions(name: str) -> list[str]:
    return ["-days", "2", "-extfile", "extensions", "-extensions", name, "-out", f"{name}.crt"]


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
