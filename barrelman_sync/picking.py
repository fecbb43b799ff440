"""Picks the nodes of very many Services on two cores, ahead of the plan: on one that takes half a minute.

Threads would not help, as Python runs one at a time. So a second process does half of it, and whatever it does not
deliver is picked by the plan itself, as always. No more than one: each counts against the pod's memory.
"""

import json
import logging
import os
import subprocess
import sys
from array import array
from collections.abc import Sequence
from dataclasses import replace

from barrelman_sync.model import Key
from barrelman_sync.planning.nodes import NodeChoice
from barrelman_sync.planning.subset import Member, Picks, Pool, pool

WORTH_IT = 2_000_000
"""Hashes, about half a second; to start a process takes a third of that."""
_POSITIONS = "I"

_log = logging.getLogger(__name__)


def pick_ahead(choice: NodeChoice, services: Sequence[Key], limit: int) -> NodeChoice:
    """The same choice of nodes, with the picks of these Services in it where they would take long."""
    pools = {family: replace(found, picks=_picks(found, services, limit)) for family, found in choice.pools.items()}
    return replace(choice, pools=pools)


def _picks(here: Pool, services: Sequence[Key], limit: int) -> Picks:
    if not here.has_to_choose(limit) or here.size * len(services) < WORTH_IT or os.cpu_count() == 1:
        return {}
    own, theirs = services[::2], services[1::2]
    try:
        with _started() as process:
            _ask(process, here, theirs, limit)
            picks = {(service, limit): here.pick(service, limit) for service in own}
            return {**picks, **_delivered(process, here, theirs, limit)}
    except (OSError, ValueError) as error:
        _log.info("the process that picks nodes failed: %s", error)
        return {}


def _started() -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-P", "-m", __name__],  # -P: not what lies in the current folder
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,  # Ctrl-C is for us alone
    )


def _ask(process: subprocess.Popen[str], here: Pool, services: Sequence[Key], limit: int) -> None:
    assert process.stdin  # noqa: S101 - it is a pipe
    json.dump({"members": here.members, "services": services, "limit": limit}, process.stdin)
    process.stdin.close()


def _delivered(process: subprocess.Popen[str], here: Pool, services: Sequence[Key], limit: int) -> Picks:
    """Its picks, which come as places in the pool: so all Services share the text of an address."""
    assert process.stdout  # noqa: S101 - it is a pipe
    lines = process.stdout.read().splitlines()
    found = (array(_POSITIONS, bytes.fromhex(line)) for line in lines)
    picked = (tuple(here.addresses[position] for position in positions) for positions in found)
    return {(service, limit): addresses for service, addresses in zip(services, picked, strict=True)}


def _work() -> None:
    asked = json.load(sys.stdin)
    here = pool(Member(*member) for member in asked["members"])
    places = {address: place for place, address in enumerate(here.addresses)}
    picked = (here.pick(Key(*service), asked["limit"]) for service in asked["services"])
    lines = [array(_POSITIONS, [places[address] for address in addresses]).tobytes().hex() for addresses in picked]
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    _work()
