"""What the README lets a reader type and see, typed and seen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node, port, service
from tests.docs.readme import README
from tests.scenarios.command import INSTALLED, Sync
from tests.scenarios.views import is_there, node_port

BY_HAND = re.findall(r"^barrelman-sync --local-kubeconfig .*$", README.read_text(), re.MULTILINE)
SHOWN = re.search(r"```\n(\+ Namespace     foo\n.*?dry run: .*?)\n```", README.read_text(), re.DOTALL)
FINGERPRINT = r"plan [0-9a-f]{16}"


@pytest.fixture
def folder(remote: ControlPlane, local: ControlPlane, tmp_path: Path) -> Path:
    """Return a folder with the two kubeconfigs, of accounts with the shipped roles."""
    sync = Sync(remote, local, tmp_path / "sync")
    for side, file in (("local", sync.local_kubeconfig), ("remote", sync.remote_kubeconfig)):
        shutil.copy(file, tmp_path / f"{side}.yaml")
    return tmp_path


def typed(line: str, folder: Path) -> str:
    """Return what the line prints; it has to succeed."""
    environment = {"PATH": f"{INSTALLED.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(
        line.split(), cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def test_the_first_commands_by_hand(folder: Path, remote: ControlPlane, local: ControlPlane) -> None:
    """The node ports are tried while there are none: nothing here may send packets to such addresses."""
    preflight, dry_run, run = BY_HAND
    ready = {name: f"10.0.0.{number}" for number, name in enumerate("ab", 1)}
    remote.add(
        *(node(name, address) for name, address in ready.items()), node("c", "10.0.0.3", conditions={"Ready": "False"})
    )
    assert "ok   remote cluster: 2 of 3 nodes used" in typed(preflight, folder)
    dns, http = port(53, "dns", protocol="UDP", nodePort=30053), port(80, "http", nodePort=30080)
    remote.add(service("foo", "bar", dns, http), service("foo", "inside", port(80), type="ClusterIP"))
    remote.add(node_port("foo", "ig", 30081, annotations={"tfw.io/barrelman": "ignore"}))
    assert SHOWN
    assert re.sub(FINGERPRINT, "", typed(dry_run, folder)) == re.sub(FINGERPRINT, "", f"{SHOWN[1]}\n")
    assert typed(run, folder).splitlines()[-1].startswith("done: 3 created")
    assert is_there(local, "foo", "bar") == (True, True)
