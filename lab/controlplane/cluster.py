"""A Kubernetes control plane for the time of a test run: etcd, kube-apiserver and kube-controller-manager."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from barrelman_sync.trust import for_threads
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
from lab.controlplane.releases import chosen
from lab.controlplane.settling import settle, wait_for_garbage_collector
from lab.controlplane.waiting import wait_until

MANAGER = "kube-controller-manager"
USERS = ("admin", "tests", "controllers")  # all in system:masters; only the requests of "admin" are recorded
BEGIN_CERTIFICATE, END_CERTIFICATE = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
DEFAULTS = Options()
START_SECONDS = 120  # a limit for a busy machine; a start usually takes 5


class ControlPlaneError(Exception):
    """A component ended by itself. The text has the last lines of the component's log."""


class ControlPlane:
    """One cluster, made by `control_planes`. Use it in the main thread only, because it starts processes."""

    api: Api
    ca_pem: str
    trust: ssl.SSLContext
    """Trusts the API server. Any number of clients and threads may use it."""

    def __init__(self, name: str, site: Site, options: Options) -> None:
        """Start nothing yet: `begin` starts the cluster, and `complete` waits for it."""
        self.name = name
        self.release = chosen().of(name)
        self.url = site.url
        self.folder = site.folder
        self.ca_file = site.folder / "ca.pem"
        self._site = site
        self._options = options
        self._audit = AuditLog(site.folder)
        self._mark = 0
        self._tokens = {user: secrets.token_hex(16) for user in USERS}
        self._clients: list[Api] = []
        self._processes: dict[str, Process] = {}
        self._controllers: tuple[str, ...] = ()

    @property
    def binary(self) -> Path:
        """The program with all components of this cluster's release, kube-proxy among them."""
        return binary(self.release)

    @property
    def dual_stack(self) -> bool:
        """Whether Services here may have IPv6 addresses, too."""
        return self._options.dual_stack

    def begin(self) -> None:
        """Start etcd and the API server, and do not wait for them."""
        lines = (f"{token},{user},{user},system:masters\n" for user, token in self._tokens.items())
        self._site.tokens.write_text("".join(lines))
        audit = self._audit.flags() if self._options.audit else []
        self._start(etcd_flags(self._site))
        self._start([*apiserver_flags(self._site), *audit, *self._options.apiserver_args])

    def complete(self) -> None:
        """Wait for the API server, then start the controllers. The cluster is ready when this returns."""
        self.ca_pem = self._authority()
        self.ca_file.write_text(self.ca_pem)
        self.trust = for_threads(ssl.create_default_context(cadata=self.ca_pem))
        self.api = self.client(self._tokens["tests"])
        self._wait(self.api.is_ready, "the API server to be ready")
        self.start_controllers()

    # --- for tests: what is in the cluster, and what was asked of it

    def add(self, *objs: Object) -> None:
        """Create objects and their status, and their namespaces if these are missing."""
        for name in sorted({obj["metadata"].get("namespace", "default") for obj in objs}):
            self.ensure_namespace(name)
        for obj in objs:
            self._write_status(obj, self.api.create(obj))

    def replace(self, *objs: Object) -> None:
        """Replace objects and their status."""
        for obj in objs:
            self._write_status(obj, self.api.replace(obj))

    def ensure_namespace(self, name: str) -> None:
        """Create the namespace if it is missing."""
        if self.api.find("Namespace", name) is None:
            self.api.create(objects.namespace(name))

    def finish_namespace(self, name: str) -> None:
        """Remove a namespace that a test deleted. Before this call, the namespace stays terminating."""
        emptying.finish_namespace(self.api, name)

    def settle(self) -> None:
        """Return when the controllers have handled every Service, Endpoints and slice that was written before."""
        settle(self.api, self._controllers, self._check)

    def reset(self, kept: Sequence[str] = ()) -> None:
        """Empty the cluster, but for the kinds in `kept`, and run its own controllers. Nothing comes back later."""
        if self._controllers != self._options.controllers:
            self.stop_controllers()
        emptying.empty(self.api, self.settle, kept)
        if self._controllers != self._options.controllers:
            self.start_controllers()
        self._mark = self.mark()

    def mark(self) -> int:
        """Return a mark for `requests`, which stands for now."""
        return self._audit.mark()

    def requests(self, user_agent: str = "", since: int | None = None) -> list[Request]:
        """Return the requests since the mark (default: the last reset) whose user agent starts with `user_agent`.

        A request is in the result as soon as its client has the answer. Requests of `api` and of the controllers are
        not recorded.
        """
        if not self._options.audit:
            raise ValueError("this control plane was started with audit=False")
        found = self._audit.since(self._mark if since is None else since)
        return [request for request in found if request.user_agent.startswith(user_agent)]

    # --- access for others

    def kubeconfig(self, token: str | None = None, name: str = "admin") -> Path:
        """Write a kubeconfig for a token, or without one for an administrator. Only our user may read the file."""
        path = self._site.folder / f"{name}.kubeconfig"
        unfinished = path.with_suffix(".unfinished")  # somebody may be reading the one that is there
        unfinished.touch(mode=0o600)
        unfinished.write_text(kubeconfig(self.name, self.url, self.ca_pem, name, token or self._tokens["admin"]))
        return unfinished.rename(path)

    def component_kubeconfig(self) -> Path:
        """Write a kubeconfig for components, whose requests are not recorded."""
        return self.kubeconfig(self._tokens["controllers"], "controllers")

    def service_ip(self, number: int) -> str:
        """Return one of the first IPv4 addresses for Services, which a Service gets only if it asks for it."""
        return self._site.service_ip(number)

    def client(self, token: str) -> Api:
        """Return a client with the permissions of this token. It is closed when the cluster stops."""
        self._clients.append(Api(self.url, token, self.trust))
        return self._clients[-1]

    def service_account_token(self, namespace: str, name: str) -> str:
        """Return a new token of a service account, from the TokenRequest API."""
        path = f"{path_of('ServiceAccount', namespace, name)}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token: str = self.api.request("POST", path, request)["status"]["token"]
        return token

    # --- components

    def start_controllers(self, *names: str) -> None:
        """Start these controllers, or without names the cluster's own set. They work when this returns."""
        self.stop_controllers()
        self._controllers = names or self._options.controllers
        if not self._controllers:
            return
        flags = controller_flags(self.component_kubeconfig(), self._controllers)
        self._start([*flags, *self._options.controller_args])
        try:
            self.settle()
            if GARBAGE in self._controllers:
                wait_for_garbage_collector(self.api)
        except TimeoutError:
            self._check()
            raise

    def stop_controllers(self) -> None:
        """Stop all controllers. None of them writes anything after this returns."""
        self._controllers = ()
        if manager := self._processes.pop(MANAGER, None):
            manager.stop()

    def failure(self) -> str:
        """Say which component ended by itself, with the last lines of its log; empty if all are running."""
        for process in self._processes.values():
            if (code := process.exit_code()) is not None:
                return f"{self.name}: {process.name} ended with {code}; its log ends:\n{process.tail()}"
        return ""

    def pids(self) -> list[int]:
        """Return the process ids of the running components."""
        return [process.pid for process in self._processes.values()]

    def stop(self) -> None:
        """Kill all components: there is nothing to save."""
        for client in self._clients:
            client.close()
        for process in reversed(self._processes.values()):
            process.stop(grace=0)

    def _write_status(self, wanted: Object, written: Object) -> None:
        if "status" in wanted:  # for most kinds, the server ignores the status in a create or replace
            self.api.replace_status({**written, "status": wanted["status"]})

    def _start(self, arguments: list[str]) -> None:
        name = arguments[0]
        self._processes[name] = Process(name, [self.binary, *arguments], self._site.folder / f"{name}.log")

    def _authority(self) -> str:
        file = self._site.certificates / "apiserver.crt"
        self._wait(lambda: file.exists() and file.read_text().endswith(END_CERTIFICATE), "its certificate")
        return BEGIN_CERTIFICATE + file.read_text().rpartition(BEGIN_CERTIFICATE)[2]  # it comes after the server's own

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
    """Run one cluster for each name, ready to use. No two have an address in common. All are stopped at the end.

    `options` are for all clusters, or by name. Raises NoControlPlane if the binary cannot be built, and
    ControlPlaneError if a component does not start.
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
