"""What a test needs and a machine may lack: the test is skipped with the reason, and with CI=true it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from lab.controlplane import NoControlPlane


@contextmanager
def needed(missing: str, config: pytest.Config, error: type[Exception] = NoControlPlane) -> Iterator[None]:
    """Do the block with its output shown: a first build takes minutes, and its progress must be seen.

    If the block raises `error`, whose text says what the machine lacks, the test ends with this reason.
    """
    capture = config.pluginmanager.getplugin("capturemanager")
    try:
        with capture.global_and_fixture_disabled():
            yield
    except error as found:
        lacking(f"{missing}: {found}")


def lacking(reason: str) -> NoReturn:
    """Skip the test, or with CI=true fail it: a green result means that the tests ran."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
