"""Which requests an API server got, according to its own audit log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# These users act for the tests or for Kubernetes itself. No test counts their requests.
UNRECORDED_USERS = ("tests", "controllers", "system:apiserver")
_LONGEST_LINE = 100_000
"""More bytes than any line of the log has."""


@dataclass(frozen=True)
class Request:
    """A request that was answered."""

    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    user: str
    user_agent: str
    uri: str
    status: int


class AuditLog:
    """The audit log of one API server. The log has a request before its answer is complete (blocking mode)."""

    def __init__(self, folder: Path) -> None:
        """Write the audit policy into `folder`. The log will be in the same folder."""
        self._policy = folder / "audit-policy.json"
        self._log = folder / "audit.log"
        self._log.touch()
        self._policy.write_text(json.dumps(_policy()))

    def flags(self) -> list[str]:
        """Return the flags by which an API server writes this log."""
        return [
            f"--audit-policy-file={self._policy}",
            f"--audit-log-path={self._log}",
            "--audit-log-mode=blocking",
            "--audit-log-maxsize=0",  # no rotation, because a mark is a place in this one file
        ]

    def mark(self) -> int:
        """Return a mark for `since`: the place in the log after its last whole line."""
        size = self._log.stat().st_size
        with self._log.open("rb") as log:
            log.seek(start := max(0, size - _LONGEST_LINE))
            return start + log.read(size - start).rfind(b"\n") + 1

    def since(self, mark: int) -> list[Request]:
        """Return the requests that were answered after the mark."""
        with self._log.open("rb") as log:
            log.seek(mark)
            # The server may be in the middle of a line if somebody else's requests go on.
            return [_request(json.loads(line)) for line in log if line.endswith(b"\n")]


def _policy() -> dict[str, Any]:
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [{"level": "None", "users": list(UNRECORDED_USERS)}, {"level": "Metadata"}],
    }


def _request(event: dict[str, Any]) -> Request:
    target = event.get("objectRef", {})
    return Request(
        verb=event["verb"],
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        user=event.get("user", {}).get("username", ""),
        user_agent=event.get("userAgent", ""),
        uri=event["requestURI"],
        status=event.get("responseStatus", {}).get("code", 0),
    )
