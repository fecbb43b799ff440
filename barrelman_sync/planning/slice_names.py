"""To which Service a slice belongs. Pure."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from barrelman_sync.model.local import LocalSlice
from barrelman_sync.model.names import SERVICE_NAME, Key

_NAME = re.compile("(?P<service>.+)-barrelman-(ipv4|ipv6)-(0|[1-9][0-9]*)")

_NAMES_AT_ONCE = 100
"""Names in one label selector. They take at most 6 kB of the URL; every server accepts 8 kB."""

Slices = Mapping[Key, tuple[LocalSlice, ...]]


def at_its_service(slice_: LocalSlice, is_served: Callable[[Key], bool]) -> LocalSlice:
    """The slice, with the Service that it belongs to: if we manage it, by its name, else by its label.

    Somebody may have changed or removed the label. If the plan followed the label, it would miss the slice, and the
    server would refuse to create the slice again. Names of another form, and of Services that get no endpoints from us,
    tell nothing: `is_served` says which Services get some.
    """
    if not slice_.managed_by_us or not (form := _NAME.fullmatch(slice_.key.name)):
        return slice_
    named = Key(slice_.key.namespace, form["service"])
    return replace(slice_, service=named) if is_served(named) else slice_


def at_new_mirrors(slices: Slices, new: Collection[Key]) -> Slices:
    """The slices by Service, also those with the names of mirrors that the run creates, see `at_its_service`."""
    if not new:
        return slices
    return by_service(at_its_service(slice_, new.__contains__) for group in slices.values() for slice_ in group)


def by_service(slices: Iterable[LocalSlice]) -> Slices:
    """The slices by Service, sorted by name."""
    grouped: dict[Key, tuple[LocalSlice, ...]] = {}
    for slice_ in sorted(slices, key=lambda slice_: slice_.key):
        grouped[slice_.service] = (*grouped.get(slice_.service, ()), slice_)
    return grouped


def slice_selectors(services: Iterable[Key]) -> Iterator[str]:
    """Label selectors for the slices of these Services, and of Services of the same names in other namespaces."""
    names = sorted({service.name for service in services})
    for start in range(0, len(names), _NAMES_AT_ONCE):
        yield f"{SERVICE_NAME} in ({','.join(names[start : start + _NAMES_AT_ONCE])})"
