"""Fixtures: a real Pushgateway, and whole runs of the command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.metrics.gateway import PROGRAM, Gateway, gateway_at
from tests.needed import needed
from tests.wire.conftest import api, clean_environment, in_process, opened, sides

__all__ = ["api", "clean_environment", "in_process", "opened", "sides"]


@pytest.fixture(scope="session")
def pushgateway(request: pytest.FixtureRequest) -> Path:
    """Return the program, built first where it is missing."""
    with needed("no Pushgateway", request.config):
        return PROGRAM.path()


@pytest.fixture
def gateway(pushgateway: Path, tmp_path: Path) -> Iterator[Gateway]:
    """Return a Pushgateway that nobody has pushed to."""
    with gateway_at(pushgateway, tmp_path) as gateway:
        yield gateway
