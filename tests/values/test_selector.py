"""Label selectors: each expectation is what k8s.io/apimachinery v0.36.3 pkg/labels.Parse answers, run and noted."""

from __future__ import annotations

import pytest

from barrelman_sync.model.selector import matches, parse_selector
from tests.values.builders import cases

LABELS: tuple[dict[str, str], ...] = ({}, {"a": "b"}, {"a": "c"}, {"a": ""}, {"a": "b", "d": "e"}, {"d": "e"})
NO_LABELS, B, C, EMPTY, BOTH, D = "-", "a:b", "a:c", "a:", "a:b d:e", "d:e"

GOOD = {
    "a": (B, C, EMPTY, BOTH),
    "!a": (NO_LABELS, D),
    "! a": (NO_LABELS, D),
    "a=b": (B, BOTH),
    "a==b": (B, BOTH),
    "a!=b": (NO_LABELS, C, EMPTY, D),
    "a = b": (B, BOTH),
    "a ==b": (B, BOTH),
    "a\t=b": (B, BOTH),
    "a= b , d=e": (BOTH,),
    "a in (b,c)": (B, C, BOTH),
    "a in (b, c)": (B, C, BOTH),
    "a in(b)": (B, BOTH),
    "a  in  ( b )": (B, BOTH),
    "a notin (b)": (NO_LABELS, C, EMPTY, D),
    "a notin (b,c),d": (D,),
    "a=": (EMPTY,),
    "a=,d": (),
    "a!=": (NO_LABELS, B, C, BOTH, D),
    "a in (b,)": (B, EMPTY, BOTH),
    "a in (,b)": (B, EMPTY, BOTH),
    "a in ()": (EMPTY,),
    "a notin ()": (NO_LABELS, B, C, BOTH, D),
    "a,d": (BOTH,),
    "a,!d": (B, C, EMPTY),
    "a=b,a=c": (),
    "x.y/z=b": (),
    "in": (),
    "in in (a)": (),
    "a in (in)": (),
}
BAD = {
    "nothing after the comma": "a,",
    "nothing before the comma": ",a",
    "nothing between commas": "a,,d",
    "two values": "a=b c",
    "two keys": "a b",
    "two equations": "a=b=c",
    "absent with a value": "!a=b",
    "another language's or": "a=b||d=e",
    "a semicolon": "a=b;d",
    "no closing bracket": "a in (b",
    "no opening bracket": "a in b)",
    "no brackets": "a in b",
    "brackets around a value": "a=(b)",
    "brackets around a key": "(a)",
    "brackets without operator": "a(b)",
    "something behind the brackets": "a in (b)d",
    "nothing behind the brackets": "a in (b),",
    "a split operator": "a! =b",
}
# What kubectl refuses and we take: it can never match, or with a negation matches every node.
TOO_LENIENT = {
    "a set without comma": "a notin (b c)",
    "key begins with a dash": "-a",
    "key with two slashes": "a/b/c=d",
    "key without prefix before the slash": "/a",
    "key without name after the slash": "!a/",
    "prefix with capitals": "A.B/c",
    "value begins with a dash": "a!=-b",
    "value ends with a dash": "a=b-",
    "value in a set begins with a dash": "a in (-b)",
    "other letters in a key": "ä=b",
    "other letters in a value": "a=ä",
    "a key of 64 characters": "a" * 64,
    "a value of 64 characters": "a=" + "b" * 64,
}
# What kubectl takes and we refuse, on purpose: a node's labels are hardly ever numbers; empty is more likely a mistake.
TOO_STRICT = {"greater than": "a>1", "less than": "a<5", "empty": "", "blank": "  "}


def told(labels: dict[str, str]) -> str:
    return " ".join(f"{name}:{value}" for name, value in labels.items()) or "-"


@pytest.mark.parametrize("text", GOOD)
def test_what_matches(text: str) -> None:
    selector = parse_selector(text)
    assert tuple(told(labels) for labels in LABELS if matches(selector, labels)) == GOOD[text]


@cases("text", {**BAD, **TOO_STRICT})
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="label selector"):
        parse_selector(text)


@cases("text", TOO_LENIENT)
def test_what_kubectl_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="label"):
        parse_selector(text)


def test_no_selector_matches_every_node() -> None:
    assert matches((), {"a": "b"})


@cases("text, at", {"at once": ("=a", "'=a'"), "later": ("a=b,c d", "'c d'")})
def test_the_message_says_where(text: str, at: str) -> None:
    with pytest.raises(ValueError, match=f"cannot be read as a label selector from {at} on"):
        parse_selector(text)
