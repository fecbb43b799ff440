"""Both clusters, the command, and the relays: where the cases play."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.controlplane import ControlPlane, wait_until
from lab.controlplane.emptying import finish_namespace
from lab.controlplane.objects import node
from tests.endpoints.views import MANAGED_BY, MIRRORING, SERVICE_NAME
from tests.scenarios.command import Run, Sync
from tests.sweep import history
from tests.sweep.relay import Relay, Switch, relay_before
from tests.sweep.state import Objects, objects

NAMESPACES = ("shop", "team", "fresh")
NODES = {"n1": "10.0.0.1", "n2": "10.0.0.2", "n3": "10.0.0.3"}


class Stage:
    """Everything that a case needs, for all cases: only what is in NAMESPACES is made anew for each of them."""

    def __init__(self, sync: Sync, relays: Sequence[Relay], switch: Switch) -> None:
        self.sync = sync
        self.remote, self.local = sync.remote, sync.local
        self.switch = switch
        self.relayed = [option for relay in relays for option in relay.options]
        self.ready: object = None
        """The world that is there, just as it was made; None after a run has written."""

    def clear(self) -> None:
        """Empty NAMESPACES in both clusters."""
        for plane in (self.remote, self.local):
            there = {found["name"] for found in plane.api.names("Namespace")}
            for name in NAMESPACES:
                if name in there:
                    _empty(plane, name)

    def settle(self) -> None:
        """Return when the controllers of the local cluster have done their work."""
        self.local.settle()
        wait_until(lambda: not _stale_copies(self.local), "the garbage collector to delete copies")

    def snapshot(self) -> Objects:
        """Return what the local cluster holds."""
        return objects(self.local, NAMESPACES)

    def run(self, *options: str) -> Run:
        """Run undisturbed."""
        return self.sync(*options)

    def run_by_relay(self, *options: str) -> Run:
        """Run through the relays; `switch.begin` says what they do."""
        running = self.sync.start(*self.relayed, *options)
        self.switch.started(running.pid)
        try:
            return running.finish()
        finally:
            self.switch.end()


@contextmanager
def staged(remote: ControlPlane, local: ControlPlane, folder: Path) -> Iterator[Stage]:
    """Prepare two empty clusters."""
    remote.reset()
    local.reset()
    sync, switch = Sync(remote, local, folder / "sync"), Switch()
    remote.add(*(node(name, ip) for name, ip in NODES.items()))
    local.add(node("n1", "10.2.0.1"))  # for pods: the controllers drop endpoints on nodes that are not there
    history.prepare(local)
    with ExitStack() as stack:
        sides = (local, sync.local_token), (remote, sync.remote_token)
        relays = [
            stack.enter_context(relay_before(plane, switch, token, folder / plane.name)) for plane, token in sides
        ]
        yield Stage(sync, relays, switch)


def _empty(plane: ControlPlane, namespace: str) -> None:
    plane.api.delete("Namespace", namespace)  # first, so that nobody creates anything in it
    for kind in ("Service", "Endpoints", "EndpointSlice", "Pod"):
        plane.api.delete_all(kind, namespace, gracePeriodSeconds="0", propagationPolicy="Background")
    finish_namespace(plane.api, namespace)


def _stale_copies(plane: ControlPlane) -> list[str]:
    """Return the copies of Endpoints that are gone."""
    live = {found["uid"] for found in plane.api.names("Endpoints")}
    copies = plane.api.list("EndpointSlice", labelSelector=f"{MANAGED_BY}={MIRRORING}")
    return [
        str(copy["metadata"]["labels"][SERVICE_NAME])
        for copy in copies
        if not live & {owner["uid"] for owner in copy["metadata"].get("ownerReferences", ())}
    ]
