"""Picks the nodes of very many Services on all cores, ahead of the plan: on one core that takes half a minute.

Threads would not help, as Python runs one at a time. So there are processes, by `python -m barrelman_sync.picking`, and
whatever one of them does not deliver is picked by the plan itself, as always.
"""

import json
import logging
import os
import subprocess
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from barrelman_sync.model import Key
from barrelman_sync.planning.nodes import NodeChoice
from barrelman_sync.planning.subset import Member, Picks, Pool, pool

WORTH_IT = 2_000_000
"""Hashes, about half a second; to start a process takes a third of that."""
MOST_PROCESSES = 4
_POSITIONS = "I"

_log = logging.getLogger(__name__)


def pick_ahead(choice: NodeChoice, services: Sequence[Key], limit: int) -> NodeChoice:
    """The same choice of nodes, with the picks of these Services in it where they would take long."""
    pools = {family: replace(found, picks=_picks(found, services, limit)) for family, found in choice.pools.items()}
    return replace(choice, pools=pools)


def _picks(here: Pool, services: Sequence[Key], limit: int) -> Picks:
    processes = min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    if processes == 1 or not here.has_to_choose(limit) or here.size * len(services) < WORTH_IT:
        return {}
    own, *others = (services[start::processes] for start in range(processes))
    started = [_start(_Task(here, share, limit)) for share in others]
    picks = {(service, limit): here.pick(service, limit) for service in own}
    for task, process in started:
        picks |= _delivered(task, process)
    return picks


class _Task(NamedTuple):
    """What one process picks."""

    pool: Pool
    services: Sequence[Key]
    limit: int


_Process = subprocess.Popen[str]


def _start(task: _Task) -> tuple[_Task, _Process]:
    command = [sys.executable, "-m", __name__]
    process = subprocess.Popen(  # noqa: S603 - ourselves
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,  # Ctrl-C is for us alone
    )
    assert process.stdin  # noqa: S101 - it is a pipe
    try:
        json.dump({"members": task.pool.members, "services": task.services, "limit": task.limit}, process.stdin)
        process.stdin.close()
    except OSError as error:
        _log.info("a process that picks nodes does not listen: %s", error)
    return task, process


def _delivered(task: _Task, process: _Process) -> Mapping[tuple[Key, int], tuple[str, ...]]:
    """Its picks, by which address of the pool each is: the same text objects, however many Services have them."""
    with process:
        assert process.stdout  # noqa: S101 - it is a pipe
        lines = process.stdout.read().splitlines()
    if process.returncode != 0 or len(lines) != len(task.services):
        _log.info("a process that picks nodes ended with %s", process.returncode)
        return {}
    found = (array(_POSITIONS, bytes.fromhex(line)) for line in lines)
    addresses = (tuple(task.pool.addresses[position] for position in positions) for positions in found)
    return {(service, task.limit): picked for service, picked in zip(task.services, addresses, strict=True)}


def _work() -> None:
    asked = json.load(sys.stdin)
    here = pool(Member(*member) for member in asked["members"])
    places = {address: place for place, address in enumerate(here.addresses)}
    picked = (here.pick(Key(*service), asked["limit"]) for service in asked["services"])
    lines = [array(_POSITIONS, [places[address] for address in addresses]).tobytes().hex() for addresses in picked]
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    _work()
