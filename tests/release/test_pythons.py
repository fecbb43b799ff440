"""The places that name versions of Python name the same ones."""

from __future__ import annotations

import re
import tomllib

import pytest

from lab.pythons.interpreters import ROOT, NoPython, find
from lab.pythons.versions import of_the_image, oldest, supported, version_of
from lab.release import stand_in
from lab.release.image import python_version


def test_the_image_has_the_newest_that_is_supported() -> None:
    assert supported()[-1] == of_the_image()
    assert supported()[0] == oldest()


def test_no_version_is_left_out() -> None:
    first, last = (int(version.split(".")[1]) for version in (oldest(), of_the_image()))
    assert supported() == [f"3.{minor}" for minor in range(first, last + 1)]


def test_the_stand_in_has_the_python_of_the_image() -> None:
    assert f"python{of_the_image()}" == stand_in.PYTHON


def test_the_set_up_looks_for_each() -> None:
    found = re.search(r"^CANDIDATES := python3 (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found
    assert found[1].split() == [f"python{version}" for version in reversed(supported())]


def test_types_are_those_of_the_oldest() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["python_version"] == oldest()


def test_the_docs_name_the_base() -> None:
    named = set(re.findall(r"python:3\.\d+", (ROOT / "docs" / "image.md").read_text()))
    assert named == {f"python:{of_the_image()}"}


def test_words_and_versions() -> None:
    assert [version_of(word) for word in ("oldest", "image", "3.12")] == [oldest(), of_the_image(), "3.12"]


def test_a_python_that_is_not_there() -> None:
    with pytest.raises(NoPython, match=r"no python3\.99 in PATH"):
        find("3.99")


def test_a_base_that_does_not_say_its_python() -> None:
    with pytest.raises(ValueError, match="does not say which Python"):
        python_version("debian:trixie")
