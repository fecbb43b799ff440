"""A validating webhook that is dead: each write in its namespace hangs until the API server gives the webhook up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from lab.controlplane import ApiError, ControlPlane, wait_until
from lab.controlplane.api import path_of
from tests.scenarios.command import Sync
from tests.scenarios.views import node_port

PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
WEBHOOK = "dead.example.com"
HANGS = 2
"""How many seconds each write hangs."""
SLOW, OTHERS = 12, 20


class DeadWebhook:
    """Takes connections and says nothing."""

    def __init__(self, local: ControlPlane) -> None:
        self._local = local
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                self._connections.append(self._socket.accept()[0])
            except OSError:
                return

    def guard(self, namespace: str, policy: str) -> None:
        """Be asked about all Services and Endpoints of the namespace from now on."""
        rule = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["services", "endpoints"]}
        webhook = {
            "name": WEBHOOK,
            "clientConfig": {"url": f"https://127.0.0.1:{self._socket.getsockname()[1]}/"},
            "rules": [rule],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "failurePolicy": policy,
            "timeoutSeconds": HANGS,
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
        self._local.api.request("POST", PATH, {"metadata": {"name": "dead"}, "webhooks": [webhook]})
        self._local.ensure_namespace(namespace)
        wait_until(lambda: self._is_asked(namespace), "the API server to ask the webhook")

    def _is_asked(self, namespace: str) -> bool:
        probe = node_port(namespace, "probe", 0)
        with suppress(ApiError):
            self._local.api.request("POST", path_of("Service", namespace), probe, dryRun="All")
        return bool(self._connections)

    @property
    def asked(self) -> int:
        """How many connections there were."""
        return len(self._connections)

    def close(self) -> None:
        self._local.api.request("DELETE", PATH, None)
        self._socket.shutdown(socket.SHUT_RDWR)  # ends the thread, which could take one more connection otherwise
        self._thread.join()
        for connection in (self._socket, *self._connections):
            connection.close()


@pytest.fixture
def webhook(local: ControlPlane) -> Iterator[DeadWebhook]:
    with closing(DeadWebhook(local)) as found:
        yield found


@pytest.mark.usefixtures("nodes")
def test_all_is_written_in_one_run(sync: Sync, webhook: DeadWebhook) -> None:
    """One after the other, the writes that hang would take far longer than the run has."""
    webhook.guard("slow", "Ignore")
    sync.remote.add(*(node_port("slow", f"s{number}", 30000 + number) for number in range(SLOW)))
    sync.remote.add(*(node_port("other", f"s{number}", 30100 + number) for number in range(OTHERS)))
    run = sync("--concurrency", "1", "--timeout", "40s")
    assert run.exit_code == 0, run
    assert run.stdout.splitlines()[-1].startswith(f"done: {1 + 2 * (SLOW + OTHERS)} created")


@pytest.mark.usefixtures("nodes")
def test_the_webhook_is_named(sync: Sync, webhook: DeadWebhook) -> None:
    webhook.guard("slow", "Fail")
    sync.remote.add(node_port("slow", "bar", 30080), node_port("other", "bar", 30081))
    run = sync("--timeout", "15s")
    assert run.exit_code == 1
    assert WEBHOOK in run.line("Service", "slow/bar", "failed: ")
    assert "3 created" in run.stdout.splitlines()[-1]
