"""How `--help` looks on terminals of several widths."""

from __future__ import annotations

import re

import pytest

from tests.wire.commands import command


def help_on(columns: int) -> list[str]:
    done = command("--help", environment={"COLUMNS": str(columns)})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize(("columns", "longest"), [(80, 80), (100, 100), (200, 100)])
def test_no_line_is_longer_than_the_terminal_or_hard_to_read(columns: int, longest: int) -> None:
    found = max(map(len, help_on(columns)))
    assert longest - 10 < found <= longest


def test_no_line_of_80_columns_ends_within_a_word() -> None:
    """A label of 55 letters is the only word that no line can take."""
    assert [line.split()[-1] for line in help_on(80) if line.endswith("-")] == [
        "node.kubernetes.io/exclude-from-external-load-"
    ]


def test_a_default_is_not_taken_apart() -> None:
    defaults = [line for line in help_on(80) if "[default: " in line]
    assert len(defaults) > 5
    assert all(line.endswith("]") for line in defaults)


def test_all_texts_of_options_begin_in_one_column() -> None:
    options = "\n".join(help_on(80)).partition("Exit codes:")[0].partition("Local cluster:")[2].splitlines()
    beside = {match.end() for line in options if (match := re.match(r"  -\S.*?  +(?=\S)", line))}
    below = {len(line) - len(line.lstrip()) for line in options if line.startswith("   ")}
    assert beside == below
    assert len(below) == 1


def test_an_option_that_is_wider_stands_above_its_text() -> None:
    lines = help_on(80)
    number = lines.index("  --remote-location, --remote-zone LOCATION")
    assert lines[number + 1].strip() == "Zone or region of the GKE cluster."
