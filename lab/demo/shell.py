"""`python -m lab.demo.shell`, which is `make shell`: a shell in the playground that runs, on a local node.

The playground tells by a file in its data folder how to come there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path

import click

from lab import clients
from lab.controlplane.folders import folders_in_use
from lab.dataplane import machine

DOOR = "playground.json"
NONE_RUNS = 1


@dataclass(frozen=True)
class Door:
    """The way into a playground: the folder for the shell, its prompt, and the words before its command."""

    folder: str
    prompt: str
    enter: Sequence[str] = ()
    programs: Sequence[str] = ()

    def open(self) -> None:
        """Let others in, until the folder is removed at the end of the playground."""
        unfinished = Path(self.folder) / f"unfinished-{DOOR}"
        unfinished.write_text(json.dumps(asdict(self)))
        unfinished.rename(unfinished.with_name(DOOR))

    def environment(self) -> dict[str, str]:
        """Return the environment of a command there: programs in its PATH, a prompt, and no proxy to reach."""
        inherited = {name: text for name, text in machine.environment().items() if not name.lower().endswith("_proxy")}
        path = os.pathsep.join([*self.programs, inherited["PATH"]])
        return {**inherited, "PATH": path, "PS1": f"{self.prompt}$ "}

    def command(self, *words: str) -> list[str]:
        """Return the whole command that runs these words there. The way there has a PATH of its own."""
        return [*self.enter, "env", f"PATH={self.environment()['PATH']}", *words]


def programs(*more: Path) -> list[str]:
    """Return the folders of barrelman-sync, of kubectl if we have built it, and of more programs."""
    return [str(path.parent) for path in (Path(sys.executable), clients.built("kubectl"), *more) if path]


def find() -> list[Door]:
    """Return the doors of all playgrounds of this user that run, the newest first."""
    found = []
    for folder in folders_in_use():
        with suppress(OSError):  # no playground, or one that ends at this moment
            file = folder / DOOR
            found.append((file.stat().st_mtime, Door(**json.loads(file.read_text()))))
    return [door for _, door in sorted(found, key=itemgetter(0), reverse=True)]


@click.command()
@click.option("-c", "command", help="Run this command there, and no shell for typing.")
def main(command: str | None) -> None:
    """Open a shell on a local node of the playground that runs."""
    doors = find()
    if not doors:
        click.echo("No playground runs. Start one in another terminal: make playground", err=True)
        sys.exit(NONE_RUNS)
    if len(doors) > 1:
        click.echo(f"{len(doors)} playgrounds run. This is the newest, {doors[0].folder}", err=True)
    os.chdir(doors[0].folder)
    if command is None:
        _interact(doors[0])
    else:
        shell = doors[0].command("sh", "-c", command)
        os.execvpe(shell[0], shell, doors[0].environment())  # noqa: S606 - a command of the user's own


def _interact(door: Door) -> None:
    """Run a shell for typing. What its last command did is no failure of ours."""
    # Without the user's own files, which would set another prompt and another PATH.
    shell = ["bash", "--noprofile", "--norc", "-i"] if shutil.which("bash") else ["sh", "-i"]
    click.echo(f"You are on {door.prompt}, in {door.folder}. Ctrl-D leaves.")
    subprocess.run(door.command(*shell), env=door.environment(), check=False)


if __name__ == "__main__":
    main()
