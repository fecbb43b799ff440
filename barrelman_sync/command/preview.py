"""How to report problems: what the options say of that, before anybody knows whether the other options are right."""

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from barrelman_sync.command.options import ENVIRONMENT_PREFIX, OPTIONS
from barrelman_sync.model.settings import LogFormat, Output


class Preview(NamedTuple):
    """The options that say how to report problems. A wrong value counts as the default."""

    output: Output
    log_format: LogFormat
    verbosity: int

    @classmethod
    def of(cls, arguments: Sequence[str] | None) -> "Preview":
        """The preview of a command line, by default of the process's own, and of the environment."""
        words = sys.argv[1:] if arguments is None else arguments
        return cls(
            Output(_value("output", words) or Output.TEXT),
            LogFormat(_value("log_format", words) or LogFormat.TEXT),
            _value("verbose", words) or 0,
        )


def _value(name: str, words: Sequence[str]) -> Any:
    """The value of an option. The parser knows only this option, so that no mistake in another option stops it."""
    option = next(option for option in OPTIONS if option.name == name)
    command = click.Command(None, params=[option], add_help_option=False)
    ctx = command.make_context(
        None,
        [*words],
        resilient_parsing=True,
        ignore_unknown_options=True,
        allow_extra_args=True,
        auto_envvar_prefix=ENVIRONMENT_PREFIX,
    )
    return ctx.params[name]
