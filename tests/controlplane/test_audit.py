"""An audit log that is read while the server writes to it."""

from __future__ import annotations

import json
from pathlib import Path

from lab.controlplane.audit import AuditLog


def line(name: str) -> bytes:
    event = {
        "verb": "get",
        "requestURI": f"/{name}",
        "user": {"username": "sync"},
        "objectRef": {"resource": "services", "namespace": "foo", "name": name},
        "responseStatus": {"code": 200},
    }
    return json.dumps(event).encode() + b"\n"


def test_half_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    audit, file = AuditLog(tmp_path), tmp_path / "audit.log"
    half = len(line("b")) // 2
    file.write_bytes(line("a") + line("b")[:half])
    assert [request.name for request in audit.since(0)] == ["a"]
    mark = audit.mark()
    file.write_bytes(line("a") + line("b") + line("c"))
    assert [request.name for request in audit.since(mark)] == ["b", "c"]
