"""A long plan under headings: one for each namespace, so that a person finds what a run does where. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from barrelman_sync.model.names import Key

SCREEN = 20
"""How many lines of a plan fit on a screen. A plan with no more lines has no headings."""


class Line(NamedTuple):
    """A line of the plan. `word` says in the heading what is done, such as `to create`."""

    service: Key
    text: str
    word: str

    @property
    def namespace(self) -> str:
        """The namespace of the object. A Namespace stands with what is in it."""
        return namespace_of(self.service)


def namespace_of(key: Key) -> str:
    """The namespace that a key names, whether it is the key of a Service or of the Namespace itself."""
    return key.namespace or key.name


def needs_headings(lines: Sequence[Line]) -> bool:
    """Whether the lines do not fit on a screen, and are of more than one namespace."""
    return len(lines) > SCREEN and len({line.namespace for line in lines}) > 1


def under_headings(lines: Sequence[Line], unchanged: Mapping[str, int], words: Sequence[str]) -> Iterator[str]:
    """The lines under a heading for each namespace, with an empty line after each group.

    A heading has the counts in the order of `words`. `unchanged` has the number of unchanged objects by namespace;
    namespaces in which nothing else is are one line in all.
    """
    # The sort is stable, so the lines of one Service stay in their order.
    for namespace, group in groupby(sorted(lines, key=attrgetter("namespace")), key=attrgetter("namespace")):
        members = [*group]
        counts = Counter(line.word for line in members)
        told = [f"{counts[word]} {word}" for word in words if counts[word]]
        told += _unchanged(unchanged.get(namespace, 0))
        yield f"{namespace}: {', '.join(told)}"
        yield from (line.text for line in members)
        yield ""
    shown = {line.namespace for line in lines}
    if others := [number for namespace, number in unchanged.items() if namespace not in shown]:
        yield f"{len(others)} more namespace{'s' if len(others) > 1 else ''}: {', '.join(_unchanged(sum(others)))}"
        yield ""


def _unchanged(number: int) -> list[str]:
    return [f"{number} unchanged"] if number else []
