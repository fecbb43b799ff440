"""Keeps secrets out of everything that the process prints, whoever wrote the text.

A server may repeat the token that we sent, and a library or a credential plugin may quote its input. `access` says
what is secret (`keep_secret`). All text for stdout and stderr goes through `redacted`, see `command.streams`. Documents
are redacted value by value before they become JSON or YAML, and texts before they are cut, since half a secret would
not be found afterwards.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

REDACTED = "[redacted]"
_SHORTEST = 6
"""A secret that is shorter stays: if the password is `a`, no text could be read any more."""

_HINTS = ("eyJ", "ya29.", "Bearer ", "Basic ", "PRIVATE KEY", "@")
"""One of these is in every text in which `_LIKELY` finds something. Looking for them is much faster."""
_LIKELY = re.compile(
    r"(?P<kept>\b(?:Bearer|Basic) +)[\w.~+/=-]{16,}"
    r"|\beyJ[\w-]{16,}(?:\.[\w-]*)*"  # a token as JSON (JWT), such as that of a service account
    r"|\bya29\.[\w.-]{8,}"  # a token of Google's
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^\s/@\"']*:[^\s@\"']*(?=@)",  # name and password in a URL
    re.DOTALL,
)
_NAMED = re.compile(
    r"(?P<kept>(?:token|passw(?:or)?d|secret|assertion|api_?key)[\"']?\s*[:=]\s*[\"']?)[^\s\"',;&]{6,}", re.IGNORECASE
)

_known: tuple[str, ...] = ()
"""All forms of all secrets, the longest first. Never changed, only replaced: several threads print."""


def keep_secret(*secrets: object) -> None:
    """Lets `redacted` know texts that nobody may read. Empty and short ones are ignored."""
    global _known  # noqa: PLW0603 - of the process, like the streams
    forms = {form for secret in secrets if secret for form in _forms(str(secret)) if len(form) >= _SHORTEST}
    _known = tuple(sorted({*_known, *forms}, key=len, reverse=True))


def keep_key_secret(pem: bytes) -> None:
    """The same for a private key. Each of its lines is a secret, since a text may quote a part of it."""
    keep_secret(*(line for line in pem.decode(errors="replace").split() if not line.startswith("-")))


def redacted(text: str, *, guess: bool = False) -> str:
    """The text without secrets: those that are known, and what looks like a token, a private key, or a URL's password.

    `guess`: also what follows a word such as `token=`. For texts of programs, which no user has to read word by word.
    """
    for secret in _known:
        if secret in text:
            text = text.replace(secret, REDACTED)
    if any(hint in text for hint in _HINTS):
        text = _LIKELY.sub(_replaced, text)
    return _NAMED.sub(_replaced, text) if guess else text


def redacted_values(value: Any) -> Any:
    """A document in which every text is redacted."""
    match value:
        case str():
            return redacted(value)
        case Mapping():
            return {redacted(key): redacted_values(entry) for key, entry in value.items()}
        case list():
            return [redacted_values(entry) for entry in value]
        case _:
            return value


def _replaced(found: re.Match[str]) -> str:
    return f"{found['kept'] or ''}{REDACTED}"


def _forms(secret: str) -> Iterator[str]:
    """The secret, and what other programs make of it: JSON, a text in Python, a part of a URL."""
    import json  # noqa: PLC0415 - not loaded for `--version`, as there are no secrets
    from urllib.parse import quote  # noqa: PLC0415

    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield quote(secret, safe="")
