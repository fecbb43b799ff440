"""The metadata server that comes up later than the pod. These pods have no other credentials."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gke import files
from tests.gke.command import REMOTE, Command, Ended
from tests.gke.google import METADATA_ACCOUNT, Answer, Google, serving
from tests.scenarios.command import INSTALLED, SECONDS

POD = {"NO_GCE_CHECK": "", "GOOGLE_APPLICATION_CREDENTIALS": "", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
GOOGLE = {"Metadata-Flavor": "Google"}
WAITING = "Waiting for Google's metadata server at "


@pytest.fixture(autouse=True)
def described(google: Google) -> None:
    """The container API is reached, and that is as far as these tests go."""
    google.cluster = {"status": "STOPPING"}


def in_pod(command: Command, address: str, *options: str, **more: str) -> Ended:
    addresses = {"GCE_METADATA_HOST": address, "GCE_METADATA_IP": address}
    return command(*options, **{**POD, **addresses, **more})


def test_it_is_there_at_once(command: Command, google: Google) -> None:
    ended = in_pod(command, google.address)
    assert (ended.exit_code, "STOPPING" in ended.problem) == (1, True)
    assert "Authorization" not in google.requests_for("/")[0].headers


@contextmanager
def waiting(command: Command, address: str) -> Iterator[subprocess.Popen[str]]:
    """A run that has just said that it waits for the server there, which refuses connections."""
    environment = {**command.environment, **POD, "GCE_METADATA_HOST": address, "GCE_METADATA_IP": address}
    with subprocess.Popen(
        [INSTALLED, "--local-kubeconfig", str(command.local_kubeconfig()), *REMOTE],
        env={name: value for name, value in environment.items() if value},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr
            assert f"{WAITING}{address}: [Errno 111] Connection refused." in process.stderr.readline()
            yield process
        finally:
            process.kill()


def test_it_refuses_connections_at_first(
    command: Command, google: Google, reserved: socket.socket, closed_port: str
) -> None:
    with waiting(command, closed_port) as process, serving(google, reserved):
        _, said = process.communicate(timeout=SECONDS)
    assert (process.returncode, "STOPPING" in said, said.count("\n")) == (1, True, 1), said
    assert google.requests_for("/")


NOT_YET: dict[str, tuple[str, Answer]] = {
    "ping: error": ("/", Answer(503, "")),
    "ping: not found": ("/", Answer(404, "", GOOGLE)),
    "account: not found": (f"{METADATA_ACCOUNT}/", Answer(404, "not found", GOOGLE)),
    "token: not found": (f"{METADATA_ACCOUNT}/token", Answer(404, "not found", GOOGLE)),
    "token: error": (f"{METADATA_ACCOUNT}/token", Answer(500, "oops", GOOGLE)),
    "token: unavailable": (f"{METADATA_ACCOUNT}/token", Answer(503, "oops", GOOGLE)),
}


@pytest.mark.parametrize(("path", "answer"), NOT_YET.values(), ids=NOT_YET)
def test_it_is_not_ready(command: Command, google: Google, path: str, answer: Answer) -> None:
    google.instead(path, answer, answer)
    ended = in_pod(command, google.address)
    assert (ended.exit_code, ended.stderr.count(WAITING)) == (1, int(path == "/")), ended
    assert "STOPPING" in ended.stderr
    assert len(google.requests_for(path)) == 3


def test_it_never_comes(command: Command, closed_port: str) -> None:
    ended = in_pod(command, closed_port, "--timeout", "5s")
    assert (ended.exit_code, ended.stderr.count("\n")) == (1, 2), ended
    assert (
        f"Error: Getting Google credentials failed: no answer from Google's metadata server at {closed_port}, the time"
        " for the run (--timeout 5s) is over ([Errno 111] Connection refused). A GKE pod gets its Google "
    ) in ended.stderr


def test_it_never_knows_the_pod(command: Command, google: Google) -> None:
    google.instead(f"{METADATA_ACCOUNT}/", *[Answer(404, "not found", GOOGLE)] * 99)
    problem = in_pod(command, google.address, "--timeout", "5s").problem
    assert f"failed: the metadata server at {google.address} answers 404. The time for the run" in problem
    assert "iam.gke.io/gcp-service-account=ACCOUNT" in problem


def test_sigterm_ends_the_wait(command: Command, closed_port: str) -> None:
    with waiting(command, closed_port) as process:
        process.terminate()
        _, said = process.communicate(timeout=SECONDS)
    assert (process.returncode, "the run was interrupted (SIGTERM)" in said, said.count("\n")) == (1, True, 1), said


def test_it_hangs(command: Command, google: Google) -> None:
    google.instead("/", *[google.hang] * 9)
    ended = in_pod(command, google.address, "--timeout", "5s")
    assert (ended.exit_code, "no answer from Google's metadata server at" in ended.stderr) == (1, True), ended
    assert google.requests_for("/")


def test_the_server_of_another_cloud(command: Command, google: Google) -> None:
    """It answers, so there is nothing to wait for."""
    google.instead("/", *[Answer(401, "")] * 9)
    ended = in_pod(command, google.address)
    assert (ended.exit_code, ended.problem[:30]) == (2, "No Google credentials found. I")


def test_there_is_nothing_to_ask(command: Command, google: Google) -> None:
    ended = in_pod(command, google.address, NO_GCE_CHECK="true")
    assert (ended.exit_code, ended.problem[:30], google.paths()) == (2, "No Google credentials found. I", [])


def test_a_key_file_needs_no_metadata_server(command: Command, key_file: Path, closed_port: str) -> None:
    ended = in_pod(command, closed_port, GOOGLE_APPLICATION_CREDENTIALS=str(key_file))
    assert (ended.exit_code, "STOPPING" in ended.problem) == (1, True)


def test_a_login_needs_no_metadata_server(
    command: Command, google: Google, private_key: str, closed_port: str, tmp_path: Path
) -> None:
    files.write(tmp_path / "application_default_credentials.json", files.key(google, private_key))
    ended = in_pod(command, closed_port, CLOUDSDK_CONFIG=str(tmp_path))
    assert (ended.exit_code, "STOPPING" in ended.problem) == (1, True)
