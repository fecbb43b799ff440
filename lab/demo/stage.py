"""The two clusters of the demo, and the command that runs on them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.controlplane import ControlPlane, binaries, control_planes
from lab.demo import terminal
from lab.demo.access import KUBECONFIG, grant_local, grant_remote
from lab.demo.traffic import Traffic, traffic
from lab.demo.world import NOWHERE, Places, furnish, pretend

NAME = "barrelman-sync"
FILES = {side: f"{side}/{KUBECONFIG}.kubeconfig" for side in ("local", "remote")}
COMMAND = f"{NAME} --local-kubeconfig {FILES['local']} --remote-kubeconfig {FILES['remote']}"
READS = {"get", "list"}


class UnexpectedError(Exception):
    """Something happened otherwise than the demo says."""


@dataclass(frozen=True)
class Stage:
    """Both clusters, and the folder in which the commands run. The kubeconfigs are in folders below it.

    `traffic` is None where the machine cannot carry any.
    """

    remote: ControlPlane
    local: ControlPlane
    folder: Path
    traffic: Traffic | None

    @property
    def places(self) -> Places:
        """The addresses that the story speaks of."""
        return self.traffic.places if self.traffic else NOWHERE

    def run(self, *options: str, exit_code: int, plan: set[str]) -> None:
        """Run the command and show its output. Check the exit code, the lines of the plan and the number of writes."""
        terminal.prompt(" ".join([COMMAND, *options]))
        mark = self.local.mark()
        done = self._sync(*options)
        terminal.output(done.stdout + done.stderr)
        expect("the exit code", done.returncode, exit_code)
        expect("the plan", sorted(planned(done.stdout)), sorted(plan))
        sent = [request for request in self.local.requests(NAME, since=mark) if request.verb not in READS]
        changes = 0 if "--dry-run" in options else len([line for line in plan if line[0] in "+-~"])
        expect("requests that write", len(sent), changes)
        terminal.good(f"exit code {exit_code}; the local API server was asked for {len(sent) or 'no'} writes")

    def _sync(self, *options: str) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [Path(sys.executable).parent / NAME, *COMMAND.split()[1:], *options]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)


def planned(text: str) -> set[str]:
    """Return the sign, kind and name in each line of a plan."""
    return {" ".join(line.split()[:3]) for line in text.splitlines() if line[:2] in ("+ ", "- ", "~ ", "! ")}


def expect(what: str, found: object, wanted: object) -> None:
    """Raise UnexpectedError unless both are the same."""
    if found != wanted:
        message = f"{what} should be {wanted}, but is {found}"
        raise UnexpectedError(message)


@contextmanager
def stage() -> Iterator[Stage]:
    """Start both clusters and create the objects with which the story begins."""
    terminal.say(
        "Some services run in one Kubernetes cluster (the remote one), their callers in another (the local one)."
        " barrelman-sync keeps a mirror of each service in the local cluster, so that callers use the plain name."
    )
    terminal.heading("Two real clusters on this machine")
    terminal.say("Each cluster is etcd, kube-apiserver and controllers. They are built once, then start within 10 s.")
    binaries()
    with control_planes("remote", "local") as (remote, local):
        terminal.line(f"remote  {remote.url}  the services run here")
        terminal.line(f"local   {local.url}  the callers and barrelman-sync run here")
        grant_remote(remote)
        grant_local(local)
        furnish(remote, local)
        with traffic(remote, local) as carried:
            if carried is None:
                pretend(remote, local)
            yield Stage(remote, local, local.ca_file.parents[1], carried)
