"""The fields of a cluster and a user in a kubeconfig. Each mistake is a ValueError, before a library fails on it."""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from barrelman_sync.access.files import read_file
from barrelman_sync.access.proxies import without_password
from barrelman_sync.access.tls import Pem
from barrelman_sync.model.escape import one_line

Section = Mapping[str, Any]

_EMPTY: tuple[object, ...] = (None, "", [], {})
_AS_THEY_ARE = ("password", "extensions", "args", "env")
"""Fields whose white space, or whose empty parts, may mean something."""
_TEXTS = (
    *("server", "tls-server-name", "proxy-url", "certificate-authority", "certificate-authority-data"),
    *("client-certificate", "client-certificate-data", "client-key", "client-key-data"),
    *("tokenFile", "token", "username", "password", "as", "as-uid"),
)
_HTTP = ("http", "https")
_SERVER_NAME = re.compile(r"[A-Za-z0-9:_][A-Za-z0-9.:_-]*")


def given(section: Section) -> dict[str, Any]:
    """The fields that have a value, without white space around it. Generated kubeconfigs have every field, empty."""
    trimmed = {key: _trimmed(value) if key not in _AS_THEY_ARE else value for key, value in section.items()}
    return {key: value for key, value in trimmed.items() if value not in _EMPTY}


def check_cluster(cluster: Section) -> None:
    """Raises ValueError if the cluster section has a mistake."""
    _check_texts(cluster)
    if not cluster.get("server"):
        message = "the cluster has no server"
        raise ValueError(message)
    _check_server(str(cluster["server"]))
    if (name := cluster.get("tls-server-name")) and not _SERVER_NAME.fullmatch(name):
        message = f"tls-server-name {name!r} is neither a name nor an address"
        raise ValueError(message)
    if not isinstance(cluster.get("insecure-skip-tls-verify", False), bool):
        message = "insecure-skip-tls-verify is neither true nor false"
        raise ValueError(message)  # noqa: TRY004 - the user's mistake, not a caller's


def check_user(user: Section) -> None:
    """Raises ValueError if the user section has a mistake."""
    _check_texts(user)
    command = user.get("exec")
    if command is not None and not (isinstance(command, Mapping) and command.get("command")):
        message = "the user's exec section names no command"
        raise ValueError(message)
    one, other = (f"client-{part}" for part in ("certificate", "key"))
    for has, lacks in ((one, other), (other, one)):
        if _names(user, has) and not _names(user, lacks):
            message = f"the user has {_names(user, has)[0]}, but neither {lacks} nor {lacks}-data"
            raise ValueError(message)
    if token := user.get("token"):
        check_token(str(token), "the user's token")


def check_token(token: str, what: str) -> None:
    """Raises ValueError for a token that no header can carry. The HTTP library would show it in its own error."""
    if not (token and token.isprintable() and token.isascii()):
        message = f"{what} is not a single line of text"
        raise ValueError(message)


def pem_of(section: Section, name: str, folder: Path) -> Pem | None:
    """The text in PEM that a field holds as data, or as a file; data win, as with kubectl. None if there is neither."""
    if data := section.get(f"{name}-data"):
        return Pem(f"{name}-data", _decoded(f"{name}-data", str(data)))
    if file := section.get(name):
        return Pem(name, read_file(name, folder / str(file)))
    return None


def _decoded(name: str, data: str) -> bytes:
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        message = f"{name} is not base64"
        raise ValueError(message) from error


def _trimmed(value: object) -> object:
    if isinstance(value, str):
        return value.strip()
    return given(value) if isinstance(value, Mapping) else value


def _names(section: Section, name: str) -> list[str]:
    return [key for key in (name, f"{name}-data") if section.get(key)]


def _check_texts(section: Section) -> None:
    for key in _TEXTS:
        if not isinstance(section.get(key, ""), str):
            message = f"{key} is not a text; if it looks like a number or a date, put it in quotes"
            raise ValueError(message)  # noqa: TRY004 - the user's mistake, not a caller's


def _check_server(text: str) -> None:
    try:
        url = httpx2.URL(text)
        usable = url.scheme in _HTTP and url.host and urlsplit(text).port != 0
    except (httpx2.InvalidURL, ValueError):
        usable = False
    if not usable:
        shown = without_password(text)
        example = "" if "://" in text else f", such as https://{one_line(str(shown))}"
        message = f"server {shown!r} is not an http or https URL{example}"
        raise ValueError(message)
