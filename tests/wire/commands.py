"""The command against two fake API servers: in a process of its own, or in ours where that is enough."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from barrelman_sync.command.cli import main
from tests.wire.fakeapi import FakeApi, Request
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.objects import namespace, node, node_port
from tests.wire.store import path_of

COMMAND = Path(sys.executable).parent / "barrelman-sync"
"""As installed."""


def command(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the installed command to its end."""
    return subprocess.run(
        [COMMAND, *arguments],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def invoke(*arguments: str, **environment: str) -> Result:
    """Run the command in our process."""
    return CliRunner().invoke(main, list(arguments), env=environment)


class Sides:
    """The two clusters of a run."""

    def __init__(self, local: FakeApi, remote: FakeApi, folder: Path) -> None:
        self.local = local
        self.remote = remote
        self.folder = folder
        local.store.add(namespace("kube-system", "uid-of-local"), namespace("default"))
        remote.store.add(namespace("kube-system", "uid-of-remote"), node("a", "10.0.0.1"), node("b", "10.0.0.2"))
        remote.store.add(node_port("cart"))

    @property
    def arguments(self) -> list[str]:
        """The options that name the two."""
        files = {
            side: kubeconfig(self.folder, side, api.url, insecure_skip_tls_verify=True)
            for side, api in self._apis().items()
        }
        return [argument for side, path in files.items() for argument in (f"--{side}-kubeconfig", str(path))]

    @property
    def writes(self) -> list[Request]:
        return [*self.local.writes, *self.remote.writes]

    def remove_from_remote(self, name: str) -> None:
        self.remote.store.delete(path_of(node_port(name)), {})

    def _apis(self) -> dict[str, FakeApi]:
        return {"local": self.local, "remote": self.remote}
