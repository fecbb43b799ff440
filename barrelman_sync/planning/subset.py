"""Which nodes serve which Service, where there are more nodes than it needs. Pure.

The N smallest of sha256(node:namespace/service), which is rendezvous hashing: no state to keep, and a node that comes
or goes changes at most one member of a Service's subset. After ingress-gce pkg/neg/syncers/subsets.go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import nsmallest
from itertools import chain
from math import sqrt
from typing import NamedTuple

from barrelman_sync.model import Key

MIRRORING_LIMIT = 1000
"""Kubernetes mirrors no more addresses of an Endpoints object; it drops the rest without a word to us."""


Entries = tuple[tuple[bytes, str], ...]
"""Nodes of one zone: the name as it is hashed, and the address."""


Picks = Mapping[tuple[Key, int], tuple[str, ...]]
"""Addresses by Service and limit."""


class Member(NamedTuple):
    """A node that takes part, with its address in one family."""

    node: str
    address: str
    zone: str


@dataclass(frozen=True, slots=True)
class Pool:
    """The nodes that take part in one family, by zone."""

    zones: Mapping[str, Entries]
    addresses: tuple[str, ...]
    """All addresses, unique and sorted."""
    size: int
    picks: Picks = field(default_factory=dict)
    """What `pick` was found to return, see `picking`."""

    def pick(self, service: Key, limit: int) -> tuple[str, ...]:
        """At most `limit` addresses (0 = all) for a Service, balanced over the zones; unique and sorted."""
        if not self.has_to_choose(limit):
            return self.addresses
        if known := self.picks.get((service, limit)):
            return known
        suffix = f":{service}".encode()
        quotas = self._quotas(suffix, limit)
        picked = (_smallest(self.zones[zone], suffix, quota) for zone, quota in quotas.items() if quota)
        return tuple(sorted(set(chain.from_iterable(picked))))

    def has_to_choose(self, limit: int) -> bool:
        """Whether it has more nodes than a Service gets."""
        return 0 < limit < self.size

    def among(self, addresses: frozenset[str]) -> tuple[str, ...]:
        """Those of these addresses that its nodes have; sorted."""
        return tuple(address for address in self.addresses if address in addresses)

    @property
    def members(self) -> list[Member]:
        """Its nodes."""
        return [
            Member(name.decode(), address, zone) for zone, entries in self.zones.items() for name, address in entries
        ]

    def only(self, nodes: frozenset[str]) -> "Pool":
        """The pool of these nodes alone."""
        return pool(member for member in self.members if member.node in nodes)

    def _quotas(self, suffix: bytes, limit: int) -> dict[str, int]:
        """How many of each zone: as even as their sizes allow, what is left over to the zones of the smallest hashes.

        That is the order in which zones would be asked in turn, so one node more or less moves at most one place.
        """
        by_size = sorted(self.zones, key=lambda zone: (len(self.zones[zone]), zone))
        quotas: dict[str, int] = {}
        left = limit
        for position, zone in enumerate(by_size):
            others = by_size[position:]
            if len(self.zones[zone]) * len(others) > left:
                level, extra = divmod(left, len(others))
                favoured = nsmallest(extra, others, key=lambda zone: _digest(zone.encode(), suffix))
                return quotas | {zone: level + (zone in favoured) for zone in others}
            quotas[zone] = len(self.zones[zone])
            left -= quotas[zone]
        return quotas


def pool(members: Iterable[Member]) -> Pool:
    """The pool of these nodes, whatever their order."""
    zones: dict[str, list[tuple[bytes, str]]] = {}
    for member in sorted(members):
        zones.setdefault(member.zone, []).append((member.node.encode(), member.address))
    entries = [entry for zone in zones.values() for entry in zone]
    frozen = {zone: tuple(nodes) for zone, nodes in sorted(zones.items())}
    return Pool(frozen, tuple(sorted({address for _, address in entries})), len(entries))


def _smallest(entries: Entries, suffix: bytes, number: int) -> list[str]:
    """The addresses of the `number` smallest digests.

    Digests are spread evenly, so all but a few are dismissed by one look at where the last place is likely to be.
    """
    share = (number + 4 * sqrt(number)) / len(entries)
    while len(found := _below(entries, suffix, share)) < number:
        share *= 2
    return [address for _, address in sorted(found)[:number]]


def _below(entries: Entries, suffix: bytes, share: float) -> list[tuple[bytes, str]]:
    """Digests and addresses in the lowest share of all that digests can be."""
    bound = b"\xff" * 33 if share >= 1 else int(share * 2**32).to_bytes(4)
    # The hot loop: a cluster of 15,000 nodes and 5,000 Services comes here 75 million times.
    return [(digest, address) for name, address in entries if (digest := sha256(name + suffix).digest()) < bound]


def _digest(name: bytes, suffix: bytes) -> bytes:
    """Orders as its hexadecimal form does."""
    return sha256(name + suffix).digest()
