"""A Kubernetes control plane: etcd, kube-apiserver and kube-controller-manager, for as long as a test run."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.controlplane import emptying, objects
from lab.controlplane.api import Api, Object, path_of
from lab.controlplane.audit import AuditLog, Request
from lab.controlplane.build import binary
from lab.controlplane.folders import ReservedPort, data_folder
from lab.controlplane.kubeconfig import kubeconfig
from lab.controlplane.options import (
    GARBAGE,
    Options,
    Site,
    apiserver_flags,
    controller_flags,
    etcd_flags,
    service_ranges,
)
from lab.controlplane.processes import Process
from lab.controlplane.settling import settle, wait_for_garbage_collector
from lab.controlplane.waiting import wait_until

MANAGER = "kube-controller-manager"
USERS = ("admin", "tests", "controllers")  # all in system:masters; only what "admin" asks is recorded
BEGIN_CERTIFICATE, END_CERTIFICATE = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
DEFAULTS = Options()
START_SECONDS = 120  # for a busy machine; usually 5


class ControlPlaneError(Exception):
    """A component ended by itself; the text has the last lines of its log."""


class ControlPlane:
    """One running cluster, from `control_planes`. Use it in the main thread: it starts processes."""

    api: Api
    ca_pem: str
    _trust: ssl.SSLContext

    def __init__(self, name: str, site: Site, options: Options) -> None:
        """Start nothing yet: `begin` does, and `complete` waits."""
        self.name = name
        self.url = site.url
        self.ca_file = site.folder / "ca.pem"
        self._site = site
        self._options = options
        self._audit = AuditLog(site.folder)
        self._mark = 0
        self._tokens = {user: secrets.token_hex(16) for user in USERS}
        self._clients: list[Api] = []
        self._processes: dict[str, Process] = {}
        self._controllers: tuple[str, ...] = ()

    def begin(self) -> None:
        """Start etcd and the API server."""
        lines = (f"{token},{user},{user},system:masters\n" for user, token in self._tokens.items())
        self._site.tokens.write_text("".join(lines))
        audit = self._audit.flags() if self._options.audit else []
        self._start(etcd_flags(self._site))
        self._start([*apiserver_flags(self._site), *audit, *self._options.apiserver_args])

    def complete(self) -> None:
        """Return when the cluster is ready and its controllers work."""
        self.ca_pem = self._authority()
        self.ca_file.write_text(self.ca_pem)
        self._trust = ssl.create_default_context(cadata=self.ca_pem)
        self.api = self.client(self._tokens["tests"])
        self._wait(self.api.is_ready, "the API server to be ready")
        self.start_controllers()

    # What tests do

    def add(self, *objs: Object) -> None:
        """Create objects, their status too, and their namespace where it is missing."""
        for name in sorted({obj["metadata"].get("namespace", "default") for obj in objs}):
            self.ensure_namespace(name)
        for obj in objs:
            self._write_status(obj, self.api.create(obj))

    def replace(self, *objs: Object) -> None:
        """Replace objects, their status too."""
        for obj in objs:
            self._write_status(obj, self.api.replace(obj))

    def ensure_namespace(self, name: str) -> None:
        """Create the namespace where it is missing."""
        if self.api.find("Namespace", name) is None:
            self.api.create(objects.namespace(name))

    def finish_namespace(self, name: str) -> None:
        """Let a namespace that a test deleted go for good; until then it stays terminating."""
        emptying.finish_namespace(self.api, name)

    def settle(self) -> None:
        """Return when the controllers have handled every Service, Endpoints and slice written before."""
        settle(self.api, self._controllers, self._check)

    def reset(self) -> None:
        """Return to an empty cluster with its own set of controllers; nothing of before will come back."""
        if self._controllers != self._options.controllers:
            self.stop_controllers()
        emptying.empty(self.api, self.settle)
        if self._controllers != self._options.controllers:
            self.start_controllers()
        self._mark = self.mark()

    def mark(self) -> int:
        """Return a mark for `requests`: now."""
        return self._audit.mark()

    def requests(self, user_agent: str = "", since: int | None = None) -> list[Request]:
        """Return what was asked since the mark (or the last reset) by user agents that start like this.

        Complete once the caller has its answer. What `api` and the controllers ask is not recorded.
        """
        if not self._options.audit:
            raise ValueError("this control plane was started with audit=False")
        found = self._audit.since(self._mark if since is None else since)
        return [request for request in found if request.user_agent.startswith(user_agent)]

    # How others get in

    def kubeconfig(self, token: str | None = None, name: str = "admin") -> Path:
        """Write a kubeconfig that only its owner may read: for a token, or for an administrator."""
        path = self._site.folder / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(kubeconfig(self.name, self.url, self.ca_pem, name, token or self._tokens["admin"]))
        return path

    def client(self, token: str) -> Api:
        """Return a client with the rights of this token; it is closed with the cluster."""
        self._clients.append(Api(self.url, token, self._trust))
        return self._clients[-1]

    def service_account_token(self, namespace: str, name: str) -> str:
        """Return a new token of a service account, from the TokenRequest API."""
        path = f"{path_of('ServiceAccount', namespace, name)}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token: str = self.api.request("POST", path, request)["status"]["token"]
        return token

    # Components

    def start_controllers(self, *names: str) -> None:
        """Start these controllers, or the cluster's own set; they work when this returns."""
        self.stop_controllers()
        self._controllers = names or self._options.controllers
        if not self._controllers:
            return
        kubeconfig = self.kubeconfig(self._tokens["controllers"], "controllers")
        flags = controller_flags(kubeconfig, self._controllers)
        self._start([*flags, *self._options.controller_args])
        try:
            self.settle()
            if GARBAGE in self._controllers:
                wait_for_garbage_collector(self.api)
        except TimeoutError:
            self._check()
            raise

    def stop_controllers(self) -> None:
        """Stop all controllers; none writes anything after this returns."""
        self._controllers = ()
        if manager := self._processes.pop(MANAGER, None):
            manager.stop()

    def failure(self) -> str:
        """Say which component ended by itself, with the last lines of its log; empty while all run."""
        for process in self._processes.values():
            if (code := process.exit_code()) is not None:
                return f"{self.name}: {process.name} ended with {code}; its log ends:\n{process.tail()}"
        return ""

    def pids(self) -> list[int]:
        """Return the process ids of the running components."""
        return [process.pid for process in self._processes.values()]

    def stop(self) -> None:
        """End all components at once; there is nothing to save."""
        for client in self._clients:
            client.close()
        for process in reversed(self._processes.values()):
            process.stop(grace=0)

    def _write_status(self, wanted: Object, written: Object) -> None:
        if "status" in wanted:  # a create or replace leaves it out
            self.api.replace_status({**written, "status": wanted["status"]})

    def _start(self, arguments: list[str]) -> None:
        name = arguments[0]
        self._processes[name] = Process(name, [binary(), *arguments], self._site.folder / f"{name}.log")

    def _authority(self) -> str:
        file = self._site.certificates / "apiserver.crt"
        self._wait(lambda: file.exists() and file.read_text().endswith(END_CERTIFICATE), "its certificate")
        return BEGIN_CERTIFICATE + file.read_text().rpartition(BEGIN_CERTIFICATE)[2]  # it stands behind the server's

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        def holds() -> object:
            self._check()
            return condition()

        wait_until(holds, f"{self.name}: {what}", START_SECONDS)

    def _check(self) -> None:
        if failure := self.failure():
            raise ControlPlaneError(failure)


@contextmanager
def control_planes(
    *names: str, options: Options | Mapping[str, Options] = DEFAULTS
) -> Iterator[tuple[ControlPlane, ...]]:
    """Run one cluster a name, ready to use, with no address in common; all are gone at the end.

    Raises NoControlPlane where the binary cannot be built, ControlPlaneError where a component does not start.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(data_folder())
        planes = []
        for number, name in enumerate(names):
            chosen = options if isinstance(options, Options) else options.get(name, DEFAULTS)
            port = ReservedPort(chosen.address)
            stack.callback(port.release)
            (folder / name).mkdir()
            ranges = service_ranges(number, dual_stack=chosen.dual_stack)
            plane = ControlPlane(name, Site(folder / name, chosen.address, port.number, ranges), chosen)
            planes.append(plane)
            stack.callback(plane.stop)
            plane.begin()
        for plane in planes:
            plane.complete()
        yield tuple(planes)
