"""Label selectors as kubectl writes them: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Pure.

See https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

# One requirement, and the comma after it if there is one: `!key`, `key`, `key=value` or `key in (values)`.
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


_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_PREFIX = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_KEY = re.compile(f"(?:{_PREFIX}/)?{_NAME}")
_VALUE = re.compile(f"(?:{_NAME})?")


class Requirement(NamedTuple):
    """One condition: the label `key` has one of `values`, or any value if `values` is None.

    `negated` reverses the condition.
    """

    key: str
    values: frozenset[str] | None
    negated: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet the condition. As in Kubernetes, a missing label meets `!=` and `notin`."""
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
            message = f"cannot be read as a label selector from {text[position:]!r} on"
            raise ValueError(message)
        requirements.append(_checked(_requirement(match)))
        position = match.end()
    if not requirements or text.rstrip().endswith(","):
        message = "a label selector must not be empty"
        raise ValueError(message)
    return tuple(requirements)


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether all requirements hold."""
    return all(requirement.matches(labels) for requirement in selector)


def keys(selector: Selector) -> frozenset[str]:
    """The keys of the labels that the selector asks for. Other labels need not be read."""
    return frozenset(requirement.key for requirement in selector)


def is_label_value(text: str) -> bool:
    """Whether a label can have this value. The empty value is allowed."""
    return bool(_VALUE.fullmatch(text))


def label_value(text: str) -> str:
    """The text, unchanged. Raises ValueError if the text is empty or cannot be the value of a label."""
    if not text or not is_label_value(text):
        message = (
            f"{text!r} cannot be the value of a label: 1 to 63 letters, digits, '-', '_' and '.', "
            "beginning and ending with a letter or digit"
        )
        raise ValueError(message)
    return text


def _checked(requirement: Requirement) -> Requirement:
    """The requirement, unchanged. Raises ValueError if no label can have the key or a value.

    A misspelled value would match no node, or with `!=` every node.
    """
    if not _KEY.fullmatch(requirement.key):
        message = f"{requirement.key!r} is not the key of a label"
        raise ValueError(message)
    for value in sorted(requirement.values or ()):
        if not is_label_value(value):
            message = f"{value!r} cannot be the value of a label"
            raise ValueError(message)
    return requirement


def _requirement(match: re.Match[str]) -> Requirement:
    if match["absent"]:
        return Requirement(match["absent_key"], None, negated=True)
    if match["equality"]:
        return Requirement(match["key"], frozenset({match["value"]}), negated=match["equality"] == "!=")
    if match["set"]:
        values = frozenset(value.strip() for value in match["values"].split(","))
        return Requirement(match["key"], values, negated=match["set"] == "notin")
    return Requirement(match["key"], None)
