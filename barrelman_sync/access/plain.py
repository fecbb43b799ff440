"""Text of others, such that a line of ours can hold it. Pure."""

import re

_LONGEST = 500
_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""The control sequences that color a text or move the cursor."""


def printable(text: object) -> str:
    """The text, with what is not printable written as in Python, such as line breaks and marks of direction."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in str(text))


def folded(said: bytes | str) -> str:
    """The end of what a program said, as one line without control characters."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return printable(" ".join(_STYLES.sub("", text).split())[-_LONGEST:])
