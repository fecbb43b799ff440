"""Which certificates of a server are trusted: those that kubectl trusts, on every Python."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from barrelman_sync.access.http import connect
from barrelman_sync.access.tls import Pem, Tls, context_for
from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.faults import ClusterError
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.settings import Kubeconfig
from tests.wire.certificates import Certificates
from tests.wire.conftest import Patient
from tests.wire.fakeapi import FakeApi
from tests.wire.kubeconfigs import Section, kubeconfig

pytestmark = pytest.mark.usefixtures("opened")


@pytest.fixture(scope="session")
def chain(certificates: Certificates) -> Certificates:
    """A root with the least extensions, an intermediate authority, and a server's certificate of each."""
    certificates.issue("root", "root", authority=True)
    certificates.issue("middle", "root", authority=True)
    certificates.issue("of-root", "root")
    certificates.issue("of-middle", "middle")
    certificates.issue("late", "root", days=(-9, -1))
    certificates.issue("early", "root", days=(1, 9))
    certificates.issue("other", "root", names=("other.example", "10.9.8.7"))
    certificates.issue("common", "root", names=(), common_name="127.0.0.1")
    certificates.issue("late-root", "late-root", authority=True, days=(-9, -1))
    certificates.issue("of-late-root", "late-root")
    return certificates


class Trusting:
    """Connects to servers with a kubeconfig."""

    def __init__(self, folder: Path, deadline: Patient) -> None:
        self.folder = folder
        self.deadline = deadline

    def to(self, url: str, user: Section | None = None, **cluster: object) -> ClusterClient:
        path = kubeconfig(self.folder, "remote", url, user=user, **cluster)
        return connect(Kubeconfig(str(path)), "remote", self.deadline)

    def reads(self, url: str, user: Section | None = None, **cluster: object) -> None:
        self.to(url, user, **cluster).list_all(resources.Node, lambda item: item)


@pytest.fixture
def trusting(tmp_path: Path, deadline: Patient) -> Trusting:
    return Trusting(tmp_path, deadline)


@contextmanager
def serving(chain: Certificates, name: str, *between: str, ask_client: bool = False) -> Iterator[FakeApi]:
    """A server that shows the certificate NAME and, after it, those of authorities."""
    context = chain.server(name, ask_client=ask_client)
    if between:
        shown = chain.file(f"{name}-chain.crt")
        shown.write_bytes(b"".join(chain.file(f"{each}.crt").read_bytes() for each in (name, *between)))
        context.load_cert_chain(shown, chain.file(f"{name}.key"))
    with FakeApi(context) as api:
        yield api


def test_no_context_is_stricter_than_go(chain: Certificates) -> None:
    context = context_for(Tls(Pem("ca", chain.file("root.crt").read_bytes())))
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
    assert not context.hostname_checks_common_name
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


TRUSTED = {
    "a root with basicConstraints only": ("of-root", (), "root"),
    "an intermediate as the anchor": ("of-middle", (), "middle"),
    "an intermediate as the anchor, which the server sends too": ("of-middle", ("middle",), "middle"),
    "the root, and the server sends the intermediate": ("of-middle", ("middle",), "root"),
    "the certificate of the server itself": ("of-root", (), "of-root"),
}


@pytest.mark.parametrize(("name", "between", "authority"), TRUSTED.values(), ids=TRUSTED)
def test_trusted(chain: Certificates, trusting: Trusting, name: str, between: tuple[str, ...], authority: str) -> None:
    with serving(chain, name, *between) as api:
        trusting.reads(api.url, certificate_authority_data=chain.data(f"{authority}.crt"))
        assert len(api.requests) == 1


