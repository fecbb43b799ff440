"""`python -m lab.demo.cast` runs the demo, and draws docs/demo.svg from what it prints."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

import click

from lab.demo.cast.chapters import ChangedDemoError, Screen, chosen, comparable, recording
from lab.demo.cast.drawing import drawn
from lab.demo.stage import UnexpectedError, stage
from lab.demo.story import tell

PICTURE = Path(__file__).parents[3] / "docs" / "demo.svg"
RECORDING = Path(__file__).with_name("recording.txt")
"""What the picture shows, as the demo printed it. It is kept so that the picture can be drawn without a demo."""


@click.command()
@click.option("--redraw", is_flag=True, help="Draw what was recorded before, without running the demo.")
def main(*, redraw: bool) -> None:
    """Draw docs/demo.svg from what the demo prints."""
    if not redraw:
        _record()
    PICTURE.write_text(drawn(chosen(RECORDING.read_text())))


def _record() -> None:
    """Run the demo. Keep the old recording if the new one differs only in what differs each time."""
    print("Recording the demo, which takes about 20 s", file=sys.stderr)
    told = _told()
    if "Without traffic: " in told:
        sys.exit(f"{told}\nOnly a demo with traffic can be recorded; --redraw draws what was recorded before.")
    found = chosen(told)
    if comparable(found) != comparable(_recorded()):
        RECORDING.write_text(recording(found))


def _recorded() -> list[Screen]:
    try:
        return chosen(RECORDING.read_text())
    except (FileNotFoundError, ChangedDemoError):
        return []


def _told() -> str:
    """Return what a demo prints on a terminal, with its colors."""
    os.environ.pop("NO_COLOR", None)
    printed = _Terminal()
    try:
        with redirect_stdout(printed), stage() as here:
            tell(here)
    except UnexpectedError as error:
        sys.exit(f"{printed.getvalue()}\nThis did not go as expected: {error}")
    return printed.getvalue()


class _Terminal(io.StringIO):
    """Whoever prints to it takes it for a terminal."""

    def isatty(self) -> bool:
        return True


if __name__ == "__main__":
    main()
