"""Text of others as it is shown: one line, every character visible."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barrelman_sync.model.escape import one_line, own_lines

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
"""Control characters and lone surrogates too."""
CASES = {
    "plain": ("Service shop/cart  3 of 4", "Service shop/cart  3 of 4"),
    "other alphabets": ("Grüße, 世界, мир", "Grüße, 世界, мир"),
    "indented": ("    verbs", "    verbs"),
    "title of a terminal": ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    "color": ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
    "C1": ("\x9b31m", "\\x9b31m"),
    "null and DEL": ("\x00\x7f", "\\x00\\x7f"),
    "backspace": ("ok\b\bno", "ok\\x08\\x08no"),
    "bidi": ("a\u202eb\u2066c\u200fd\u061ce", "a\\u202eb\\u2066c\\u200fd\\u061ce"),
    "no width": ("a\u200bb\ufeffc", "a\\u200bb\\ufeffc"),
    "tags": ("a\U000e0041", "a\\U000e0041"),
    "surrogate": ("/a\udcff", "/a\\udcff"),
    "lines": ("denied:\n  - one\r\n\n  - two\n", "denied: - one - two"),
    "carriage return": ("failed\rok", "failed ok"),
    "tabs": ("a\t\tb", "a b"),
    "all other line breaks": ("a\vb\fc\x1cd\x1de\x1ef\x85g\u2028h\u2029i", "a b c d e f g h i"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "shown"), CASES.values(), ids=CASES)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(ANY_TEXT)
def test_every_text_is_one_visible_line(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert one_line(shown) == shown


def test_our_own_lines_stay_lines() -> None:
    assert own_lines("one:\n  two\x1b\n\n  three\r\n") == "one:\n  two\\x1b\n\n  three"
