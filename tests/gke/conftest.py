"""Fixtures: a fake Google, a throw-away key, and the command with both."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gke import files
from tests.gke.command import Command, environment_of
from tests.gke.google import Google
from tests.gke.google import google as run_google


@pytest.fixture(scope="session")
def private_key(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An RSA key that opens nothing."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a key")
    path = tmp_path_factory.mktemp("key") / "key.pem"
    subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", path], check=True, capture_output=True)
    return path.read_text()


@pytest.fixture
def google() -> Iterator[Google]:
    with run_google() as fake:
        yield fake


@pytest.fixture
def key_file(google: Google, private_key: str, tmp_path: Path) -> Path:
    return files.write(tmp_path / "key.json", files.key(google, private_key))


@pytest.fixture
def command(google: Google, private_key: str, key_file: Path, tmp_path: Path) -> Command:
    """The command with a key file."""
    environment = environment_of(google, tmp_path)
    environment["GOOGLE_APPLICATION_CREDENTIALS"] = str(key_file)
    secrets = (*google.tokens, private_key.splitlines()[5], "a-token-of-somebody-else")
    return Command(google, tmp_path, secrets, environment)


@pytest.fixture
def reserved() -> Iterator[socket.socket]:
    """A socket of its own port, which does not listen: connections are refused, and nobody else gets the port."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved


@pytest.fixture
def closed_port(reserved: socket.socket) -> str:
    """An address where nobody listens."""
    return f"127.0.0.1:{reserved.getsockname()[1]}"
