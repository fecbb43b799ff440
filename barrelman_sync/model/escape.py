"""Makes text of others harmless on a terminal and in a log: no control characters, no line breaks."""

import re

_WHITE_SPACE = re.compile(r"\s+")


def one_line(text: str) -> str:
    r"""The text as one line in which every character is visible.

    White space becomes one space where it has anything but plain spaces, such as line breaks and tabs. Other
    characters that are not visible are escaped: control characters, marks that turn the direction of the text, lone
    surrogates. An escape sequence of a terminal begins with `\x1b` then, and does nothing.
    """
    folded = _WHITE_SPACE.sub(_folded, text).rstrip()
    if folded.isprintable():
        return folded
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in folded)


def own_lines(text: str) -> str:
    """The same for text whose line breaks are ours, such as a trace: each line stays a line."""
    return "\n".join(map(one_line, text.split("\n"))).rstrip()


def _folded(white_space: re.Match[str]) -> str:
    found = white_space[0]
    return " " if found.strip(" ") else found
