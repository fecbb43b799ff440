"""Google's libraries are large and talkative: they are loaded only where needed, and keep silent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.controlplane.kubeconfig import kubeconfig
from tests.gke.command import REMOTE, Command
from tests.gke.google import Google
from tests.scenarios.command import INSTALLED

LIBRARIES = ("google", "googleapiclient", "google_auth_httplib2", "httplib2", "requests", "urllib3", "cryptography")

RUN = f"""
import sys
from barrelman_sync.command.cli import main
try:
    main(sys.argv[1:])
finally:
    print([name for name in {LIBRARIES} if name in sys.modules], file=sys.stderr)
"""


def loaded(*arguments: str) -> str:
    process = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return process.stderr.splitlines()[-1]


def local(folder: Path, side: str) -> list[str]:
    path = folder / f"{side}.kubeconfig"
    path.write_text(kubeconfig(side, "https://127.0.0.1:1", "", "user", "token"))
    return [f"--{side}-kubeconfig", str(path)]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["--remote-project", "half-of-it"]])
def test_not_for_what_needs_no_cluster(arguments: list[str]) -> None:
    assert loaded(*arguments) == "[]"


def test_not_for_two_kubeconfigs(tmp_path: Path) -> None:
    """The run fails for want of a cluster, after all is loaded that it needs."""
    assert loaded(*local(tmp_path, "local"), *local(tmp_path, "remote"), "--timeout", "1s") == "[]"


def test_but_for_gke(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in command.environment.items():
        monkeypatch.setenv(name, value)
    assert "googleapiclient" in loaded(*local(tmp_path, "local"), *REMOTE)


OPENED = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from barrelman_sync.command.cli import main
try:
    main(sys.argv[1:])
finally:
    print([path.rpartition("/")[2] for path in opened if "/discovery_cache/documents/" in path], file=sys.stderr)
"""


def test_only_one_of_six_hundred_documents(tmp_path: Path, command: Command, google: Google) -> None:
    google.cluster = {"status": "STOPPING"}
    process = subprocess.run(
        [sys.executable, "-c", OPENED, *local(tmp_path, "local"), *REMOTE],
        env=command.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.stderr.splitlines()[-1] == "['container.v1.json']"


def test_no_warning_whatever_python_is_told(tmp_path: Path, command: Command, google: Google) -> None:
    """In a process that loads the libraries itself."""
    google.cluster = {"status": "STOPPING"}
    process = subprocess.run(
        [INSTALLED, *local(tmp_path, "local"), *REMOTE],
        env={**command.environment, "PYTHONWARNINGS": "always"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (process.returncode, "STOPPING" in process.stderr, process.stderr.count("\n")) == (1, True, 1), process


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_has_no_token(command: Command, google: Google, form: str) -> None:
    """`Command` looks for it."""
    google.cluster = {"status": "STOPPING"}
    ended = command("-vv", "--log-format", form)
    assert f"GET {google.url}" in ended.stderr
