"""The command with a GKE remote: its options, its environment, and what it said."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from lab.controlplane.kubeconfig import kubeconfig
from tests.gke.google import CLUSTER, LOCATION, PROJECT, Google
from tests.scenarios.command import PRELOAD, SECONDS, _fork, _run

REMOTE = ("--remote-project", PROJECT, "--remote-location", LOCATION, "--remote-cluster-name", CLUSTER)
_numbers = count()

# What of Google's libraries takes long to load, but not what reads the environment as it is loaded.
_fork.set_forkserver_preload([*PRELOAD, "googleapiclient.discovery", "google.auth.transport.requests"])


def environment_of(google: Google, home: Path) -> dict[str, str]:
    """An environment in which Google is the fake, and nothing of the developer's own accounts counts."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CLOUDSDK_CONFIG": "/nonexistent",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER": f"{google.url}/",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS": f"{google.url}/",
        "NO_GCE_CHECK": "true",
    }


@dataclass(frozen=True)
class Ended:
    """What a run said that came to no cluster."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def problem(self) -> str:
        """The only line of stderr."""
        assert self.stderr.count("\n") == 1, self.stderr
        assert self.stderr.startswith("Error: ")
        return self.stderr.removeprefix("Error: ").rstrip()


@dataclass
class Command:
    """Runs that end before any cluster is asked for anything: the local one is a closed port."""

    google: Google
    folder: Path
    secrets: Sequence[str]
    """What no run may say."""
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *options: str, **more: str) -> Ended:
        """Run to the end; an empty variable is taken away."""
        arguments = ["--local-kubeconfig", str(self.local_kubeconfig()), *REMOTE, *options]
        ended = run(arguments, {**self.environment, **more}, self.folder / f"run-{next(_numbers)}")
        said = ended.stdout + ended.stderr
        assert "Traceback" not in said
        assert not [secret for secret in (*self.secrets, "local-token") if secret in said], said
        return ended

    def local_kubeconfig(self) -> Path:
        """A kubeconfig for the closed port."""
        path = self.folder / "local.kubeconfig"
        path.write_text(kubeconfig("local", "https://127.0.0.1:1", "", "user", "local-token"))
        return path

    def fails(self, exit_code: int, *options: str, **more: str) -> str:
        """Run, expect this end, and return the one message."""
        ended = self(*options, **more)
        assert (ended.exit_code, ended.stdout) == (exit_code, "failed: nothing was planned and nothing written\n"), (
            ended
        )
        return ended.problem


def run(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> Ended:
    """Be the command, in a process of its own."""
    folder.mkdir()
    files = (folder / "stdout", folder / "stderr")
    for file in files:
        file.touch()
    wanted = {name: value for name, value in environment.items() if value}
    process = _fork.Process(target=_run, args=(arguments, wanted, *files))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(files[1].read_text())
    return Ended(process.exitcode, *(file.read_text() for file in files))
