"""docs/demo.svg: drawn from what the demo prints, and fit to be shown inside an <img>."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from lab.demo.cast.__main__ import PICTURE, RECORDING
from lab.demo.cast.chapters import ChangedDemoError, Screen, chosen, comparable, plain, recording
from lab.demo.cast.drawing import drawn
from lab.demo.cast.timeline import timed
from lab.demo.terminal import WIDTH

SVG = "{http://www.w3.org/2000/svg}"
LARGEST = 150_000
LONGEST = 45  # seconds
TOLD = RECORDING.read_text()


@pytest.fixture
def screens() -> list[Screen]:
    return chosen(TOLD)


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314, the picture is our own


def told_again(old: str, new: str) -> str:
    """Return what a demo prints that differs in one place."""
    assert old in TOLD
    return TOLD.replace(old, new)


def test_the_picture_is_drawn_from_the_recording(screens: list[Screen]) -> None:
    assert PICTURE.read_text() == drawn(screens), "run: python -m lab.demo.cast --redraw"


def test_it_has_every_line_of_the_recording(screens: list[Screen]) -> None:
    shown = "".join(text.text or "" for text in parsed(drawn(screens)).iter(f"{SVG}text"))
    lines = [plain(line) for screen in screens for paragraph in screen for line in paragraph]
    assert len(lines) > 60
    assert [line for line in lines if "".join(line.split()) not in "".join(shown.split())] == []


def test_without_motion_it_shows_the_last_screen(screens: list[Screen]) -> None:
    picture = drawn(screens)
    outside = re.sub(r"@media \(prefers-reduced-motion: no-preference\) \{.*\n\}\n", "", picture, flags=re.DOTALL)
    assert ("@keyframes" in picture, "@keyframes" in outside, "animation" in outside) == (True, False, False)
    hidden = [group.get("visibility") == "hidden" for group in parsed(picture).findall(f"{SVG}g")]
    assert hidden == [True] * (len(screens) - 1) + [False]


def test_it_needs_nothing_else_and_says_what_it_shows() -> None:
    picture = PICTURE.read_text()
    assert len(picture) < LARGEST
    assert set(re.findall(r"url\(.*?\)|@import|href|<script|<foreignObject", picture)) == {"url(#inside)"}
    root = parsed(picture)
    names = [root.find(f"{SVG}{tag}") for tag in ("title", "desc")]
    assert all(found is not None and found.text for found in names)
    assert root.get("aria-labelledby") == "title description"


def test_screens_follow_each_other_and_their_rows_fit(screens: list[Screen]) -> None:
    cast = timed(screens)
    assert all(len(row.text) <= WIDTH for screen in cast for row in screen)
    for screen in cast:
        assert all(before.typing_ends <= after.begins for before, after in pairwise(screen))
        assert all(before.number < after.number for before, after in pairwise(screen))
        assert all(row.ends == screen[0].ends > screen[-1].typing_ends for row in screen)
    assert all(before[0].ends == after[0].begins for before, after in pairwise(cast))
    assert cast[-1][-1].ends < LONGEST


def test_a_long_command_is_typed_row_by_row() -> None:
    command = f"$ barrelman-sync {'--verbose ' * 12}".rstrip()
    ((first, second, answer),) = timed([[[command, "done"]]])
    assert (first.typed, second.typed, answer.typed) == (2, 4, None)
    assert first.text.split() + second.text.split() == command.split()
    assert first.begins < first.typing_ends == second.begins < second.typing_ends < answer.begins


def test_what_is_recorded_is_chosen_again(screens: list[Screen]) -> None:
    assert recording(screens) == TOLD


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("done: 8 created", "done: 8 created", True),
        ("done: 8 created", "done: 9 created", False),
        ("node port 30180", "node port 30181", False),
        ("FAILED", "LOST", False),
    ],
)
def test_another_line_is_noticed(old: str, new: str, *, same: bool, screens: list[Screen]) -> None:
    assert (comparable(chosen(told_again(old, new))) == comparable(screens)) is same


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        (r"plan [0-9a-f]{16}", "plan 0123456789abcdef"),
        (r"node-\w-1 8080 10\.78\.1\d\.1", "node-a-1 8080 10.78.11.1"),
        (r"60      0        node-a-1 .*", "60      0        node-a-1 1, node-b-1 58, node-c-1 1"),
        (r"\d+ +\d+ +refused \d+, timeout \d+", "9      7        timeout 7"),
    ],
)
def test_what_differs_each_time_makes_no_difference(pattern: str, new: str, screens: list[Screen]) -> None:
    again, changes = re.subn(pattern, new, plain(TOLD))
    assert changes
    assert comparable(chosen(again)) == comparable(screens)


@pytest.mark.parametrize("gone", ["The sync", "node-c is lost", "local-a$ curl"])
def test_a_demo_without_a_chapter_or_paragraph_cannot_be_shown(gone: str) -> None:
    with pytest.raises(ChangedDemoError):
        chosen(told_again(gone, "Something else"))
