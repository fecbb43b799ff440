"""The two clusters on which runs are measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.bench.tool import Tool
from lab.controlplane import ControlPlane, Object, Options, control_planes, wait_until
from lab.controlplane.objects import node, port, service
from lab.demo.access import grant_local, grant_remote

NAMESPACES = 20
RESET_SECONDS = 300
FIRST_NODE_PORT, LAST_NODE_PORT = 30000, 32767
# The remote cluster is only read, so it needs no controllers. In the local cluster, their work is part of the cost.
OPTIONS = {"remote": Options(audit=False, controllers=()), "local": Options(audit=False)}


@dataclass(frozen=True)
class Size:
    """The size of the remote cluster, and how often everything is measured."""

    services: int
    nodes: int
    rounds: int

    @property
    def writes(self) -> int:
        """How many objects a first run creates."""
        return min(NAMESPACES, self.services) + 2 * self.services


@dataclass(frozen=True)
class Setting:
    """A remote cluster with services, and a local cluster that is emptied before each measurement."""

    remote: ControlPlane
    local: ControlPlane
    remote_kubeconfig: Path
    size: Size

    def empty_local(self) -> Tool:
        """Empty the local cluster. Return the command, with the permissions of rbac.yaml and rbac-remote.yaml."""
        wait_until(self._reset, "the local cluster to be empty", RESET_SECONDS)
        return Tool(grant_local(self.local), self.remote_kubeconfig)

    def _reset(self) -> bool:
        try:
            self.local.reset()
        except TimeoutError:  # that limit is meant for tests, which have fewer objects
            return False
        return True


@contextmanager
def setting(size: Size) -> Iterator[Setting]:
    """Start both clusters and fill the remote cluster."""
    with control_planes("remote", "local", options=OPTIONS) as (remote, local):
        remote.add(*_nodes(size.nodes), *_services(size.services))
        yield Setting(remote, local, grant_remote(remote), size)


def token_of(kubeconfig: Path) -> str:
    """Return the bearer token in a kubeconfig."""
    token: str = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"]
    return token


def _nodes(count: int) -> Iterator[Object]:
    for number in range(count):
        high, low = divmod(number, 250)
        yield node(f"node-{number:05}", f"10.{high // 256}.{high % 256}.{low + 1}")


def _services(count: int) -> Iterator[Object]:
    for number in range(count):
        target = port(80, "http", nodePort=FIRST_NODE_PORT + number)
        yield service(f"team-{number % NAMESPACES:02}", f"service-{number:04}", target)
