"""The command: reads the options, runs, and ends with an exit code."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import click

from barrelman_sync import __version__
from barrelman_sync.cluster.loading import load_lightkube
from barrelman_sync.command.completion import VARIABLE, answer
from barrelman_sync.command.dashes import mistaken_dashes
from barrelman_sync.command.endings import ended_by_bug, exit_code_of_output, tell_lost_output, wrong_usage
from barrelman_sync.command.formatter import WIDEST
from barrelman_sync.command.logs import set_up_logs, tell
from barrelman_sync.command.misspelled import without_prefix
from barrelman_sync.command.options import ENVIRONMENT_PREFIX, OPTIONS
from barrelman_sync.command.parameters import GroupedCommand
from barrelman_sync.command.preview import Preview
from barrelman_sync.command.settings import settings_of
from barrelman_sync.command.terminal import is_on_terminal, no_progress, progress, wants_color
from barrelman_sync.command.watchdog import Watchdog
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.errors import ConfigurationError, RunError
from barrelman_sync.model.names import Key
from barrelman_sync.model.settings import Settings
from barrelman_sync.planning.result import ExitCode, Report

_log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(**values: Any) -> ExitCode:
    """Make the Services of a remote Kubernetes cluster reachable by name in the local cluster.

    Each run reads both clusters, computes which namespaces, Services and endpoints the local cluster should have, and
    applies the difference.

    Every option can also be set as an environment variable, BARRELMAN_SYNC_<NAME>; separate the values of a repeatable
    option with spaces.
    """
    ctx = click.get_current_context()
    for warning in without_prefix(os.environ):
        _log.warning("%s", warning)
    try:
        return _run(settings_of(ctx, values))
    except ConfigurationError as error:
        return wrong_usage(error.problems, ctx.obj.output)
    except Exception as error:  # noqa: BLE001 - the last handler: a bug ends a run in order, and with one line
        return ended_by_bug(error, ctx.obj.output)


def _run(settings: Settings) -> ExitCode:
    deadline = Deadline(settings.run.timeout)
    _stop_on_signals(deadline.stop)
    with Watchdog(deadline) as watchdog, _commands_ended():
        if settings.run.preflight:
            return _preflight(settings, deadline)
        if settings.run.explain:
            return _explained(settings.run.explain, settings, deadline, watchdog)
        # A dry run writes no metrics: they would replace the metrics of the last real run, and say that all is well.
        if settings.metrics.wanted and not settings.run.dry_run:
            return _measured(settings, deadline, watchdog)
        return _reconciled(settings, deadline, watchdog)[1]


def _measured(settings: Settings, deadline: Deadline, watchdog: Watchdog) -> ExitCode:
    from barrelman_sync.metrics import Run, publish  # loads prometheus_client

    started, clock = time.time(), time.monotonic()

    def end(report: Report | None, exit_code: ExitCode) -> ExitCode:
        source = report.source if report else settings.remote_name()
        duration = time.monotonic() - clock
        run = Run(source, exit_code, started, duration, settings.run.timeout, report)
        return publish(settings.metrics, run, deadline)

    try:
        report, exit_code = _reconciled(settings, deadline, watchdog)
    except Exception:
        end(None, ExitCode.FAILED)
        raise
    return end(report, exit_code_of_output(exit_code))


def _reconciled(settings: Settings, deadline: Deadline, watchdog: Watchdog) -> tuple[Report | None, ExitCode]:
    """Does a run and prints it. Returns the report (None if the run came to no plan) and the exit code."""
    # Imported here, because lightkube takes a while to load: --help and a wrong option should not wait for that.
    load_lightkube()
    from barrelman_sync.reconcile import Shown, reconcile
    from barrelman_sync.report.printer import printer_for

    rules = settings.run
    printer = printer_for(rules.output, color=wants_color(rules.color), quiet=rules.quiet)

    def show_plan(report: Report) -> None:
        if report.dry_run:
            _let_user_read(watchdog)
        printer.plan(report)

    try:
        report = reconcile(settings, deadline, Shown(show_plan, no_progress if rules.quiet else progress))
    except (ConfigurationError, RunError) as error:
        return None, _ended(error, printer.failure)
    _let_user_read(watchdog)
    printer.outcome(report)
    return report, report.exit_code


def _let_user_read(watchdog: Watchdog) -> None:
    """Stops the watchdog on a terminal. Called when only output is left, which a pager reads as its user scrolls."""
    if is_on_terminal():
        watchdog.stand_down()


def _ended(error: ConfigurationError | RunError, show: Callable[[Sequence[str], int], None]) -> ExitCode:
    """Tells why a run came to no plan."""
    problems: Sequence[str] = (str(error),)
    exit_code = ExitCode.FAILED
    if isinstance(error, ConfigurationError):
        problems, exit_code = error.problems, ExitCode.USAGE
    show(problems, exit_code)
    tell(problems)
    return exit_code


def _explained(key: Key, settings: Settings, deadline: Deadline, watchdog: Watchdog) -> ExitCode:
    load_lightkube()  # see _reconciled
    from barrelman_sync.reconcile import explain
    from barrelman_sync.report.explanation import print_story
    from barrelman_sync.report.printer import printer_for

    color = wants_color(settings.run.color)
    try:
        story = explain(key, settings, deadline)
    except (ConfigurationError, RunError) as error:
        return _ended(error, printer_for(settings.run.output, color=color).failure)
    _let_user_read(watchdog)
    print_story(story, settings.run.output, color=color)
    return ExitCode.CONVERGED


def _preflight(settings: Settings, deadline: Deadline) -> ExitCode:
    load_lightkube()  # see _reconciled
    from barrelman_sync.preflight.checks import preflight
    from barrelman_sync.report.preflight import print_checks

    rules = settings.run
    checks = preflight(settings, deadline)
    passed = print_checks(checks, rules.output, color=wants_color(rules.color), quiet=rules.quiet)
    return ExitCode.CONVERGED if passed else ExitCode.FAILED


@contextmanager
def _commands_ended() -> Iterator[None]:
    """Ends the commands of kubeconfigs that are still running when the block ends."""
    try:
        yield
    finally:
        from barrelman_sync.access.exec_credentials import end_commands  # loaded by now, unless nothing connects

        end_commands()


def _stop_on_signals(stop: Callable[[str], None]) -> None:
    """The first signal calls `stop`, so that requests in flight finish; a second signal ends the process at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        stop(f"the run was interrupted ({signal.Signals(number).name})")
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)

    for number in _SIGNALS:
        signal.signal(number, handle)


