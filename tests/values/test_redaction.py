"""What is taken out of a text, beside what looks like a secret and is none."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import redirect_stdout

import pytest
import yaml

from barrelman_sync.command.streams import Unfailing
from barrelman_sync.model.settings import Output
from barrelman_sync.redaction import (
    beginning,
    keep_key_secret,
    keep_secret,
    may_have_secrets,
    redacted,
    redacted_values,
)
from barrelman_sync.report.printer import printer_for
from tests.values.builders import cases

SECRET = "my-secret/+=1"
ODD = "pass'\"\\word: {é} #1"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n"
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im0ifQ.eyJzdWIiOiJhIn0.c2ln"


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
    keep_key_secret(KEY.encode())
    assert redacted("PEM kqhkiG9w0BAQEF") == "PEM [redacted]"
    assert redacted(f"a {KEY.strip()}.") == "a [redacted]."


def test_other_lines_of_a_file_with_a_key_are_no_secrets() -> None:
    above = "Bag Attributes\n    friendlyName: client\nKey Attributes: <No Attributes>\n"
    encrypted = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n"
    keep_key_secret(f"{above}{KEY}-----BEGIN CERTIFICATE-----\nMIIcertificate\n{encrypted}".encode())
    text = f"{above}Proc-Type: 4,ENCRYPTED MIIcertificate PRIVATE KEY-----"
    assert redacted(text) == text
    assert redacted("MHcCAQEE") == "[redacted]"


def test_a_key_is_found_although_a_word_of_its_first_line_is_a_secret() -> None:
    keep_secret("PRIVATE")
    assert redacted(KEY).strip() == "[redacted]"


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
    assert found == {"a": ["x [redacted]", 1, None, True], SECRET: {"b": "[redacted]"}}


@cases(
    "text",
    {
        "a known secret": f"x {SECRET}",
        "a secret that JSON writes otherwise": f"x {ODD}",
        "what looks like one": f"a\n{JWT}",
        "a key": "-----BEGIN PRIVATE KEY-----\nMII",
        "a password in a URL": "http://me:pa-ss@host",
    },
)
def test_it_is_seen_that_a_document_may_have_secrets(text: str) -> None:
    keep_secret(SECRET, ODD)
    assert redacted(text) != text
    assert may_have_secrets(json.dumps({"a": [text]}))
    assert not may_have_secrets(json.dumps({"a": ["https://10.0.0.1:6443 tells no token"]}))


def test_a_word_of_a_document_may_be_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs look for the words of its structure."""
    keep_secret("namespace", "schemaVersion", "problems")
    secured = Unfailing(sys.stdout)
    with redirect_stdout(secured):
        for output in (Output.JSON, Output.YAML):
            printer_for(output, color=False).failure(["the namespace is bad"], 1)
    as_json, as_yaml = capsys.readouterr().out.split("schemaVersion: ")
    assert json.loads(as_json) == yaml.safe_load(f"schemaVersion: {as_yaml}")
    assert json.loads(as_json) == {"schemaVersion": 1, "exitCode": 1, "problems": ["the [redacted] is bad"]}


def test_no_secret_is_lost_to_a_second_thread() -> None:
    """Each thread reads all secrets, adds its own and replaces them."""
    threads = [threading.Thread(target=keep_secret, args=(f"secret-{number}",)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(redacted(f"secret-{number}") == "[redacted]" for number in range(200))


MEGABYTE = 2**20


@cases(
    "part, before",
    {
        "headers": ("Bearer ", ""),
        "a header and spaces": (" ", "Bearer "),
        "tokens": ("eyJ-", ""),
        "a token with dots": (".", f"eyJ{'a' * 16}"),
        "short tokens": ("eyJ.", ""),
        "tokens of Google's": ("ya29.-", ""),
        "keys without an end": ("-----BEGIN PRIVATE KEY-----", ""),
        "ends that are none": ("-----END ", "-----BEGIN PRIVATE KEY-----"),
        "an end with all its words": ("PRIVATE KEY ", "-----BEGIN PRIVATE KEY----------END "),
        "begins that are none": ("-----BEGIN A A ", "PRIVATE KEY-----"),
        "colons": (":", "@ ://"),
        "URLs with a colon": ("://:", "@ "),
        "URLs": ("://", "@ "),
        "names": ("a", "@ ://"),
        "words": ("token", ""),
        "a word and spaces": (" ", "token"),
        "a word, a colon and spaces": (" ", "token:"),
        "words and quotes": ("token:'", ""),
    },
)
def test_a_hostile_text_takes_no_longer_than_another(part: str, before: str) -> None:
    """A pattern that is quadratic would hold all threads for hours: `re` keeps the interpreter's lock."""
    redacted(before + part * (MEGABYTE // len(part)), guess=True)


@cases(
    "text",
    {
        "long": f"{'a' * 9_990}{SECRET}{'b' * MEGABYTE}",
        "of many secrets": SECRET * 10_000,
    },
)
def test_no_secret_is_cut_in_half(text: str) -> None:
    keep_secret(SECRET)
    assert len(beginning(text)) <= 10_000
    assert SECRET[:3] not in redacted(beginning(text))
