"""What controllers that the tests' clusters lack do while a user's commands wait for it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lab.controlplane import ControlPlane, wait_until
from tests.migration.shell import SECONDS, Shell
from tests.scenarios.command import NAMESPACE

TOKEN = "barrelman-sync-remote"


def with_token(shell: Shell, script: str, remote: ControlPlane) -> str:
    """Run the script and return what it prints; the remote's token controller fills the Secret of the account."""

    def fill() -> None:
        secret = remote.api.find("Secret", TOKEN, NAMESPACE)
        if secret and "data" not in secret:
            token = base64.b64encode(remote.service_account_token(NAMESPACE, TOKEN).encode()).decode()
            remote.api.patch(secret, {"data": {"token": token}})

    return _meanwhile(shell, script, fill)


def without_namespaces(shell: Shell, script: str, plane: ControlPlane) -> str:
    """Run the script and return what it prints; namespaces that it deletes go, and with them what is in them.

    The namespace controller does so after five seconds.
    """

    def finish() -> None:
        for namespace in plane.api.list("Namespace"):
            if "deletionTimestamp" in namespace["metadata"]:
                name = namespace["metadata"]["name"]
                plane.api.delete_all("Secret", name)
                plane.finish_namespace(name)

    return _meanwhile(shell, script, finish)


def _meanwhile(shell: Shell, script: str, work: Callable[[], None]) -> str:
    with ThreadPoolExecutor(1) as threads:
        typing = threads.submit(shell, script)

        def ended() -> bool:
            work()
            return typing.done()

        wait_until(ended, script, SECONDS, interval=0.05)
        return typing.result()
