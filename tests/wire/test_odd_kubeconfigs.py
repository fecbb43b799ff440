"""Whatever stands in a field of a kubeconfig: it works, or is one line that names the option and the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from barrelman_sync.access.http import connect
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.settings import Kubeconfig
from tests.wire.conftest import Patient
from tests.wire.kubeconfigs import Section, document, write

GOOD: Section = {"server": "http://127.0.0.1:1", "insecure-skip-tls-verify": True}

ODD: list[Any] = [
    None,
    "",
    " ",
    "\n",
    0,
    1.5,
    True,
    [],
    {},
    [None],
    {"a": None},
    "a\0b",
    "\u202e\x1b",
    [[]],
    "~",
    "a" * 9999,
]
PLACES = [
    *((name,) for name in ("current-context", "contexts", "clusters", "users", "preferences", "extensions", "kind")),
    *((section, 0) for section in ("contexts", "clusters", "users")),
    *((section, 0, "name") for section in ("contexts", "clusters", "users")),
    *(("contexts", 0, "context"), ("clusters", 0, "cluster"), ("users", 0, "user")),
    *(("contexts", 0, "context", key) for key in ("cluster", "user", "namespace", "extensions")),
    *(("clusters", 0, "cluster", key) for key in ("server", "insecure-skip-tls-verify", "certificate-authority")),
    *(("clusters", 0, "cluster", key) for key in ("certificate-authority-data", "tls-server-name", "proxy-url")),
    *(("clusters", 0, "cluster", key) for key in ("extensions", "disable-compression", "no-such-field")),
    *(("users", 0, "user", key) for key in ("token", "tokenFile", "username", "password", "as", "as-uid")),
    *(("users", 0, "user", key) for key in ("as-groups", "as-user-extra", "auth-provider", "exec", "impersonate")),
    *(("users", 0, "user", f"client-{key}") for key in ("certificate", "certificate-data", "key", "key-data")),
    *(("users", 0, "user", "exec", key) for key in ("command", "args", "env", "apiVersion", "provideClusterInfo")),
    *(("users", 0, "user", "exec", key) for key in ("interactiveMode", "installHint", "no-such-field")),
]


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_no_odd_value_ends_in_a_traceback(tmp_path: Path, place: tuple[str | int, ...], deadline: Patient) -> None:
    for value in ODD:
        content = document("prod", dict(GOOD), {})
        if "exec" in place[:-1]:
            user: Section = {"exec": {"command": "no-such-plugin", "apiVersion": "client.authentication.k8s.io/v1"}}
            content["users"][0]["user"] = user
        at: Any = content
        for step in place[:-1]:
            at = at[step]
        at[place[-1]] = value
        path = write(tmp_path / "config", content)
        said = problem_of(path, deadline)
        assert said.isprintable()
        assert said.startswith(f"'--remote-kubeconfig' {path}: ") or not said


def problem_of(path: Path, deadline: Patient) -> str:
    try:
        connect(Kubeconfig(str(path)), "remote", deadline)
    except ConfigurationError as error:
        return str(error)
    return ""
