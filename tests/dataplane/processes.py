"""The processes of this machine, as /proc shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ENDED = "ZX"  # states of a process that only waits to be collected


@dataclass(frozen=True)
class Seen:
    """A process that runs. `network` is its network namespace, or empty if we may not know."""

    pid: int
    parent: int
    command: Sequence[str]
    network: str


def processes() -> Iterator[Seen]:
    """Yield all processes that run."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_text().split("\0")
        except OSError:  # it has ended since
            continue
        if state not in ENDED:
            yield Seen(int(folder.name), int(parent), command, _network(folder))


def below(pid: int) -> list[Seen]:
    """Return the processes that this one started, those that they started, and so on."""
    everything = list(processes())
    found, parents = [], {pid}
    while parents:
        children = [seen for seen in everything if seen.parent in parents]
        parents = {child.pid for child in children}
        found += children
    return found


def _network(folder: Path) -> str:
    try:
        return str((folder / "ns" / "net").readlink())
    except OSError:
        return ""
