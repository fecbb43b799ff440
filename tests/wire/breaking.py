"""The command with a bug in it: `python -m tests.wire.breaking WHERE ERROR OPTION...`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any
from unittest.mock import patch

from barrelman_sync import reconcile
from barrelman_sync.__main__ import start
from barrelman_sync.command import cli
from barrelman_sync.command.parameters import GroupedCommand
from barrelman_sync.report import document, text

TEXT = "odd\x1b[31m\nSecond line."


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise TypeError


def again() -> None:
    again()


def fail_with(error: BaseException) -> Callable[..., None]:
    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    return fail


def recurse(*_arguments: object, **_options: object) -> None:
    again()


ERRORS: dict[str, Callable[..., None]] = {
    "value": fail_with(ValueError(TEXT)),
    "key": fail_with(KeyError("a")),
    "memory": fail_with(MemoryError()),
    "recursion": recurse,
    "end of file": fail_with(EOFError()),
    "pipe": fail_with(BrokenPipeError(32, "Broken pipe")),
    "unspeakable": fail_with(UnspeakableError()),
    "surrogate": fail_with(OSError(2, "No such file", "/\udcff")),
}
PLACES: dict[str, tuple[Any, str]] = {
    "parsing": (GroupedCommand, "make_context"),
    "settings": (cli, "settings_of"),
    "reading": (reconcile, "read_remote"),
    "plan": (text, "plan_lines"),
    "writing": (reconcile, "apply"),
    "document": (document, "document"),
    "metrics": (import_module("barrelman_sync.metrics.publish"), "write_file"),
    "last handler": (cli, "ended_by_bug"),
}


def main() -> None:
    where, error = sys.argv.pop(1), sys.argv.pop(1)
    place, name = PLACES[where]
    with patch.object(place, name, ERRORS[error]):
        if where == "last handler":
            with patch.object(cli, "settings_of", ERRORS["value"]):
                start()
        start()


if __name__ == "__main__":
    main()
