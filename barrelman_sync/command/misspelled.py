"""Environment variables whose names are nearly those of options: a misspelled DRY_RUN would let a run write."""

import re
from collections.abc import Collection, Iterator
from difflib import SequenceMatcher, get_close_matches

from barrelman_sync.command.completion import VARIABLE
from barrelman_sync.command.options import ENVIRONMENT_PREFIX, OPTIONS

_SIMILARITY = 0.8
"""A variable whose name is at least this similar to an option's is reported as misspelled. Others are ignored."""
_PREFIX_SIMILARITY = 0.85
_LONGEST = 80
"""Letters. A longer name means none of our options, and would take long to compare."""
_PREFIX = f"{ENVIRONMENT_PREFIX}_"
_PREFIXES = ("BARRELMANSYNC", "BARRELMAN")
"""What the prefix may have been meant to be, without separators."""
_LIKE_PREFIX = re.compile("BARR?EL")
_OF_KUBERNETES = re.compile(r".+_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")
"""The variables that Kubernetes gives a pod for each Service, such as one called barrelman-sync."""

_KNOWN = {
    name.removeprefix("--").replace("-", "_").upper()
    for option in OPTIONS
    for name in option.opts
    if name.startswith("--")
}


def misspelled(environment: Collection[str]) -> Iterator[str]:
    """One problem for each variable that has our prefix and nearly the name of an option."""
    for name, rest in sorted((name, name.removeprefix(_PREFIX)) for name in environment if name.startswith(_PREFIX)):
        if rest in _KNOWN or _OF_KUBERNETES.fullmatch(name):
            continue
        if meant := get_close_matches(rest.upper(), _KNOWN, 1, _SIMILARITY):
            yield f"Unknown environment variable '{name}': did you mean '{_PREFIX}{meant[0]}'?"


def without_prefix(environment: Collection[str]) -> Iterator[str]:
    """One warning for each variable that has nearly our prefix and nearly the name of an option.

    It may be somebody else's, so this is no error. If the right variable is set as well, there is no warning.
    """
    for name in sorted(environment):
        if name.startswith(_PREFIX) or name == VARIABLE or _OF_KUBERNETES.fullmatch(name.upper()):
            continue
        if (meant := _meant(_squeezed(name))) and f"{_PREFIX}{meant}" not in environment:
            yield f"environment variable '{name}' is ignored: did you mean '{_PREFIX}{meant}'?"


def _meant(name: str) -> str | None:
    """The option that a squeezed name is nearly that of, after nearly our prefix; None if there is none."""
    if len(name) > _LONGEST or not _LIKE_PREFIX.match(name):
        return None
    rests = (name[end:] for end in range(len(name)) if _is_like_prefix(name[:end]))
    options = {_squeezed(option): option for option in _KNOWN}
    near = ((_ratio(rest, option), options[option]) for rest in rests for option in options)
    similarity, meant = max(near, default=(0.0, None))
    return meant if similarity >= _SIMILARITY else None


def _is_like_prefix(text: str) -> bool:
    return any(_ratio(text, prefix) >= _PREFIX_SIMILARITY for prefix in _PREFIXES)


def _ratio(first: str, second: str) -> float:
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def _squeezed(name: str) -> str:
    """The name in capitals, without what separates its words: these are easily forgotten or mistaken."""
    return re.sub(r"[^A-Z0-9]", "", name.upper())
