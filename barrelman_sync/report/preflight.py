"""What a preflight prints: text as the checks go on, or one document at the end (docs/preflight.schema.json)."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

import click

from barrelman_sync.model.escape import one_line, own_lines
from barrelman_sync.model.settings import Output
from barrelman_sync.planning.result import ExitCode
from barrelman_sync.report.document import Document, as_json, as_yaml
from barrelman_sync.report.printer import show_document

SCHEMA_VERSION = 1
_NONE: Mapping[str, str | int] = MappingProxyType({})


class Topic(StrEnum):
    """What a check is about."""

    ACCESS = "access"
    ACCOUNT = "account"
    IDENTITY = "identity"
    PERMISSION = "permission"
    PERMISSIONS = "missing_permissions"
    CLUSTERS = "different_clusters"
    NAME = "remote_name"
    LISTS = "lists"
    NODES = "nodes"
    NODE_PORT = "node_port"
    NODE_PORTS = "node_ports"


class Check(NamedTuple):
    """The result of one check. `what` is a phrase that fits the result; `advice` may have several lines."""

    topic: Topic
    passed: bool
    what: str
    advice: str = ""
    side: str = ""
    """The cluster that the check is about: local or remote; empty for both."""
    facts: Mapping[str, str | int] = _NONE
    """For documents, the parts of `what` that a program may look for."""


def print_checks(checks: Iterable[Check], output: Output, *, color: bool, quiet: bool = False) -> bool:
    """Prints the checks in the format that `--output` names. Returns whether all checks passed.

    With `quiet`, text has only the checks that failed, and the summary.
    """
    if output is Output.TEXT:
        results = [check.passed if quiet and check.passed else _told(check, color=color) for check in checks]
        click.echo(_summary(results))
        return all(results)
    done = [*checks]
    render = as_json if output is Output.JSON else as_yaml
    show_document(render(preflight_document(done)))
    return all(check.passed for check in done)


def preflight_document(checks: Sequence[Check]) -> Document:
    """The document of a preflight."""
    passed = all(check.passed for check in checks)
    probes = (check.facts for check in checks if check.topic is Topic.NODE_PORT)
    tried = dict.fromkeys((facts["node"], facts["address"]) for facts in probes)  # a node may have two addresses
    counts = next((dict(check.facts) for check in checks if check.topic is Topic.NODES), {})
    return {
        "schemaVersion": SCHEMA_VERSION,
        "exitCode": int(ExitCode.CONVERGED if passed else ExitCode.FAILED),
        "checks": [_entry(check) for check in checks],
        "accounts": [{"cluster": check.side, **check.facts} for check in checks if check.topic is Topic.ACCOUNT],
        "nodes": {**counts, "tried": [{"node": node, "address": address} for node, address in tried]},
    }


def _entry(check: Check) -> Document:
    return {
        "check": str(check.topic),
        **({"cluster": check.side} if check.side else {}),
        "passed": check.passed,
        "message": check.what,
        **({"advice": check.advice} if check.advice else {}),
        **check.facts,
    }


def _told(check: Check, *, color: bool) -> bool:
    """Prints a check as it comes, with its advice below it. Returns whether it passed."""
    mark = click.style("ok  ", fg="green") if check.passed else click.style("FAIL", fg="red")
    click.echo(f"{mark} {one_line(check.what)}", color=color)
    for line in own_lines(check.advice).splitlines():
        click.echo(f"     {line}")
    return check.passed


def _summary(results: list[bool]) -> str:
    if failed := results.count(False):
        return f"failed: {failed} of {len(results)} checks"
    return f"passed: all {len(results)} checks"
