"""A private network of namespaces. The machine outside sees nothing of it, and all of it ends with this process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.controlplane.processes import end_with_parent
from lab.dataplane.machine import UNSHARE, environment

# `ip netns exec` makes a mount namespace for its command, so each command can have a resolv.conf of its own.
WITH_RESOLVER = 'mount --bind "$0" /etc/resolv.conf; cd "$1"; shift; exec "$@"'


class NetworkError(Exception):
    """A command in the network failed. The text has what the command said."""


class Network:
    """Namespaces that are held by one process, which `network` starts."""

    def __init__(self, keeper: int) -> None:
        self.keeper = keeper

    def enter(self) -> list[str]:
        """Return the words before a command that runs in the middle of the network, on its bridge."""
        into = ["nsenter", f"--target={self.keeper}", "--user", "--preserve-credentials", "--net", "--mount", "--"]
        # Whoever starts the command may have no idea of /usr/sbin, and kube-proxy looks for nft.
        return ["env", f"PATH={environment()['PATH']}", *into]

    def enter_outside(self) -> list[str]:
        """Return the words before a command that sees the namespaces, but stays in the machine's own network."""
        return [word for word in self.enter() if word != "--net"]

    def enter_namespace(self, name: str) -> list[str]:
        """Return the words before a command that runs in one of the namespaces."""
        return [*self.enter(), "ip", "netns", "exec", name]

    def enter_host(self, name: str, resolver: Path, folder: Path = Path("/")) -> list[str]:
        """Return the words before a command that runs in a namespace, in a folder, with its own resolv.conf."""
        return [*self.enter_namespace(name), "sh", "-euc", WITH_RESOLVER, str(resolver), str(folder)]

    def wire(self, commands: Iterable[str]) -> None:
        """Run shell commands in the middle of the network, one after the other."""
        self.run([*self.enter(), "sh", "-eu"], "\n".join(commands))

    def run(self, command: list[str], text: str = "") -> str:
        """Run a command, with a text for it to read, and return its output. Raise NetworkError if it fails."""
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NetworkError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout


@contextmanager
def network() -> Iterator[Network]:
    """Make an empty network. Call `machine.check` first: it knows what to say if that is not allowed."""
    # The keeper reads from a pipe that only this process writes to, so it ends with this process whatever happens.
    with subprocess.Popen(
        [*UNSHARE, "sh", "-euc", "mount -t tmpfs tmpfs /run; echo ready; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(),
        start_new_session=True,  # Ctrl-C is for us: first the servers end, then their network
        preexec_fn=end_with_parent(),  # noqa: PLW1509 - see lab/controlplane/processes.py
    ) as keeper:
        assert keeper.stdout
        if (said := keeper.stdout.readline()) != b"ready\n":
            raise NetworkError(f"the private network could not be made: {said.decode().strip()}")
        try:
            yield Network(keeper.pid)
        finally:
            keeper.kill()
