"""A user at a shell, with kubectl and Helm."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 120  # for a busy machine; usually below 1


@dataclass(frozen=True)
class Shell:
    """A folder, a kubeconfig, and programs that are found first."""

    folder: Path
    kubeconfig: Path
    programs: Sequence[Path]

    def __call__(self, script: str) -> str:
        """Run the lines and return what they print; each has to succeed."""
        done = self._run(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def without_warning(self, script: str) -> str:
        """Run the lines and return what they print; each has to succeed, and none may complain."""
        done = self._run(script)
        assert (done.returncode, done.stderr) == (0, ""), f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def refused(self, script: str) -> str:
        """Run the lines, which have to fail, and return why they do."""
        done = self._run(script)
        assert done.returncode != 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stderr

    def write(self, name: str, text: str) -> None:
        """Write a file into the folder."""
        (self.folder / name).write_text(text)

    def _run(self, script: str) -> subprocess.CompletedProcess[str]:
        folders = [*(str(program.parent) for program in self.programs), os.environ["PATH"]]
        environment = {"PATH": os.pathsep.join(folders), "HOME": str(self.folder), "KUBECONFIG": str(self.kubeconfig)}
        return subprocess.run(
            ["bash", "-ec", script],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
