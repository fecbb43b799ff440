"""From the text of an option to its value. Pure.

Each `parse_` function raises ValueError for a wrong text. The error's message has no period at the end.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from barrelman_sync.access.proxies import without_password
from barrelman_sync.model.names import Key
from barrelman_sync.model.settings import IGNORED_NAMESPACES, DeleteLimit, IPNetwork

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_LONGEST_GRACE = 100 * 365 * 86_400
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_RESOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*")
_EMAIL = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+")
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def trimmed(text: str) -> str:
    """The text without white space at both ends: values from Secrets end in a newline, from Windows files in a CR.

    The byte order mark, which Windows puts before the first value of a file, counts as white space.
    """
    return text.strip().strip("\ufeff").strip()


def parse_duration(text: str) -> float:
    """The seconds of a duration in Go's notation (`90s`, `5m`, `1h30m`). A plain number is seconds."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(f"(?:{_DURATION.pattern})+", text):
        message = f"{text!r} is not a duration such as 90s, 5m or 1h30m"
        raise ValueError(message)
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))


def parse_timeout(text: str) -> float:
    """The seconds of a duration that must be longer than 0."""
    if not (seconds := parse_duration(text)):
        message = f"{text!r} leaves no time for a run"
        raise ValueError(message)
    return seconds


def parse_grace(text: str) -> float:
    """The seconds of a duration that is not absurdly long, so that a time plus this duration is a time."""
    if (seconds := parse_duration(text)) > _LONGEST_GRACE:
        message = f"{text!r} is longer than a hundred years"
        raise ValueError(message)
    return seconds


def parse_limit(text: str) -> DeleteLimit:
    """A number such as `20`, or a percentage such as `15%`."""
    match = re.fullmatch(r"(\d+)(%?)", text)
    if match is None or (match[2] and int(match[1]) > 100):  # noqa: PLR2004 - percent
        message = f"{text!r} is neither a number such as 20 nor a percentage such as 15%"
        raise ValueError(message)
    if match[2]:
        return DeleteLimit(number=None, percent=float(match[1]))
    return DeleteLimit(number=int(match[1]), percent=None)


def parse_network(text: str) -> IPNetwork:
    """A network such as 10.0.0.0/8 or fd00::/8."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        message = f"{error}; expected a network such as 10.0.0.0/8"
        raise ValueError(message) from error


def parse_resource(text: str) -> str:
    """The name of a project, location or cluster in Google Cloud. The check is loose: Google knows the exact rules.

    The empty text is accepted: an empty argument, such as an unset shell variable, counts as not given.
    """
    if text and not _RESOURCE.fullmatch(text):
        message = f"{text!r} is not a valid Google Cloud name"
        raise ValueError(message)
    return text


def parse_email(text: str) -> str:
    """The address of a Google service account. The empty text is accepted, as in `parse_resource`."""
    if text and not _EMAIL.fullmatch(text):
        message = f"{text!r} is not a service account address such as NAME@PROJECT.iam.gserviceaccount.com"
        raise ValueError(message)
    return text


def parse_fingerprint(text: str) -> str:
    """The fingerprint of a plan, as a dry run prints it."""
    if not re.fullmatch(r"[0-9a-f]{16}", text):
        message = f"{text!r} is not a plan fingerprint: expected the 16 characters that --dry-run prints"
        raise ValueError(message)
    return text


def parse_given(text: str) -> str:
    """Any text that is not empty. An empty text is usually an unset shell variable, not a wish for the default."""
    if not text:
        message = "the value is empty; leave the option out to use its default"
        raise ValueError(message)
    return text


def parse_file(text: str) -> str:
    """The path of a file."""
    if not text.strip() or text.endswith("/"):
        message = f"{text!r} is not a path to a file"
        raise ValueError(message)
    return text


def parse_gateway(text: str) -> str:
    """The URL of a Pushgateway; `host:port` means http://host:port."""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        usable = bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:  # the port is not a port number
        usable = False
    else:
        usable = usable and not (parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", url))
    if not usable:
        message = f"{without_password(text)!r} is neither a URL such as http://pushgateway:9091 nor host:port"
        raise ValueError(message)
    return url.rstrip("/")


def parse_namespace(text: str) -> str:
    """The name of a namespace."""
    if not _NAMESPACE.fullmatch(text):
        message = f"{text!r} is not a valid namespace name"
        raise ValueError(message)
    return text


def parse_service(text: str) -> Key:
    """The namespace and name of a Service, with a slash between them."""
    key = Key(*text.split("/")) if text.count("/") == 1 else None
    if key is None or not all(map(_NAMESPACE.fullmatch, key)):
        message = f"{text!r} is not the namespace and the name of a Service, such as shop/cart"
        raise ValueError(message)
    return key


def parse_ignored(text: str) -> str:
    """The name of a namespace, with or without a `-` before it."""
    parse_namespace(text.removeprefix("-"))
    return text


def ignored_namespaces(names: Iterable[str]) -> frozenset[str]:
    """The namespaces to ignore: the default ones, with each NAME added and each -NAME removed, in the order given."""
    ignored = set(IGNORED_NAMESPACES)
    for name in names:
        if name.startswith("-"):
            ignored.discard(name[1:])
        else:
            ignored.add(name)
    return frozenset(ignored)
