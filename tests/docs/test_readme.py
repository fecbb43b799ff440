from __future__ import annotations

import subprocess

import pytest
from click.testing import CliRunner

from barrelman_sync.command.cli import main
from barrelman_sync.planning.result import ExitCode
from tests.docs.readme import (
    EXIT_CODES_BLOCK,
    OPTIONS_BLOCK,
    OPTIONS_PAGE,
    README,
    ROOT,
    exit_codes_table,
    options_table,
    rbac_rows,
    shell_blocks,
    told_rbac_rows,
)

DRY = {"make demo": "lab.demo", "make test": "pytest"}


def test_the_options_table_is_what_help_says() -> None:
    found = OPTIONS_BLOCK.search(OPTIONS_PAGE.read_text())
    assert found
    assert found[0] == options_table(), "run: python -m tests.docs.readme"


@pytest.mark.parametrize(
    ("side", "file", "role"),
    [
        ("local", "rbac.yaml", "barrelman-sync"),
        ("remote", "rbac-remote.yaml", "barrelman-sync-remote"),
    ],
)
def test_the_rbac_tables_are_the_rbac_files(side: str, file: str, role: str) -> None:
    assert told_rbac_rows(side) == rbac_rows(file, role)


def test_the_commands_of_the_readme_are_targets_that_do_what_they_say() -> None:
    """`make test` is what runs this, so here only what each would do is looked at, not done again."""
    commands = [line.partition("#")[0].strip() for block in shell_blocks() for line in block.splitlines() if line]
    assert set(commands) == set(DRY)
    for command in commands:
        planned = subprocess.run([*command.split(), "-n"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        assert DRY[command] in planned


def test_the_exit_codes_are_those_of_the_command() -> None:
    found = EXIT_CODES_BLOCK.search(OPTIONS_PAGE.read_text())
    assert found
    assert found[0] == exit_codes_table(), "run: python -m tests.docs.readme"


def test_help_has_the_exit_codes() -> None:
    shown = CliRunner().invoke(main, ["--help"], terminal_width=120).stdout
    listed = " ".join(shown.partition("Exit codes:")[2].split())
    assert listed == " ".join(f"{int(code)} {code.meaning}" for code in ExitCode)


def test_a_newcomer_reads_the_readme_in_a_few_minutes() -> None:
    assert len(README.read_text().splitlines()) < 150
