"""How `--help` looks: all texts in one column, and no line ends within a word such as --local-kubeconfig."""

import re
from collections.abc import Iterable

import click

WIDEST = 100
"""Columns of the help on a wide terminal. Longer lines are hard to read; a narrower terminal has its own width."""
COLUMN = 27
"""Width of the options. A text begins below an option that is wider. Fits 80 columns with lines of 47 for the texts."""

_HYPHEN, _SPACE = "\u2011", "\u00a0"
"""Stand for the plain characters while click breaks the lines: a line does not end at these."""
_DEFAULT = re.compile(r"\[default: [^]]*\]")
_WORD = re.compile(r"(?<!\S)\S{1,46}(?!\S)")


class WholeWords(click.HelpFormatter):
    """Ends no line at a hyphen, nor within the default of an option."""

    def write_text(self, text: str) -> None:
        """Writes a paragraph."""
        super().write_text(_whole(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = COLUMN, col_spacing: int = 2) -> None:
        """Writes rows of a term and its text."""
        super().write_dl([(term, _whole(text)) for term, text in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        """What was written."""
        return super().getvalue().replace(_HYPHEN, "-").replace(_SPACE, " ")


class WholeWordsContext(click.Context):
    """A context in which click formats the help so."""

    formatter_class: type[click.HelpFormatter] = WholeWords


def _whole(text: str) -> str:
    """The text with marks where no line ends. A word that is longer than a line, such as a label, may be broken."""
    text = _DEFAULT.sub(lambda found: found[0].replace(" ", _SPACE), text)
    return _WORD.sub(lambda found: found[0].replace("-", _HYPHEN), text)
