"""Fixtures: a real Pushgateway, and whole runs of the command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.controlplane import NoControlPlane
from tests.metrics.gateway import PROGRAM, Gateway, gateway_at
from tests.wire.conftest import api, clean_environment, in_process, opened, sides

__all__ = ["api", "clean_environment", "in_process", "opened", "sides"]


@pytest.fixture(scope="session")
def pushgateway(request: pytest.FixtureRequest) -> Path:
    """Return the program, built first where it is missing."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    try:
        with capture.global_and_fixture_disabled():  # a first build takes a minute: what goes on must be seen
            return PROGRAM.path()
    except NoControlPlane as error:
        reason = f"no Pushgateway: {error}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def gateway(pushgateway: Path, tmp_path: Path) -> Iterator[Gateway]:
    """Return a Pushgateway that nobody has pushed to."""
    with gateway_at(pushgateway, tmp_path) as gateway:
        yield gateway
