"""Checks of the cluster and the user in a kubeconfig, so that a mistake is reported before a library fails on it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

Section = Mapping[str, Any]

_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_HTTP = ("http", "https")


def check_cluster(cluster: Section, path: Path) -> None:
    """Raises ValueError if the cluster section of the kubeconfig at `path` has a mistake."""
    if not cluster.get("server"):
        message = "the cluster has no server"
        raise ValueError(message)
    _check_url("server", str(cluster["server"]))
    if proxy := cluster.get("proxy-url"):
        _check_url("proxy-url", str(proxy))
    _check_files(cluster, path)


def check_user(user: Section, path: Path) -> None:
    """Raises ValueError if the user section of the kubeconfig at `path` has a mistake."""
    command = user.get("exec")
    if command is not None and not (isinstance(command, Mapping) and command.get("command")):
        message = "the user's exec section names no command"
        raise ValueError(message)
    for kind in ("", "-data"):
        if bool(user.get(f"client-certificate{kind}")) != bool(user.get(f"client-key{kind}")):
            message = f"the user has only one of client-certificate{kind} and client-key{kind}"
            raise ValueError(message)
    token = user.get("token")
    if token is not None and not (isinstance(token, str) and token.isprintable() and token.isascii()):
        message = "the user's token is not a single line of text"
        raise ValueError(message)
    _check_files(user, path)


def _check_url(name: str, text: str) -> None:
    """Raises ValueError unless the text is an http or https URL. Other schemes, such as socks5, need more libraries."""
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        message = f"{name} {text!r} is not a URL: {error}"
        raise ValueError(message) from error
    if url.scheme not in _HTTP or not url.host:
        message = f"{name} {text!r} is not an http or https URL"
        raise ValueError(message)


def _check_files(section: Section, path: Path) -> None:
    for key in _FILES:
        if (name := section.get(key)) and not (path.parent / str(name)).is_file():
            message = f"{key} {path.parent / str(name)} not found"
            raise ValueError(message)
