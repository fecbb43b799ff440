"""The ends of the command that are not the end of a run: wrong usage, a bug, output that was lost."""

import logging
from collections.abc import Sequence

from barrelman_sync import __version__
from barrelman_sync.command.logs import is_verbose, tell, tell_bug
from barrelman_sync.command.streams import has_printed, output_loss
from barrelman_sync.model.settings import Output
from barrelman_sync.planning.result import ExitCode

_log = logging.getLogger(__name__)


def wrong_usage(problems: Sequence[str], output: Output) -> ExitCode:
    """Tells the problems of a run that could not start. As JSON or YAML, stdout gets the document of a failure."""
    tell(problems)
    if output is not Output.TEXT:
        from barrelman_sync.report.printer import printer_for

        printer_for(output, color=False).failure(problems, ExitCode.USAGE)
    return ExitCode.USAGE


def ended_by_bug(error: Exception, output: Output) -> ExitCode:
    """Tells an error that no code expected, and how to report it. Completes the output."""
    line = bug_line(error)
    tell_bug(line, error)
    if output is Output.TEXT or not has_printed():  # never two documents
        from barrelman_sync.report.printer import printer_for

        printer_for(output, color=False).bug(line)
    return ExitCode.FAILED


def bug_line(error: BaseException) -> str:
    """What to tell the user of an error that no code expected."""
    what = f"{type(error).__name__}: {error}".rstrip(": .\n")
    proof = "the trace" if is_verbose() else "the output of the same command with -v"
    return (
        f"{what}. This is a bug in barrelman-sync {__version__}."
        f" Please open an issue in the project's repository and add {proof}."
    )


def exit_code_of_output(exit_code: ExitCode) -> ExitCode:
    """The exit code, but 1 if the output could not be written; a 2 stays."""
    loss = output_loss()
    return ExitCode.FAILED if loss and loss.fails and exit_code != ExitCode.USAGE else exit_code


def tell_lost_output() -> None:
    """Says so if output was lost."""
    if loss := output_loss():
        level = logging.ERROR if loss.fails else logging.WARNING
        _log.log(level, "%s: the output is lost, nothing else is affected.", loss.why)
