"""Shell completion beyond click's own: files, contexts of kubeconfigs, and words with `=` and `:` in bash.

A shell calls this while its user types. So nothing here fails, waits or says anything: what is wrong with a kubeconfig
is told by the run. lightkube is not loaded, because loading takes half a second.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from barrelman_sync.access.kubeconfig_paths import default_paths, expanded

VARIABLE = "_BARRELMAN_SYNC_COMPLETE"
"""By this variable, a shell asks for its script (`bash_source`), and the script for completions (`bash_complete`)."""
_LARGEST = 1_000_000
"""Bytes. Kubeconfigs have some kilobytes; a larger file of many small entries would take half a minute to read."""
_DEEPEST = 20
"""Levels of nesting. Kubeconfigs have six; with thousands, the C loader ends the process (SIGSEGV)."""
_MOST_ALIASES = 20
"""Aliases of YAML. Kubeconfigs have none; with more, a kilobyte may stand for gigabytes ("billion laughs")."""

Items = list[CompletionItem[str]]


def answer(command: click.Command, instruction: str) -> bool:
    """Answers what a shell asks for by the variable. Returns whether it could.

    Not by click itself: click writes bytes, and stdout takes text only, see `streams`.
    """
    shell, _, wanted = instruction.partition("_")
    found: type[ShellComplete] | None = get_completion_class(shell)
    if found and wanted in ("source", "complete"):
        with suppress(Exception):  # the user types, and asked for nothing
            completion = found(command, {}, "barrelman-sync", VARIABLE)
            click.echo(completion.source() if wanted == "source" else completion.complete())
            return True
    return False


def complete_files(_ctx: click.Context, _option: click.Parameter, incomplete: str) -> Items:
    """Lets the shell complete the name of a file."""
    return [CompletionItem(incomplete, type="file")]


def complete_contexts(ctx: click.Context, option: click.Parameter, incomplete: str) -> Items:
    """The contexts of the kubeconfig that is given for the same side, by default of those that kubectl would read."""
    given = ctx.params.get(str(option.name).replace("context", "kubeconfig"))
    paths = [expanded(os.path.expandvars(given))] if isinstance(given, str) else default_paths()
    return [CompletionItem(name) for name in context_names(paths) if name.startswith(incomplete)]


def context_names(paths: Iterable[Path]) -> list[str]:
    """The names of the contexts in these kubeconfigs, sorted. A file that cannot be read has none."""
    names: set[str] = set()
    for path in paths:
        with suppress(Exception):  # whatever is wrong with a file, nobody asked for it
            names.update(_names_in(path))
    return sorted(names)


def _names_in(path: Path) -> Iterator[str]:
    import yaml  # only for a completion of contexts: --help should not wait for that

    if not path.is_file() or path.stat().st_size > _LARGEST:  # not a pipe: reading it would wait
        return
    content = path.read_bytes()
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is ten times as fast
    depth = aliases = 0
    for event in yaml.parse(content, loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > _DEEPEST or aliases > _MOST_ALIASES:
            return
    document = yaml.load(content, loader)  # noqa: S506 - both are safe
    for entry in document["contexts"]:
        name = entry.get("name") if isinstance(entry, Mapping) else None
        # A list of aliases of lists could be too long as text.
        if isinstance(name, str | int | float) and (text := str(name).strip()).isprintable():
            yield text


class _WholeWords(ShellComplete):
    """Of `--output=js`, click offers the value alone. zsh puts it in place of the whole word, and fish ignores it."""

    def get_completions(self, args: list[str], incomplete: str) -> Items:
        """What to offer: whole words."""
        if re.match("-[a-z]+=", incomplete):  # `-o=json` is a mistake: short options take no equals sign
            return []
        option = re.match("--[a-z-]+=", incomplete)
        items: Items = super().get_completions(args, incomplete)
        if option is None:
            return items
        return [CompletionItem(f"{option[0]}{item.value}", item.type, item.help) for item in items]


class Zsh(_WholeWords, ZshComplete):
    """Completion for zsh."""


class Fish(_WholeWords, FishComplete):
    """Completion for fish."""


class Bash(_WholeWords, BashComplete):
    """Completion for bash, which takes words apart at `=` and `:`: `--output=json`, `arn:aws:eks:...`.

    So this class gets the line up to the cursor in place of the words. From what it offers, it leaves out what bash
    does not take for a part of the word.
    """

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' completion kind value response
    response=$(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
    COMPREPLY=()
    for completion in $response; do
        IFS=',' read -r kind value <<< "$completion"
        if [[ $kind == file ]]; then
            compopt -o default
        elif [[ $kind == plain ]]; then
            printf -v value %%q "$value"
            COMPREPLY+=("$value")
        fi
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is completed, and that one. click's own script gives words, not the line."""
        line = os.environ.get("COMP_LINE")
        if line is None:
            args, incomplete = super().get_completion_args()
            return [word for word in args if word != "="], incomplete
        _, *words = split_arg_string(line)
        if not words or line[-1:].isspace():
            return words, ""
        return words[:-1], words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> Items:
        """What to offer, without what stays on the line anyhow."""
        breaks = {*"=:"} & {*os.environ.get("COMP_WORDBREAKS", "=")}
        stays = max(incomplete.rfind(each) + 1 for each in breaks) if breaks else 0
        items = super().get_completions(args, incomplete)
        return [CompletionItem(item.value[stays:], item.type) for item in items]


for _shell in (Bash, Zsh, Fish):
    add_completion_class(_shell)
