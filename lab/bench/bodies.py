"""The requests of a first run, encoded in advance: the bodies that barrelman-sync sends, in the same order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from barrelman_sync.cluster.manifests import manifest
from barrelman_sync.command.terminal import progress
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.names import Kind, Revision
from barrelman_sync.model.settings import Kubeconfig, RunRules, Scope, Settings
from barrelman_sync.model.wanted import WantedEndpoints
from barrelman_sync.planning.order import units
from barrelman_sync.planning.steps import Create, Write
from barrelman_sync.reconcile import Shown, reconcile
from lab.bench.tool import Tool

OWNER = b"@owner@"
PLURALS = {Kind.NAMESPACE: "namespaces", Kind.SERVICE: "services", Kind.ENDPOINTS: "endpoints"}

Request = tuple[str, bytes]
"""Path and body. In place of the uid of the Service, which is not known yet, the body has OWNER."""
Unit = tuple[Request, ...]
"""The requests for one Service, which must be sent in this order."""
Batch = tuple[Unit, ...]
"""Units that may be sent at the same time."""


def first_run(tool: Tool, version: str) -> list[Batch]:
    """Return all writes of a first run. `version` is a resourceVersion that no object has, as in creates."""
    settings = Settings(
        local=Kubeconfig(str(tool.local)),
        remote=Kubeconfig(str(tool.remote)),
        scope=Scope("remote"),
        run=RunRules(dry_run=True),
    )
    plan = reconcile(settings, Deadline(600), Shown(lambda _report: None, progress)).plan
    found = units(plan)
    batches = [unit for unit in found if not unit.needs], [unit for unit in found if unit.needs]  # namespaces are first
    return [tuple(_unit(unit.writes, version) for unit in batch) for batch in batches]


def _unit(steps: Iterable[Write], version: str) -> Unit:
    return tuple(_request(step, version) for step in steps)


def _request(step: Write, version: str) -> Request:
    assert isinstance(step, Create)
    wanted = step.wanted
    if isinstance(wanted, WantedEndpoints):
        wanted = replace(wanted, content=replace(wanted.content, owner_uid=OWNER.decode()))
    body = json.dumps(manifest(wanted, Revision("", version))).encode()
    within = f"namespaces/{step.ref.key.namespace}/" if step.ref.key.namespace else ""
    return f"/api/v1/{within}{PLURALS[step.ref.kind]}/{step.ref.key.name}", body
