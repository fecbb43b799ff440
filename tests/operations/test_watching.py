"""What the docs look at: kubectl's lists, and the summary line in the log."""

from __future__ import annotations

import json
import re

import pytest

from lab.controlplane import ControlPlane
from tests.docs.readme import ROOT
from tests.docs.typed import typed
from tests.migration.shell import Shell
from tests.operations.page import MIRRORS, RUNS
from tests.scenarios.command import Run, Sync
from tests.scenarios.views import node_port

pytestmark = pytest.mark.usefixtures("nodes")
(IN_THE_LOG,) = re.findall(r'textPayload=~"(.+?)"', (ROOT / "docs" / "metrics.md").read_text())
JSON_LOG = ("--log-format", "json")


def is_found(run: Run) -> bool:
    """Say whether the filter of docs/metrics.md finds a line of the run: plain ones on stdout, JSON on stderr."""
    severities = {json.loads(line)["severity"] for line in run.stderr.splitlines()}
    return bool({"ERROR", "CRITICAL"} & severities) or any(
        re.search(IN_THE_LOG, line) for line in run.stdout.splitlines()
    )


def test_kubectl_s_lists(sync: Sync, remote: ControlPlane, shell: Shell) -> None:
    remote.add(node_port("foo", "bar", 30080))
    sync.converges("--remote-name", "my-cluster")
    assert re.search(r"^foo +bar .*my-cluster", shell(MIRRORS), re.MULTILINE)
    assert "cronjob.batch/barrelman-sync" in shell(RUNS)
    look = typed("kubectl --kubeconfig FILE get services,endpointslices --all-namespaces")
    found = shell(look.replace("FILE", str(remote.kubeconfig())))
    assert re.search(r"^foo +service/bar +NodePort ", found, re.MULTILINE)


def test_the_filter_finds_what_is_wrong_and_nothing_else(sync: Sync, other: Sync, remote: ControlPlane) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "gone", 30081))
    assert not is_found(sync.converges("--remote-name", "prod", *JSON_LOG))
    refused = sync("--remote-name", "prod", "--adopt-source", "no such name", *JSON_LOG)
    assert (refused.exit_code, is_found(refused)) == (2, True)
    left = other.writes_nothing("--remote-name", "prod", *JSON_LOG, exit_code=1)
    assert is_found(left)

    remote.api.delete("Service", "gone", "foo")
    held_back = sync.writes_nothing("--remote-name", "prod", "--max-deletes", "0", *JSON_LOG, exit_code=3)
    assert is_found(held_back)
    assert not is_found(sync.converges("--remote-name", "prod", *JSON_LOG))
