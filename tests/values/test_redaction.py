"""What is taken out of a text, beside what looks like a secret and is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from barrelman_sync import redaction
from barrelman_sync.redaction import keep_key_secret, keep_secret, redacted, redacted_values
from tests.values.builders import cases

SECRET = "my-secret/+=1"
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im0ifQ.eyJzdWIiOiJhIn0.c2ln"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Leaves no secret to the next test."""
    before, redaction._known = redaction._known, ()
    yield
    redaction._known = before


@cases(
    "text, expected",
    {
        "alone": (SECRET, "[redacted]"),
        "in a sentence, twice": (f"a {SECRET} and {SECRET}.", "a [redacted] and [redacted]."),
        "in a URL": ("http://a/?t=my-secret%2F%2B%3D1&b", "http://a/?t=[redacted]&b"),
        "a part of it": ("my-secret", "my-secret"),
        "nothing": ("", ""),
    },
)
def test_a_known_secret_is_taken_out(text: str, expected: str) -> None:
    keep_secret(SECRET, None, "", b"")
    assert redacted(text) == expected


def test_the_longer_secret_goes_first() -> None:
    keep_secret("secret", "secret-and-more")
    assert redacted("secret-and-more") == "[redacted]"


def test_a_short_secret_stays() -> None:
    keep_secret("a", "admin")
    assert redacted("a bad admin") == "a bad admin"


def test_every_line_of_a_key_is_a_secret() -> None:
    keep_key_secret(b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n")
    assert redacted("PEM kqhkiG9w0BAQEF") == "PEM [redacted]"


@cases(
    "text, expected",
    {
        "a token as JSON": (f"got {JWT}, no", "got [redacted], no"),
        "one that was cut": (JWT[:30], "[redacted]"),
        "a token of Google's": ("ya29.a0AfH6SMC_x-y", "[redacted]"),
        "a header": ("Authorization: Bearer 0123456789abcdef!", "Authorization: Bearer [redacted]!"),
        "a password in a URL": ("proxy http://me:pa-ss@host:1/x", "proxy http://[redacted]@host:1/x"),
        "a key": ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----.", "[redacted]."),
        "half a key": ("-----BEGIN PRIVATE KEY-----\nMII", "[redacted]"),
    },
)
def test_what_looks_like_a_secret_is_taken_out(text: str, expected: str) -> None:
    assert redacted(text) == expected


@cases(
    "text",
    {
        "words": "no Bearer token, a token: none. Basic knowledge",
        "a URL": "https://10.0.0.1:6443/api?x=1 at me@host",
        "an account": "sync@shop.iam.gserviceaccount.com",
        "a service": "Service shop/eyjafjalla eyJ",
        "a certificate": "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
    },
)
def test_other_text_stays(text: str) -> None:
    assert redacted(text) == text


@cases(
    "text, expected",
    {
        "a form": ("grant_type=a&assertion=abcdef&x=1", "grant_type=a&assertion=[redacted]&x=1"),
        "JSON": ('{"access_token": "abcdef", "a": 1}', '{"access_token": "[redacted]", "a": 1}'),
        "a short value": ("token: no", "token: no"),
    },
)
def test_guessing_is_for_texts_of_programs(text: str, expected: str) -> None:
    assert (redacted(text), redacted(text, guess=True)) == (text, expected)


def test_values_of_a_document() -> None:
    keep_secret(SECRET)
    found = redacted_values({"a": [f"x {SECRET}", 1, None, True], SECRET: {"b": SECRET}})
    assert found == {"a": ["x [redacted]", 1, None, True], "[redacted]": {"b": "[redacted]"}}