REFUSED = {
    "another authority": ("of-root", "ca", "no authority that we trust has signed it", "certificate-authority-data"),
    "no way to the root": ("of-middle", "root", "no authority that we trust has signed it", "certificate-auth"),
    "expired": ("late", "root", "it has expired", "Check the clock"),
    "not valid yet": ("early", "root", "it is not valid yet", "Check the clock"),
    "an expired authority": ("of-late-root", "late-root", "it has expired, or the certificate of its", "Check the"),
    "another name": ("other", "root", "it is for another name .*127.0.0.1", "subject alternative name"),
    "a common name only": ("common", "root", "it is for another name", "subject alternative name"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(chain: Certificates, trusting: Trusting, kind: str) -> None:
    """At once, each with its own words: another try would end the same."""
    name, authority, why, advice = REFUSED[kind]
    with serving(chain, name) as api:
        with pytest.raises(ClusterError, match=rf"certificate of {api.url} is not trusted: {why}.*{advice}"):
            trusting.reads(api.url, certificate_authority_data=chain.data(f"{authority}.crt"))
        assert (api.requests, trusting.deadline.slept) == ([], [])


def test_refused_by_the_system(chain: Certificates, trusting: Trusting) -> None:
    with serving(chain, "of-root") as api, pytest.raises(ClusterError, match="is not trusted: no authority"):
        trusting.reads(api.url)


def test_an_authority_of_the_system(chain: Certificates, trusting: Trusting, monkeypatch: pytest.MonkeyPatch) -> None:
    """An intermediate without all extensions, too."""
    monkeypatch.setenv("SSL_CERT_FILE", str(chain.file("middle.crt")))
    with serving(chain, "of-middle") as api:
        trusting.reads(api.url)
        assert len(api.requests) == 1


def test_authorities_of_the_system_that_cannot_be_read(
    chain: Certificates, trusting: Trusting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    with pytest.raises(ConfigurationError, match="authorities of SSL_CERT_FILE=/no/such/file cannot be read: No such"):
        trusting.to("https://127.0.0.1:1")


WRITTEN: dict[str, Callable[[bytes, bytes], bytes]] = {
    "several, the right one last": lambda right, other: other + right,
    "with comments that are not ASCII": lambda right, _: "# Autorité\n".encode() + right,
    "with the line ends of Windows": lambda right, _: right.replace(b"\n", b"\r\n"),
    "indented": lambda right, _: right.replace(b"\n", b"\n  "),
    "after one that is broken": lambda right, other: other.replace(b"M", b"A", 1) + right,
    "without a line end": lambda right, _: right.rstrip(),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_how_authorities_are_written(chain: Certificates, trusting: Trusting, kind: str) -> None:
    content = WRITTEN[kind](chain.file("root.crt").read_bytes(), chain.file("ca.crt").read_bytes())
    (trusting.folder / "authorities.crt").write_bytes(content)
    with serving(chain, "of-root") as api:
        trusting.reads(api.url, certificate_authority="authorities.crt")
        data = base64.encodebytes(content).decode()  # with line breaks
        trusting.reads(api.url, certificate_authority_data=data, certificate_authority="")
        assert len(api.requests) == 2


def test_data_win_over_a_file(chain: Certificates, trusting: Trusting) -> None:
    data = chain.data("root.crt")
    with serving(chain, "of-root") as api:
        trusting.reads(api.url, certificate_authority="gone.crt", certificate_authority_data=data)


def test_an_authority_is_checked_all_the_same(chain: Certificates, trusting: Trusting) -> None:
    data = chain.data("ca.crt")
    with serving(chain, "of-root") as api, pytest.raises(ClusterError, match="is not trusted"):
        trusting.reads(api.url, certificate_authority_data=data, insecure_skip_tls_verify=True)


def test_a_client_certificate_as_file_and_key_as_data(chain: Certificates, trusting: Trusting) -> None:
    """And the other way around, and both in both ways, where data win."""
    for name in ("client.crt", "client.key"):
        (trusting.folder / name).write_bytes(chain.file(name).read_bytes())
    certificate, key = {"client-certificate": "client.crt"}, {"client-key": "client.key"}
    certificate_data = {"client-certificate-data": chain.data("client.crt")}
    key_data = {"client-key-data": chain.data("client.key")}
    wrong = {"client-certificate": "gone.crt", "client-key": "gone.key"}
    users = [certificate | key_data, certificate_data | key, certificate_data | key_data | wrong]
    with serving(chain, "of-root", ask_client=True) as api:
        for user in users:
            trusting.reads(api.url, user, certificate_authority_data=chain.data("root.crt"))
        assert len(api.requests) == len(users)


def test_certificate_and_key_in_one_file(chain: Certificates, trusting: Trusting) -> None:
    """As the kubelet keeps them, and as kubeconfigs on control-plane nodes name them."""
    both = chain.file("client.crt").read_bytes() + chain.file("client.key").read_bytes()
    (trusting.folder / "both.pem").write_bytes(both)
    user = {"client-certificate": "both.pem", "client-key": "both.pem"}
    with serving(chain, "of-root", ask_client=True) as api:
        trusting.reads(api.url, user, certificate_authority_data=chain.data("root.crt"))


def test_no_key_is_written_to_a_disk(chain: Certificates, trusting: Trusting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only system without /tmp is enough."""
    monkeypatch.setenv("TMPDIR", "/no/such/folder")
    user = {"client-certificate-data": chain.data("client.crt"), "client-key-data": chain.data("client.key")}
    trusting.to("https://127.0.0.1:1", user, certificate_authority_data=chain.data("root.crt"))


ENCRYPTED = b"""-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,0123456789ABCDEF0123456789ABCDEF

AAAA
-----END EC PRIVATE KEY-----
"""


def test_keys_that_cannot_be_used(chain: Certificates, trusting: Trusting) -> None:
    key = serialization.load_pem_private_key(chain.file("client.key").read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"password")
    encrypted = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
    keys = {
        "client-key-data is encrypted": base64.b64encode(encrypted).decode(),
        "client-key-data does not belong to client-certificate-data": chain.data("server.key"),
        "client-key-data is encrypted, and there is nobody": base64.b64encode(ENCRYPTED).decode(),
        "client-key-data holds no private key": chain.data("client.crt"),
        "client-certificate-data and client-key-data cannot be used": base64.b64encode(
            ENCRYPTED.replace(
                b"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123456789ABCDEF0123456789ABCDEF\n\n", b""
            )
        ).decode(),
    }
    for said, data in keys.items():
        user = {"client-certificate-data": chain.data("client.crt"), "client-key-data": data}
        with pytest.raises(ConfigurationError, match=f"'--remote-kubeconfig' .*: {said}"):
            trusting.to("https://127.0.0.1:1", user, certificate_authority_data=chain.data("root.crt"))