class _Command(GroupedCommand):
    """The command. Reports mistakes in the command line as it reports everything else: in the format of the log."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        """Runs the command, and ends with the exit code that `run` returns."""
        preview = Preview.of(args)
        set_up_logs(preview.log_format, preview.verbosity)
        if instruction := os.environ.get(VARIABLE):
            sys.exit(ExitCode.CONVERGED if answer(self, instruction) else ExitCode.FAILED)
        try:
            exit_code = super().main(args, *rest, **{**extra, "standalone_mode": False, "obj": preview})
        except ConfigurationError as error:
            exit_code = wrong_usage(error.problems, preview.output)
        except click.ClickException as error:
            message = error.format_message()
            end = "" if message.endswith((".", "?", "!")) else "."  # click ends only some sentences
            exit_code = wrong_usage([f"{message}{end} See 'barrelman-sync --help'."], preview.output)
        except click.Abort:  # Ctrl-C, where somebody else than `start` calls this
            exit_code = 128 + signal.SIGINT
        except Exception as error:  # noqa: BLE001 - see `run`, which handles what happens after the parsing
            exit_code = ended_by_bug(error, preview.output)
        tell_lost_output()
        sys.exit(exit_code_of_output(exit_code))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the command line. Raises ConfigurationError for options with one dash, before click misreads them."""
        if not ctx.resilient_parsing and (problems := [*mistaken_dashes(args, self.get_params(ctx))]):
            raise ConfigurationError(*problems)
        return super().parse_args(ctx, args)


main = _Command(
    "barrelman-sync",
    callback=run,
    params=[*OPTIONS],
    help=run.__doc__,
    exit_codes=[(str(int(code)), code.meaning) for code in ExitCode],
    context_settings={
        "auto_envvar_prefix": ENVIRONMENT_PREFIX,
        "help_option_names": ["-h", "--help"],
        "max_content_width": WIDEST,
    },
)
# The variable BARRELMAN_SYNC_VERSION is ignored: somebody may well set it to the version to deploy.
main = click.version_option(__version__, prog_name="barrelman-sync", allow_from_autoenv=False)(main)
