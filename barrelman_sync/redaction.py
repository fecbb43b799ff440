"""Keeps secrets out of everything that the process prints, whoever wrote the text.

A server may repeat the token that we sent, and a library or a credential plugin may quote its input. `access` says
what is secret (`keep_secret`). All text for stdout and stderr goes through `redacted`, see `command.streams`. Documents
are redacted value by value before they become JSON or YAML, and then printed as they are (`Clean`). Texts are redacted
before they are cut, since half a secret would not be found afterwards.
"""

import re
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, NamedTuple

REDACTED = "[redacted]"
_SHORTEST = 6
"""A secret that is shorter stays: if the password is `a`, no text could be read any more."""

_MOST_OF_A_SERVER = 10_000
"""How many characters of a server's text are looked at. What is shown is shorter still."""


class _Likely(NamedTuple):
    """What probably is a secret. The pattern takes linear time for any text: a hostile server may choose the text.

    For that, no part of a pattern looks twice at more than a few hundred characters: `*+` and `++` give nothing back.
    """

    hints: tuple[str, ...]
    """All of these are in every text in which the pattern finds something. Looking for them is much faster."""
    pattern: re.Pattern[str]


_PRIVATE_KEY = _Likely(
    ("PRIVATE KEY-----",),
    re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL),
)
_LIKELY = (
    _Likely(("Bearer ",), re.compile(r"(?P<kept>\bBearer ++)[\w.~+/=-]{16,}")),
    _Likely(("Basic ",), re.compile(r"(?P<kept>\bBasic ++)[\w.~+/=-]{16,}")),
    _Likely(("eyJ",), re.compile(r"\beyJ[\w-]{16,}+[\w.-]*+")),  # a token as JSON (JWT), as of a service account
    _Likely(("ya29.",), re.compile(r"\bya29\.[\w.-]{8,}")),  # a token of Google's
    # Name and password in a URL. A password may have a slash, as in no URL that is valid.
    _Likely(("://", "@"), re.compile(r"(?P<kept>://)[^\s/@\"':]*+:[^\s@\"']{0,512}+(?=@)")),
)
_NAMED = re.compile(
    r"(?P<kept>(?:token|passw(?:or)?d|secret|assertion|api_?key)[\"']?+\s*+[:=]\s*+[\"']?+)[^\s\"',;&]{6,}",
    re.IGNORECASE,
)
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")

_known: tuple[str, ...] = ()
"""All forms of all secrets, the longest first. Never changed, only replaced: several threads print."""
_changing = Lock()
"""Held while `_known` is replaced, or two threads that replace it at once would lose a secret."""


class Clean(str):
    """A text without secrets. The streams write it as it is."""

    __slots__ = ()


def keep_secret(*secrets: object) -> None:
    """Lets `redacted` know texts that nobody may read. Empty and short ones are ignored."""
    global _known  # noqa: PLW0603 - of the process, like the streams
    forms = {form for secret in secrets if secret for form in _forms(str(secret)) if len(form) >= _SHORTEST}
    with _changing:
        _known = tuple(sorted({*_known, *forms}, key=len, reverse=True))


def keep_key_secret(pem: bytes) -> None:
    """The same for private keys. Each line of one is a secret, since a text may quote a part of it.

    Other lines of the file are none, such as the attributes that openssl writes above a key.
    """
    keys = _PRIVATE_KEY.pattern.findall(pem.decode(errors="replace"))
    keep_secret(*(line for key in keys for line in key.splitlines() if _BASE64.fullmatch(line)))


def redacted(text: str, *, guess: bool = False) -> str:
    """The text without secrets: those that are known, and what looks like a token, a private key, or a URL's password.

    `guess`: also what follows a word such as `token=`. For texts of programs, which no user has to read word by word.
    """
    text = _without_likely(text, _PRIVATE_KEY)  # first: a secret that is a part of `BEGIN` would hide the key
    text = _without_known(text)
    for likely in _LIKELY:
        text = _without_likely(text, likely)
    return _NAMED.sub(_replaced, text) if guess else text


def beginning(text: str) -> str:
    """The first characters of a server's text, which may be long. No known secret is cut in half."""
    return _without_known(text)[:_MOST_OF_A_SERVER]


def may_have_secrets(text: str) -> bool:
    """Whether there may be a secret in a document, of which this is the JSON. Much faster than `redacted_values`.

    It is enough to look for hints: some patterns look at what is before a secret, where JSON has other characters.
    """
    hinted = any(all(hint in text for hint in likely.hints) for likely in (_PRIVATE_KEY, *_LIKELY))
    return hinted or any(secret in text for secret in _known)


def redacted_values(value: Any) -> Any:
    """A document in which every text is redacted, but no key: keys are ours, and programs look for them."""
    match value:
        case str():
            return redacted(value)
        case Mapping():
            return {key: redacted_values(entry) for key, entry in value.items()}
        case list():
            return [redacted_values(entry) for entry in value]
        case _:
            return value


def _without_known(text: str) -> str:
    for secret in _known:
        if secret in text:
            text = text.replace(secret, REDACTED)
    return text


def _without_likely(text: str, likely: _Likely) -> str:
    return likely.pattern.sub(_replaced, text) if all(hint in text for hint in likely.hints) else text


def _replaced(found: re.Match[str]) -> str:
    return f"{found.groupdict().get('kept') or ''}{REDACTED}"


def _forms(secret: str) -> Iterator[str]:
    """The secret, and what other programs make of it: JSON, a text in Python, a part of a URL."""
    import json  # noqa: PLC0415 - not loaded for `--version`, as there are no secrets
    from urllib.parse import quote  # noqa: PLC0415

    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield quote(secret, safe="")
