"""Which address goes into which EndpointSlice, and the steps for the slices of one Service and family. Pure.

A slice has at most 100 endpoints. An address stays in the slice that has the address now. So a node that comes or goes
changes only one slice of a Service, which matters because every changed slice is sent to every node of the local
cluster. An example, with room for three endpoints instead of 100:

    in slices now         0: a b c     1: d e
    wanted                a c d e f g h
    b is not wanted       0: a c       1: d e
    f: where one left     0: a c f     1: d e
    g: where there's room 0: a c f     1: d e g
    h: a new slice        0: a c f     1: d e g     2: h
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from types import MappingProxyType

from barrelman_sync.model.local import LocalSlice
from barrelman_sync.model.names import Key
from barrelman_sync.model.wanted import AddressSet, WantedSlice
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.steps import Delete, Step, step_replacing

CAPACITY = 100

NO_ZONES: Mapping[str, str] = MappingProxyType({})

Addresses = tuple[str, ...]


def slice_steps(
    wanted: AddressSet, live: Iterable[LocalSlice], replaces: str = "", zones: Mapping[str, str] = NO_ZONES
) -> Iterator[Step]:
    """The steps that put the wanted addresses into slices. `live` are the slices that the Service has now.

    `replaces` is the resourceVersion of Endpoints that are deleted after that, if there are any. `zones` are the zones
    of nodes, by address.

    Creates and updates come first, then deletes of our slices in this family that are no longer needed.
    """
    present_slices = tuple(live)
    ours = {slice_.key.name: slice_ for slice_ in present_slices if _is_usable(slice_, wanted)}
    numbered = _numbered(wanted, ours.values())
    # A slice that waits for a finalizer still has its name, but its addresses go with it and need another slice.
    taken = _numbered(wanted, (slice_ for slice_ in present_slices if not _is_usable(slice_, wanted)))
    present = {number: slice_.addresses for number, slice_ in numbered.items()}
    used = spread(wanted.addresses, present, frozenset(taken))
    for number, addresses in sorted(used.items()):
        part = _wanted_slice(wanted, number, addresses, zones)
        yield step_replacing(part, numbered.get(number), replaces)
    # Our slices whose names have another form are not in `numbered`: they are deleted, too.
    kept = {_name(wanted, number) for number in used}
    for name, slice_ in sorted(ours.items()):
        if name not in kept:
            yield Delete(slice_, Why(Reason.ADDRESSES_MOVED))


def spread(
    addresses: Addresses, present: Mapping[int, Addresses], taken: frozenset[int] = frozenset()
) -> dict[int, Addresses]:
    """The addresses that each slice should have, by number of the slice.

    `present` are the addresses that each slice has now; numbers in `taken` are not used. New addresses go first into
    slices that lose an address, then into slices with room, then into new slices of equal size.
    """
    left = set(addresses)
    kept: dict[int, list[str]] = {}
    for number, before in sorted(present.items()):
        kept[number] = [address for address in before if address in left][:CAPACITY]
        left.difference_update(kept[number])
    # False sorts before True: a slice that loses an address is written anyway.
    changed_first = sorted(kept, key=lambda number: (len(kept[number]) == len(present[number]), number))
    new = sorted(left)
    for number in changed_first:
        room = CAPACITY - len(kept[number])
        kept[number] += new[:room]
        new = new[room:]
    unused = (number for number in count() if number not in kept and number not in taken)
    for chunk in _chunks(new):
        kept[next(unused)] = chunk
    return {number: tuple(sorted(members)) for number, members in kept.items() if members}


def _is_usable(slice_: LocalSlice, wanted: AddressSet) -> bool:
    return slice_.managed_by_us and slice_.family == wanted.family and not slice_.deleting


def _chunks(addresses: list[str]) -> Iterator[list[str]]:
    number = -(-len(addresses) // CAPACITY)  # rounded up
    for index in range(number):
        yield addresses[index * len(addresses) // number : (index + 1) * len(addresses) // number]


def _name(wanted: AddressSet, number: int | str) -> str:
    return f"{wanted.service.name}-barrelman-{wanted.family.lower()}-{number}"


def _numbered(wanted: AddressSet, slices: Iterable[LocalSlice]) -> dict[int, LocalSlice]:
    """The slices whose names have the form of `_name`, by number."""
    prefix = _name(wanted, "")
    ends = {slice_.key.name.removeprefix(prefix): slice_ for slice_ in slices}
    return {int(end): slice_ for end, slice_ in ends.items() if end == "0" or re.fullmatch("[1-9][0-9]*", end)}


def _wanted_slice(wanted: AddressSet, number: int, addresses: Addresses, zones: Mapping[str, str]) -> WantedSlice:
    key = Key(wanted.service.namespace, _name(wanted, number))
    found = tuple([zones.get(address, "") for address in addresses]) if zones else ()
    return WantedSlice(key, replace(wanted, addresses=addresses), zones=found if any(found) else ())
