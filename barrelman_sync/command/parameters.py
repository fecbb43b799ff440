"""How the command takes its options: every wrong value is reported, and `--help` lists the options under headings."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import click

from barrelman_sync.command.formatter import COLUMN, WholeWordsContext
from barrelman_sync.command.values import trimmed

_WRONG = f"{__name__}.wrong"


class Parsed(click.ParamType[Any]):
    """A text that a function of `values` turns into a value; the function's ValueError is the problem to report."""

    name = "text"

    def __init__(self, parse: Callable[[str], object]) -> None:
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The parsed value. click also calls this with values that are parsed already."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


class GroupedOption(click.Option):
    """An option that is listed under a heading. A wrong value does not hide the problems of other options.

    White space at both ends is no part of a value, wherever the value is from.
    """

    def __init__(self, *names: str, group: str, **attributes: Any) -> None:
        super().__init__(names, **attributes)
        self.group = group

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """The text of the first variable that is more than white space; None if there is no such variable."""
        texts = (trimmed(os.environ.get(name, "")) for name in self._variables(ctx))
        return next((text for text in texts if text), None)

    def _variables(self, ctx: click.Context) -> Iterator[str]:
        yield from [self.envvar] if isinstance(self.envvar, str) else self.envvar or ()
        if ctx.auto_envvar_prefix and self.name:
            yield f"{ctx.auto_envvar_prefix}_{self.name.upper()}"

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """The value. For a wrong value, returns None and keeps the problem for `wrong_values`."""
        try:
            return super().process_value(ctx, _trimmed(value))
        except click.BadParameter as error:
            error.ctx, error.param = ctx, self  # so that the message names the option
            ctx.meta.setdefault(_WRONG, {})[self.name] = error.format_message()
            return None


class GroupedCommand(click.Command):
    """A command whose help lists the options under headings, and the exit codes at the end."""

    context_class: type[click.Context] = WholeWordsContext

    def __init__(self, name: str, *, exit_codes: Sequence[tuple[str, str]] = (), **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self._exit_codes = exit_codes

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes one section for each group, in the order of the options."""
        options = [option for option in self.get_params(ctx) if isinstance(option, GroupedOption)]
        for group, members in groupby(options, key=lambda option: option.group):
            _section(formatter, group, ctx, [*members])
        others = [option for option in self.get_params(ctx) if not isinstance(option, GroupedOption)]
        _section(formatter, "Other", ctx, others)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the exit codes."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Exit codes"):
            formatter.write_dl(self._exit_codes)


def wrong_values(ctx: click.Context) -> Mapping[str, str]:
    """The options that were given a wrong value, each with the problem."""
    wrong: Mapping[str, str] = ctx.meta.get(_WRONG, {})
    return wrong


def _trimmed(value: Any) -> Any:
    """A text, or each text of a repeated option, without white space around it; anything else as it is."""
    if isinstance(value, str):
        return trimmed(value)
    return [_trimmed(each) for each in value] if isinstance(value, list | tuple) else value


def _section(formatter: click.HelpFormatter, title: str, ctx: click.Context, options: list[Any]) -> None:
    with formatter.section(title):
        records = [record for option in options if (record := option.get_help_record(ctx))]
        formatter.write_dl([(names.ljust(COLUMN), text) for names, text in records])
