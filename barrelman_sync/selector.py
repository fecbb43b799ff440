"""Label selectors as kubectl writes them: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Pure.

See https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_REQUIREMENT = re.compile(
    r"""\s*(?:
        (?P<absent>!)\s*(?P<absent_key>[\w./-]+)
      | (?P<key>[\w./-]+)\s*(?:
            (?P<equality>==|=|!=)\s*(?P<value>[\w.-]*)
          | \s(?P<set>in|notin)\s*\((?P<values>[\w.,\s-]*)\)
        )?
    )\s*(?:,|$)""",
    re.VERBOSE,
)


class Requirement(NamedTuple):
    """One condition: the label `key` has one of `values`, or any value if None; turned round by `negated`."""

    key: str
    values: frozenset[str] | None
    negated: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """As Kubernetes does: a missing label satisfies `!=` and `notin`."""
        present = self.key in labels and (self.values is None or labels[self.key] in self.values)
        return present != self.negated


Selector = tuple[Requirement, ...]


def parse_selector(text: str) -> Selector:
    """The requirements of a selector, all of which must hold. Raises ValueError for what kubectl would refuse."""
    requirements = []
    position = 0
    while position < len(text):
        match = _REQUIREMENT.match(text, position)
        if match is None or match.end() == position:
            message = f"not a label selector from {text[position:]!r} on"
            raise ValueError(message)
        requirements.append(_requirement(match))
        position = match.end()
    if not requirements or text.rstrip().endswith(","):
        message = "a label selector must not be empty"
        raise ValueError(message)
    return tuple(requirements)


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether all requirements hold."""
    return all(requirement.matches(labels) for requirement in selector)


def _requirement(match: re.Match[str]) -> Requirement:
    if match["absent"]:
        return Requirement(match["absent_key"], None, negated=True)
    if match["equality"]:
        return Requirement(match["key"], frozenset({match["value"]}), negated=match["equality"] == "!=")
    if match["set"]:
        values = frozenset(value.strip() for value in match["values"].split(","))
        return Requirement(match["key"], values, negated=match["set"] == "notin")
    return Requirement(match["key"], None)
