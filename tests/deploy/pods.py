"""What the CronJob's container does, as a process on this machine. In the image itself: tests/image."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.controlplane import Object
from tests.deploy.manifests import container, environment
from tests.scenarios.command import INSTALLED, ROOT, SECONDS

SECRET = "/etc/barrelman-sync"


def entry_point() -> list[str]:
    """Return the image's entry point."""
    found = re.search(r"^ENTRYPOINT (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found
    command: list[str] = json.loads(found[1])
    return command


def run_pod(
    objects: Sequence[Object], secret: Path, local_kubeconfig: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run it. `secret` is the folder of the Secret; the local cluster, a pod's own, is named by one more variable."""
    variables = {name: value.replace(SECRET, str(secret)) for name, value in environment(objects).items()}
    return subprocess.run(
        [*entry_point(), *(arguments or container(objects).get("args", ()))],
        env={
            "PATH": f"{INSTALLED.parent}{os.pathsep}{os.environ['PATH']}",
            "BARRELMAN_SYNC_LOCAL_KUBECONFIG": str(local_kubeconfig),
            **variables,
            **more,
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
