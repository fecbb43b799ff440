"""Fixtures: the image, built once a session at most, and containers of it."""

from __future__ import annotations

import pytest

from tests.gke.conftest import google as google  # noqa: PLC0414 - a fixture of the neighbors
from tests.image.build import Image, NoImage
from tests.image.build import image as build_image
from tests.image.container import Container
from tests.needed import needed


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest) -> Image:
    """The image of the working tree."""
    with needed("no image", request.config, NoImage):
        return build_image()


@pytest.fixture
def container(image: Image) -> Container:
    """A container of it without any mounts."""
    return Container(image)
