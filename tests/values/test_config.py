"""How the texts of options become values, and what is refused."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest

from barrelman_sync.command.values import (
    ignored_namespaces,
    parse_duration,
    parse_email,
    parse_grace,
    parse_ignored,
    parse_limit,
    parse_network,
    parse_resource,
    parse_service,
    parse_timeout,
)
from barrelman_sync.model.names import Key
from barrelman_sync.model.selector import label_value
from barrelman_sync.model.settings import DeleteLimit
from tests.values.builders import cases


@cases(
    "text, seconds",
    {
        "seconds": ("90s", 90.0),
        "minutes": ("5m", 300.0),
        "hours and minutes": ("1h30m", 5400.0),
        "milliseconds": ("1500ms", 1.5),
        "minutes, not milliseconds": ("1m500ms", 60.5),
        "a plain number": ("45", 45.0),
        "a plain fraction": ("0.5", 0.5),
        "a fraction with unit": ("1.5h", 5400.0),
        "nothing": ("0", 0.0),
        "any order, as Go": ("1s1h", 3601.0),
    },
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


def test_the_name_of_a_service() -> None:
    assert parse_service("shop/cart") == Key("shop", "cart")


@pytest.mark.parametrize("text", ["", "cart", "/", "shop/", "/cart", "shop/cart/x", "Shop/cart", "shop/a.b", "a b/c"])
def test_what_is_no_name_of_a_service(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not the namespace and the name of a Service, such as shop/cart$"):
        parse_service(text)


def test_a_timeout_is_a_duration() -> None:
    assert parse_timeout("1m30s") == 90


def test_a_grace_is_a_duration_and_may_be_none() -> None:
    assert (parse_grace("0"), parse_grace("0s"), parse_grace("24h"), parse_grace("876000h")) == (
        0,
        0,
        86400,
        3153600000,
    )


@cases("parse", {"parse_email": parse_email, "parse_resource": parse_resource})
def test_an_empty_text_of_gke_stays(parse: Callable[[str], str]) -> None:
    """An empty variable of a ConfigMap counts as not given."""
    assert parse("") == ""


@cases(
    "text, limit",
    {
        "a number": ("20", DeleteLimit(20, None)),
        "none": ("0", DeleteLimit(0, None)),
        "a percentage": ("15%", DeleteLimit(None, 15.0)),
        "all": ("100%", DeleteLimit(None, 100.0)),
        "no percentage above 100, but numbers": ("101", DeleteLimit(101, None)),
    },
)
def test_limits(text: str, limit: DeleteLimit) -> None:
    assert parse_limit(text) == limit


@cases("text", {"IPv4": "10.0.0.0/8", "IPv6": "fd00::/8", "one address": "10.0.0.1/32", "all": "0.0.0.0/0"})
def test_networks(text: str) -> None:
    assert parse_network(text) == ipaddress.ip_network(text)


@cases(
    "text",
    {"a letter": "a", "a GKE context": "gke_p_europe-west1_c", "63": "a" * 63, "digits": "1.2", "dots": "a.b-c_d"},
)
def test_sources(text: str) -> None:
    assert label_value(text) == text


@cases("text", {"a name": "shop", "removed": "-kube-system", "one letter": "a", "63": "a" * 63, "digits": "1"})
def test_namespaces(text: str) -> None:
    assert parse_ignored(text) == text


REFUSED: dict[Callable[[str], object], dict[str, str]] = {
    parse_duration: {
        "empty": "",
        "no number": "s",
        "no unit at the end": "1h30",
        "another unit": "5d",
        "a space": "1h 30m",
        "negative": "-5s",
        "infinite": "inf",
        "not a number": "nan",
        "a word": "soon",
        "exponent": "1e3",
        "a line break": "5s\n",
    },
    parse_grace: {"too long": "876001h", "a word": "soon", "negative": "-1h", "infinite": "9" * 400, "empty": ""},
    parse_timeout: {"none": "0", "none, with a unit": "0s", "a word": "soon"},
    parse_resource: {"a slash": "a/b", "a variable": "$(x)", "a space": "a b", "begins with a dash": "-a"},
    parse_email: {"no domain": "me", "a space": "a b@c", "two": "a@b,c@d"},
    parse_limit: {
        "empty": "",
        "negative": "-1",
        "a fraction": "1.5",
        "a fraction of a percent": "1.5%",
        "above all": "101%",
        "only the sign": "%",
        "a word": "all",
        "a space": "5 %",
    },
    parse_network: {
        "empty": "",
        "bits beyond the mask": "10.0.0.1/8",
        "too long a mask": "10.0.0.0/33",
        "a name": "nodes",
        "two": "10.0.0.0/8,fd00::/8",
    },
    label_value: {
        "empty": "",
        "64": "a" * 64,
        "begins with a dash": "-a",
        "ends with a dot": "a.",
        "a slash": "a/b",
        "a colon": "arn:aws",
        "a space": "a b",
        "a line break": "a\n",
        "other letters": "ä",
    },
    parse_ignored: {
        "empty": "",
        "only a dash": "-",
        "two dashes": "--a",
        "capitals": "Shop",
        "a dot": "a.b",
        "64": "a" * 64,
        "ends with a dash": "a-",
        "a pattern": "kube-*",
    },
}


@pytest.mark.parametrize(
    ("parse", "text"),
    [(parse, text) for parse, texts in REFUSED.items() for text in texts.values()],
    ids=[f"{parse.__name__}: {name}" for parse, texts in REFUSED.items() for name in texts],
)
def test_refused(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"^.+$"):
        parse(text)


@cases(
    "names, ignored",
    {
        "none given": ((), {"kube-system"}),
        "one more": (("shop",), {"kube-system", "shop"}),
        "the default removed": (("-kube-system",), set()),
        "removed and added again": (("-kube-system", "kube-system"), {"kube-system"}),
        "added and removed again": (("shop", "-shop"), {"kube-system"}),
        "removing what is not there": (("-shop",), {"kube-system"}),
    },
)
def test_ignored_namespaces(names: tuple[str, ...], ignored: set[str]) -> None:
    assert set(ignored_namespaces(names)) == ignored
