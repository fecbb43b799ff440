"""Fixtures: the image, built once a session at most, and containers of it."""

from __future__ import annotations

import os

import pytest

from tests.gke.conftest import google as google  # noqa: PLC0414 - a fixture of the neighbors
from tests.image.build import Image, NoImage
from tests.image.build import image as build_image
from tests.image.container import Container


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest) -> Image:
    """The image of the working tree."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    try:
        with capture.global_and_fixture_disabled():  # a first build takes minutes: its progress must be seen
            return build_image()
    except NoImage as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no image: {error}", pytrace=False)
        pytest.skip(f"no image: {error}")


@pytest.fixture
def container(image: Image) -> Container:
    """A container of it without any mounts."""
    return Container(image)
