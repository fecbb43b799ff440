"""A certificate authority with a server's and a client's certificate, made by the `openssl` command."""

from __future__ import annotations

import base64
import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SERVER_NAME = "kubernetes.example"
"""A name that the second server certificate carries, and no URL of ours."""

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
