"""The tables of the docs, as the code and the YAML files have them. `python -m tests.docs.readme` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from barrelman_sync.command.options import OPTIONS
from barrelman_sync.command.parameters import GroupedOption
from barrelman_sync.planning.result import ExitCode

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
OPTIONS_PAGE = ROOT / "docs" / "options.md"
SECURITY = ROOT / "SECURITY.md"
OPTIONS_BLOCK = re.compile(r"(?<=<!-- options -->\n).*?(?=<!-- /options -->)", re.DOTALL)
EXIT_CODES_BLOCK = re.compile(r"(?<=<!-- exit codes -->\n).*?(?=<!-- /exit codes -->)", re.DOTALL)


def options_table() -> str:
    """One row an option, in the order of --help, with its group and its whole help text."""
    rows = ["| option | what it does | group |", "|---|---|---|"]
    rows += [_row(option) for option in OPTIONS if isinstance(option, GroupedOption)]
    return "\n".join(rows) + "\n"


def exit_codes_table() -> str:
    rows = ["| exit code | meaning |", "|---|---|"]
    rows += [f"| {int(code)} | {code.meaning} |" for code in ExitCode]
    return "\n".join(rows) + "\n"


def rbac_rows(file: str, role: str) -> set[tuple[str, str, frozenset[str]]]:
    """Group, resource (with the only name that counts) and verbs that a ClusterRole grants."""
    documents = yaml.safe_load_all((ROOT / file).read_text())
    rules = next(
        each["rules"] for each in documents if each["kind"] == "ClusterRole" and each["metadata"]["name"] == role
    )
    return set(_granted(rules))


def told_rbac_rows(side: str) -> set[tuple[str, str, frozenset[str]]]:
    """The same from the table under the marker in SECURITY.md."""
    block = SECURITY.read_text().partition(f"<!-- rbac: {side} -->\n")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]
    return {(group, resource, frozenset(verbs.split(", "))) for group, resource, verbs in cells}


def shell_blocks() -> list[str]:
    """The README's blocks that are marked as shell: those that run as they stand."""
    return re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)


def _row(option: GroupedOption) -> str:
    context = click.Context(click.Command("barrelman-sync"))
    record = option.get_help_record(context)
    assert record
    names, text = (re.sub(r"\s+", " ", part).strip().replace("|", r"\|") for part in record)
    return f"| `{names}` | {text} | {option.group} |"


def _granted(rules: list[dict[str, Any]]) -> Iterator[tuple[str, str, frozenset[str]]]:
    for rule in rules:
        only = f" ({', '.join(rule['resourceNames'])})" if "resourceNames" in rule else ""
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield group or "core", resource + only, frozenset(rule["verbs"])


if __name__ == "__main__":
    text = OPTIONS_BLOCK.sub(lambda _: options_table(), OPTIONS_PAGE.read_text())
    OPTIONS_PAGE.write_text(EXIT_CODES_BLOCK.sub(lambda _: exit_codes_table(), text))
