"""Which nodes serve which Service, where there are more nodes than the Service may have endpoints: a ring. Pure.

In each zone the nodes stand on a ring, each at several places that follow from its name. A Service starts at a place of
its own and takes the next nodes that it meets, each once:

    nodes on the ring        b  a  c  b  d  a  c  d        (each at two places here)
    Service at the 3rd place       ^
    takes three                    c  b  d
    without node b                 c     d  a              one member changed: b, for a

A node that comes or goes changes at most one member of a Service's nodes: without the node, the Service meets the other
nodes in the same order, and walks on to one more node. See docs/adr/008-a-ring-of-nodes.md.
"""

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import shake_256
from heapq import nsmallest
from itertools import chain
from typing import NamedTuple

from barrelman_sync.model.names import Key

_PLACE_BYTES = 8
_FEWEST_PLACES, _MOST_PLACES = 8, 64
_WANTED_PLACES = 512
"""How many places the nodes of one Service should have in total.

The more places, the more evenly the Services are spread over the nodes.
"""

Entries = tuple[tuple[str, str], ...]
"""Name and address of each node of one zone, sorted by name."""


class Member(NamedTuple):
    """A node that is used, with its address in one family."""

    node: str
    address: str
    zone: str


class _Ring(NamedTuple):
    """The places of one zone's nodes in ascending order, and the address of the node at each place."""

    places: "array[int]"
    addresses: list[str]

    def walk(self, start: int, number: int) -> Iterable[str]:
        """The addresses of the first `number` nodes from the place `start` on. The ring must have that many nodes."""
        first = bisect_left(self.places, start)
        met: dict[str, None] = {}
        # Negative indexes count from the end, so this goes once around.
        for position in range(first - len(self.addresses), first):
            met[self.addresses[position]] = None
            if len(met) == number:
                break
        return met


@dataclass(frozen=True, slots=True)
class Pool:
    """The used nodes that have an address of one family, by zone."""

    zones: Mapping[str, Entries]
    addresses: tuple[str, ...]
    """All addresses, unique and sorted."""
    size: int
    """The number of nodes."""
    _rings: dict[tuple[str, int], _Ring] = field(default_factory=dict, compare=False, repr=False)
    """A cache, by zone and number of places for each node. Rings are made when needed; most runs need none."""

    def pick(self, service: Key, limit: int) -> tuple[str, ...]:
        """At most `limit` addresses (0: all) for a Service, balanced over the zones; unique and sorted."""
        if not 0 < limit < self.size:
            return self.addresses
        # The fewer nodes a Service gets, the more places each node needs to spread the Services evenly.
        places = max(_FEWEST_PLACES, min(_MOST_PLACES, _WANTED_PLACES // limit))
        start = _place(f"{service}")
        quotas = self._quotas(service, limit)
        picked = (self._ring(zone, places).walk(start, quota) for zone, quota in quotas.items() if quota)
        return tuple(sorted(set(chain.from_iterable(picked))))

    def among(self, addresses: frozenset[str]) -> tuple[str, ...]:
        """The addresses of this pool that are also among `addresses`; sorted."""
        return tuple(address for address in self.addresses if address in addresses)

    def only(self, nodes: frozenset[str]) -> "Pool":
        """A pool of only those nodes whose names are among `nodes`."""
        members = (Member(node, address, zone) for zone, entries in self.zones.items() for node, address in entries)
        return pool(member for member in members if member.node in nodes)

    def _ring(self, zone: str, places: int) -> _Ring:
        if (zone, places) not in self._rings:
            self._rings[zone, places] = _ring(self.zones[zone], places)
        return self._rings[zone, places]

    def _quotas(self, service: Key, limit: int) -> dict[str, int]:
        """How many nodes to pick from each zone: as evenly as the sizes of the zones allow.

        The remainder goes to zones that a hash of the Service chooses. With a limit of 4, zones of 1, 5 and 5 nodes
        give 1, 2 and 1, or 1, 1 and 2. The result is the same as if the zones, in the order of the hash, gave a node
        in turn. So a node that comes or goes moves at most one pick to another zone.
        """
        by_size = sorted(self.zones, key=lambda zone: (len(self.zones[zone]), zone))
        quotas: dict[str, int] = {}
        left = limit
        for position, zone in enumerate(by_size):
            others = by_size[position:]
            if len(self.zones[zone]) * len(others) > left:
                # The smallest of these zones has enough nodes for an even share, so all of them have.
                level, extra = divmod(left, len(others))
                favored = nsmallest(extra, others, key=lambda zone: _place(f"{zone}:{service}"))
                return quotas | {zone: level + (zone in favored) for zone in others}
            # A zone with fewer nodes than an even share gives all its nodes.
            quotas[zone] = len(self.zones[zone])
            left -= quotas[zone]
        return quotas


def pool(members: Iterable[Member]) -> Pool:
    """The pool of these nodes. Their order does not matter."""
    zones: dict[str, list[tuple[str, str]]] = {}
    for member in sorted(members):
        zones.setdefault(member.zone, []).append((member.node, member.address))
    entries = [entry for zone in zones.values() for entry in zone]
    frozen = {zone: tuple(nodes) for zone, nodes in sorted(zones.items())}
    return Pool(frozen, tuple(sorted({address for _, address in entries})), len(entries))


def _ring(entries: Entries, places: int) -> _Ring:
    size = places * _PLACE_BYTES
    points: list[tuple[int, str]] = []
    for node, address in entries:
        digest = shake_256(node.encode()).digest(size)
        points += [(place, address) for place in struct.unpack(f">{places}Q", digest)]
    points.sort()
    return _Ring(array("Q", [place for place, _ in points]), [address for _, address in points])


def _place(text: str) -> int:
    return int.from_bytes(shake_256(text.encode()).digest(_PLACE_BYTES))
